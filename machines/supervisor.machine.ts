/**
 * The parent of all peers: gives out slots, and stops the node.
 *
 *   running → draining → stopped
 *
 * It holds counts only, so that one more peer costs the same beside ten as beside ten thousand. The peer actors are in a
 * pool that the running program provides as `pool`; a peer that crashes is, like any other, a `peer.ended`.
 */
import { type AnyActorLogic, assertEvent, assign, fromCallback, setup } from 'xstate';
import type { RefusalCode, SupervisorContext, SupervisorEvent, SupervisorInput } from './events.js';

const supervisorSetup = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
  },
  actors: { pool: fromCallback(() => undefined) as AnyActorLogic },
  guards: {
    isKnown: ({ event }) => {
      assertEvent(event, 'dial.requested');
      return event.known;
    },
    isCrowded: ({ event }) => {
      assertEvent(event, 'link.accepted');
      return event.crowded;
    },
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
    freeSlot: assign(({ context, event }) => {
      assertEvent(event, 'peer.ended');
      return event.inbound ? { inbound: context.inbound - 1 } : { outbound: context.outbound - 1 };
    }),
  },
  delays: { drainTimeout: ({ context }) => context.drainTimeout },
});

/** The chart; the `pool` actor and the effects are provided by the running program. */
export const supervisorMachine = supervisorSetup.createMachine({
  id: 'supervisor',
  description: 'Slots for peers, and stopping',
  context: ({ input }) => ({ inbound: 0, outbound: 0, ...input }),
  invoke: { src: 'pool', id: 'pool' },
  initial: 'running',
  on: { 'peer.ended': { actions: 'freeSlot', description: 'its slot is free again' } },
  states: {
    running: {
      description: 'gives out slots',
      on: {
        'dial.requested': [
          {
            guard: 'isKnown',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_DUPLICATE' } },
            description: 'one connection per address',
          },
          {
            guard: 'lacksOutboundSlot',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_FULL' } },
            description: 'all slots are taken',
          },
          { actions: ['countOutbound', 'effect.spawn'], description: 'a slot is free: the peer is created' },
        ],
        'link.accepted': [
          {
            guard: 'isCrowded',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_PENDING' } },
            description: 'its network group has too many pending handshakes',
          },
          {
            guard: 'lacksInboundSlot',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_FULL' } },
            description: 'all slots are taken: closed without a byte',
          },
          { actions: ['countInbound', 'effect.spawn'], description: 'a slot is free: the peer is created' },
        ],
        'user.stop': [
          { guard: 'isEmpty', target: 'stopped', description: 'no peers' },
          { target: 'draining', actions: 'effect.drain', description: 'all peers are closing' },
        ],
      },
    },
    draining: {
      description: 'waiting for peers to close; new ones are refused',
      after: {
        drainTimeout: {
          target: 'stopped',
          actions: 'effect.kill',
          description: 'the remaining peers are destroyed',
        },
      },
      on: {
        'dial.requested': {
          actions: { type: 'effect.refuse', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'the node is stopping',
        },
        'link.accepted': {
          actions: { type: 'effect.refuse', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'the node is stopping',
        },
        'peer.ended': {
          guard: 'isLast',
          target: 'stopped',
          actions: 'freeSlot',
          description: 'the last peer has ended',
        },
      },
    },
    stopped: { type: 'final', description: 'no peers remain' },
  },
});
