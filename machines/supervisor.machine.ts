/**
 * The parent of all peers: decides who gets a slot, and ends everybody in order.
 *
 *   running → draining → stopped
 *
 * It holds counts only, so that one peer more or less costs the same beside ten as beside ten thousand. The peer actors
 * live in a pool that the running program provides as `pool`; a peer that crashes is, like any other, a `peer.ended`.
 */
import { type AnyActorLogic, assign, fromCallback, setup } from 'xstate';
import type { RefusalCode, SupervisorContext, SupervisorEvent, SupervisorInput } from './events.js';

const refuse = (code: RefusalCode) => ({ type: 'effect.refuse', params: { code } }) as const;

const uncount = ({ context, event }: { context: SupervisorContext; event: SupervisorEvent }) => {
  const inbound = event.type === 'peer.ended' && event.inbound;
  return inbound ? { inbound: context.inbound - 1 } : { outbound: context.outbound - 1 };
};

const supervisorSetup = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
  },
  actors: { pool: fromCallback(() => undefined) as AnyActorLogic },
  guards: {
    isKnown: ({ event }) => event.type === 'dial.requested' && event.known,
    isCrowded: ({ event }) => event.type === 'link.accepted' && event.crowded,
    lacksOutboundSlot: ({ context }) => context.outbound >= context.maxoutbound,
    lacksInboundSlot: ({ context }) => context.inbound >= context.maxinbound,
    isEmpty: ({ context }) => context.inbound + context.outbound === 0,
    isLast: ({ context }) => context.inbound + context.outbound === 1,
  },
  actions: {
    'effect.spawn': () => undefined,
    'effect.refuse': (_, _params: { code: RefusalCode }) => undefined,
    'effect.drain': () => undefined,
    'effect.kill': () => undefined,
    countOutbound: assign(({ context }) => ({ outbound: context.outbound + 1 })),
    countInbound: assign(({ context }) => ({ inbound: context.inbound + 1 })),
    uncount: assign(uncount),
  },
  delays: { drainTimeout: ({ context }) => context.drainTimeout },
});

/** The chart; the `pool` actor and the effects are provided by the running program. */
export const supervisorMachine = supervisorSetup.createMachine({
  id: 'supervisor',
  description: 'Slots for peers, and an orderly end',
  context: ({ input }) => ({ inbound: 0, outbound: 0, ...input }),
  invoke: { src: 'pool', id: 'pool' },
  initial: 'running',
  states: {
    running: {
      description: 'slots are given to who asks',
      on: {
        'dial.requested': [
          {
            guard: 'isKnown',
            actions: refuse('ERR_POLICY_DUPLICATE'),
            description: 'one connection per address',
          },
          {
            guard: 'lacksOutboundSlot',
            actions: refuse('ERR_POLICY_FULL'),
            description: 'all slots are taken',
          },
          { actions: ['countOutbound', 'effect.spawn'], description: 'a peer is born' },
        ],
        'link.accepted': [
          {
            guard: 'isCrowded',
            actions: refuse('ERR_POLICY_PENDING'),
            description: 'its source has to finish what it began',
          },
          {
            guard: 'lacksInboundSlot',
            actions: refuse('ERR_POLICY_FULL'),
            description: 'closed without a byte',
          },
          { actions: ['countInbound', 'effect.spawn'], description: 'a peer is born' },
        ],
        'peer.ended': { actions: 'uncount', description: 'its slot is free' },
        'user.stop': [
          { guard: 'isEmpty', target: 'stopped', description: 'nobody to wait for' },
          { target: 'draining', actions: 'effect.drain', description: 'everybody is asked to close' },
        ],
      },
    },
    draining: {
      description: 'peers close in order, newcomers are turned away',
      after: { drainTimeout: { target: 'stopped', actions: 'effect.kill', description: 'enough waited' } },
      on: {
        'dial.requested': { actions: refuse('ERR_LOCAL_CANCELLED'), description: 'too late' },
        'link.accepted': { actions: refuse('ERR_LOCAL_CANCELLED'), description: 'too late' },
        'peer.ended': [
          { guard: 'isLast', target: 'stopped', actions: 'uncount', description: 'that was the last one' },
          { actions: 'uncount', description: 'others are still there' },
        ],
        'user.stop': { description: 'once is enough' },
      },
    },
    stopped: { type: 'final', description: 'nobody is left' },
  },
});
