/** The transport machine, compiled, with effects that report to the test: for comparing what runs a machine. */
import type { AnyActorRef } from 'xstate';
import { transportMachine } from '../../machines/index.js';
import { compile } from '../../src/xstate/compile.js';
import { handlersOf } from '../../src/xstate/effect-handlers.js';

/** The effects of the transport machine. */
export const TRANSPORT_EFFECTS = [
  'effect.sendKey',
  'effect.sendTerminator',
  'effect.ready',
  'effect.fallBack',
  'effect.giveUp',
] as const;

/** What an actor of the machine is made with. */
export interface EffectHandlers {
  effect(name: string, params: unknown): void;
}

/** Compiled once; its effects come from the caller that runs it. */
export const reportingTransport = compile(
  transportMachine.provide({
    actions: Object.fromEntries(
      TRANSPORT_EFFECTS.map((name) => [
        name,
        ({ self }: { self: AnyActorRef }, params: unknown) =>
          handlersOf<EffectHandlers>(self).effect(name, params),
      ]),
    ),
  }),
);
