/**
 * `verack/compile`: {@link compile} makes the transitions of an XState 5 machine faster; {@link interpreted} lists the parts that are
 * still interpreted by XState. `compile.ts` describes how it works and its limits. It throws for a version of XState that is not in
 * {@link TESTED_XSTATE}. {@link withHandlers} gives each actor its own effect handlers, while all actors of a machine share one set
 * of implementations.
 *
 * @module
 */
export { compile, interpreted } from './compile.js';
export { handlersOf, withHandlers } from './effect-handlers.js';
export { TESTED_XSTATE, xstateVersion } from './version.js';
export type { CompileOptions } from './compile.js';
