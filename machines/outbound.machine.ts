/**
 * One target of outbound connections:
 *
 *   idle → dialling (lookingUp → requestingSlot → connecting) → connected → backingOff → dialling → … → closed | failed
 *
 * A round looks the name up, dials one address after the other, and ends with a connection or with the last failure. With the
 * option `v2` an address is dialled with BIP324 first, and again with v1 when the peer does not support BIP324. A persistent
 * target begins another round after a delay; a one-shot target (`persistent` is false) has one round.
 *
 * Effects are empty here; src/node/outbound-target.ts provides them. Rules and context updates: outbound-context.ts.
 */
import { assertEvent, assign, setup } from 'xstate';
import type { ReasonCode } from '../src/reasons.js';
import type { OutboundContext, OutboundEvent, OutboundInput } from './events.js';
import * as update from './outbound-context.js';

const outboundSetup = setup({
  types: {
    context: {} as OutboundContext,
    events: {} as OutboundEvent,
    input: {} as OutboundInput,
  },
  guards: {
    isName: ({ context }) => context.name !== '',
    isTaken: ({ context, event }) => {
      assertEvent(event, 'slot.refused');
      return event.reason.code === 'ERR_POLICY_DUPLICATE' && update.hasAnotherAddress(context);
    },
    speaksV1: ({ context, event }) => {
      assertEvent(event, 'peer.ended');
      return event.speaksv1 && update.mayUseV1(context);
    },
    isUnanswered: ({ context, event }) => {
      assertEvent(event, 'peer.ended');
      return event.unanswered && update.mayUseV1(context);
    },
    isDone: ({ event }) => {
      assertEvent(event, 'peer.ended');
      return event.reason.code === 'END_DONE' || event.reason.code === 'ERR_LOCAL_CANCELLED';
    },
    hasAnotherAddress: ({ context }) => update.hasAnotherAddress(context),
    mayRetry: ({ context, event }) => {
      assertEvent(event, ['lookup.failed', 'slot.refused', 'peer.ended']);
      return update.mayRetry(context, event.reason.code);
    },
    isPersistent: ({ context }) => context.persistent,
  },
  actions: {
    /** Look up `name`; the answer is `lookup.done` or `lookup.failed`. */
    'effect.lookUp': () => undefined,
    'effect.cancelLookUp': () => undefined,
    /** Ask the supervisor for a slot for the current address; the answer is `slot.granted` or `slot.refused`. */
    'effect.requestSlot': () => undefined,
    /** Create a connection to the current address. */
    'effect.connect': () => undefined,
    /** Close the connection; `peer.ended` follows. */
    'effect.disconnect': () => undefined,
    /** Report that the connection has ended. */
    'effect.reportEnd': () => undefined,
    /** Report that the connection has ended, and that the same address is dialled again with v1. */
    'effect.reportFallback': () => undefined,
    /** Report that the next round begins after `delay`. */
    'effect.reportRetry': () => undefined,
    /** Report that a persistent target is not dialled any more. */
    'effect.reportAbandoned': () => undefined,
    /** The round is over and no connection is open: settle the pending promises of the target. `isOver`: no round follows. */
    'effect.settle': (_, _params: { isOver: boolean }) => undefined,
    startRound: assign({ current: 0 }),
    recordAddresses: assign(({ context, event }) => {
      assertEvent(event, 'lookup.done');
      return update.found(context, event);
    }),
    takeNextAddress: assign(({ context }) => ({ current: context.current + 1 })),
    recordEstablished: assign({ established: true }),
    recordV1: assign(({ context }) => update.v1(context)),
    recordReason: assign(({ event }) => {
      assertEvent(event, ['lookup.failed', 'slot.refused', 'peer.ended']);
      return { reason: event.reason };
    }),
    recordFailure: assign(({ context, event }) => {
      assertEvent(event, ['lookup.failed', 'slot.refused', 'peer.ended']);
      return update.failed(context, event);
    }),
    setReason: assign((_, params: { code: ReasonCode }) => ({ reason: { code: params.code, facts: {} } })),
  },
  delays: { redialDelay: ({ context }) => context.delay },
});

/** The chart. Its input is {@link OutboundInput}, its output the `Reason` for which it ended. */
export const outboundMachine = outboundSetup.createMachine({
  id: 'outbound',
  description: 'One target of outbound connections',
  context: ({ input }) => update.initial(input),
  output: ({ context }) => context.reason,
  initial: 'idle',
  on: {
    'user.close': {
      target: '#outbound.closed',
      actions: { type: 'setReason', params: { code: 'ERR_LOCAL_CANCELLED' } },
      description: 'closed by the caller',
    },
  },
  states: {
    idle: {
      description: 'not dialled yet',
      on: {
        'user.dial': [
          { guard: 'isName', target: 'dialling.lookingUp', description: 'a name is looked up first' },
          { target: 'dialling.requestingSlot', description: 'the addresses were given' },
        ],
      },
    },
    dialling: {
      description: 'one round: look the name up, then dial one address after the other',
      initial: 'lookingUp',
      states: {
        lookingUp: {
          description: 'looking up the name, again in each round',
          entry: 'effect.lookUp',
          exit: 'effect.cancelLookUp',
          on: {
            'lookup.done': {
              target: 'requestingSlot',
              actions: 'recordAddresses',
              description: 'the name has addresses',
            },
            'lookup.failed': [
              {
                guard: 'mayRetry',
                target: '#outbound.backingOff',
                actions: ['recordFailure', 'effect.reportRetry'],
                description: 'the name may have addresses later',
              },
              {
                guard: 'isPersistent',
                target: '#outbound.failed',
                actions: ['recordFailure', 'effect.reportAbandoned'],
                description: 'another lookup would give the same answer',
              },
              { target: '#outbound.failed', actions: 'recordFailure', description: 'one round only' },
            ],
          },
        },
        requestingSlot: {
          description: 'asking the supervisor for an outbound slot',
          entry: 'effect.requestSlot',
          on: {
            'slot.granted': { target: 'connecting', description: 'the address may be dialled' },
            'slot.refused': [
              {
                guard: 'isTaken',
                actions: ['recordReason', 'takeNextAddress', 'effect.requestSlot'],
                description: 'this address is connected already: the next one is tried',
              },
              {
                guard: 'mayRetry',
                target: '#outbound.backingOff',
                actions: ['recordFailure', 'effect.reportRetry'],
                description: 'no slot now',
              },
              {
                guard: 'isPersistent',
                target: '#outbound.failed',
                actions: ['recordFailure', 'effect.reportAbandoned'],
                description: 'another request would get the same answer',
              },
              { target: '#outbound.failed', actions: 'recordFailure', description: 'one round only' },
            ],
          },
        },
        connecting: {
          description: 'a connection is being opened to the current address',
          entry: 'effect.connect',
          on: {
            'peer.established': {
              target: '#outbound.connected',
              actions: 'recordEstablished',
              description: 'the handshake is complete',
            },
            'peer.ended': [
              {
                guard: 'isUnanswered',
                target: 'requestingSlot',
                actions: ['recordV1', 'effect.reportFallback'],
                description: 'no answer to BIP324: the same address again with v1',
              },
              {
                guard: 'speaksV1',
                target: 'requestingSlot',
                actions: ['recordV1', 'effect.reportFallback'],
                description: 'the peer sent a v1 header: the same address again with v1',
              },
              {
                guard: 'isDone',
                target: '#outbound.closed',
                actions: ['recordReason', 'effect.reportEnd'],
                description: 'a feeler was answered, or the connection was closed by the caller',
              },
              {
                guard: 'hasAnotherAddress',
                target: 'requestingSlot',
                actions: ['recordReason', 'takeNextAddress', 'effect.reportEnd'],
                description: 'the next address of the name, without a delay',
              },
              {
                guard: 'mayRetry',
                target: '#outbound.backingOff',
                actions: ['recordFailure', 'effect.reportEnd', 'effect.reportRetry'],
                description: 'every address failed: another round after a delay',
              },
              {
                guard: 'isPersistent',
                target: '#outbound.failed',
                actions: ['recordFailure', 'effect.reportEnd', 'effect.reportAbandoned'],
                description: 'another round would end the same way',
              },
              {
                target: '#outbound.failed',
                actions: ['recordFailure', 'effect.reportEnd'],
                description: 'one round only',
              },
            ],
            'user.close': {
              target: '#outbound.closing',
              actions: { type: 'setReason', params: { code: 'ERR_LOCAL_CANCELLED' } },
              description: 'closed by the caller',
            },
          },
        },
      },
    },
    connected: {
      description: 'connected',
      on: {
        'peer.ended': [
          {
            guard: 'isDone',
            target: 'closed',
            actions: ['recordReason', 'effect.reportEnd'],
            description: 'the connection was closed from this side',
          },
          {
            guard: 'mayRetry',
            target: 'backingOff',
            actions: ['recordFailure', 'effect.reportEnd', 'effect.reportRetry'],
            description: 'another round after a delay',
          },
          {
            guard: 'isPersistent',
            target: 'failed',
            actions: ['recordFailure', 'effect.reportEnd', 'effect.reportAbandoned'],
            description: 'another round would end the same way',
          },
          {
            target: 'closed',
            actions: ['recordReason', 'effect.reportEnd'],
            description: 'one connection only',
          },
        ],
        'user.close': {
          target: 'closing',
          actions: { type: 'setReason', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'closed by the caller',
        },
      },
    },
    closing: {
      description: 'closing the connection',
      entry: 'effect.disconnect',
      on: {
        'peer.ended': {
          target: 'closed',
          actions: 'effect.reportEnd',
          description: 'the connection has ended',
        },
        'user.close': { description: 'the connection is closing already' },
      },
    },
    backingOff: {
      description: 'waiting for the next round: longer after each failure, with jitter, at most five minutes',
      entry: { type: 'effect.settle', params: { isOver: false } },
      after: {
        redialDelay: [
          { guard: 'isName', target: 'dialling.lookingUp', description: 'its addresses may have changed' },
          {
            target: 'dialling.requestingSlot',
            actions: 'startRound',
            description: 'beginning with the first address',
          },
        ],
      },
    },
    closed: {
      type: 'final',
      entry: { type: 'effect.settle', params: { isOver: true } },
      description: 'closed by the caller, or done',
    },
    failed: {
      type: 'final',
      entry: { type: 'effect.settle', params: { isOver: true } },
      description: 'not dialled again; the output says why',
    },
  },
});
