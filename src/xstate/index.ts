/**
 * `verack/compile`: {@link compile} makes a machine of XState 5 cheaper to step; {@link interpreted} names what it leaves to
 * XState. `compile.ts` says how it works and what its limits are. It refuses a version of XState that is not in
 * {@link TESTED_XSTATE}. {@link withHandlers} gives each actor its own effect handlers, where all actors of a machine share one
 * set of implementations.
 *
 * @module
 */
export { compile, interpreted } from './compile.js';
export { handlersOf, withHandlers } from './effect-handlers.js';
export { TESTED_XSTATE, xstateVersion } from './version.js';
export type { CompileOptions } from './compile.js';
