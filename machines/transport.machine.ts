/**
 * Decides which transport a connection uses, v1 or v2, and performs the BIP324 key exchange:
 *
 *   opening → detecting | keySent → garbage → versionPacket → v1 | v2 | fallback | failed
 *
 * A responder sends nothing while the first bytes could be a v1 `version`; at the first byte that differs it sends its key.
 *
 * An initiator sends its key at once. It cannot change to v1 on the same connection; if the connection ends or times out before
 * any byte was received, the machine ends in `fallback`, and v1 may be tried on a new connection (Core: `ShouldReconnectV1`). It
 * also ends in `fallback` when the peer sent a v1 header of our network, which some v1 nodes do before they read. Core does not
 * try v1 then, because a byte was received; here the header counts as proof of v1. One deadline covers the whole exchange.
 *
 * The machine receives no bytes, only facts about them; keys and ciphers are outside. ignored.ts lists the (state, event) cells
 * that change nothing.
 */
import { assertEvent, assign, setup } from 'xstate';
import type { ReasonCode } from '../src/reasons.js';
import type { TransportContext, TransportEvent, TransportInput } from './events.js';

/** The change that sets the reason. Without `given`, the code of the event is used. */
function reason(
  context: TransportContext,
  event: TransportEvent,
  given?: ReasonCode,
): Partial<TransportContext> {
  const code = given ?? ('code' in event ? event.code : 'ERR_LOCAL_BUG');
  const own = 'facts' in event ? event.facts : {};
  return { reason: { code, facts: { ...own, transport: context.transport, role: context.role } } };
}

const transportSetup = setup({
  types: {
    context: {} as TransportContext,
    events: {} as TransportEvent,
    input: {} as TransportInput,
  },
  guards: {
    isInitiator: ({ context }) => context.role === 'initiator',
    isV2Only: ({ context }) => context.v2only,
    mayFallBack: ({ context }) => context.role === 'initiator' && !context.received && !context.v2only,
    mayUseV1: ({ context }) => context.role === 'initiator' && !context.v2only,
    refusesV1: ({ context }) => context.role === 'initiator' && context.v2only,
  },
  actions: {
    /** Send our key and garbage. */
    'effect.sendKey': () => undefined,
    /** Send our garbage terminator, decoys and version packet. */
    'effect.sendTerminator': () => undefined,
    /** The transport is decided; messages can be sent. */
    'effect.ready': () => undefined,
    /** The key exchange failed, and v1 may be tried on a new connection. */
    'effect.fallBack': () => undefined,
    /** The key exchange failed; `reason` says why. */
    'effect.giveUp': () => undefined,
    recordArrival: assign({ received: true }),
    recordV2: assign({ transport: 'v2' }),
    recordGarbage: assign(({ event }) => {
      assertEvent(event, 'bytes.garbage');
      return { garbage: event.size };
    }),
    countDecoy: assign(({ context }) => ({ decoys: context.decoys + 1 })),
    setReason: assign(({ context, event }, params: { code: ReasonCode } | undefined) =>
      reason(context, event, params?.code),
    ),
  },
  delays: { handshakeTimeout: ({ context }) => context.handshakeTimeout },
});

/** The chart. Its output is the `Reason` of a failed key exchange, or null. */
export const transportMachine = transportSetup.createMachine({
  id: 'transport',
  description: 'v1 or v2, and the key exchange of BIP324',
  context: ({ input }) => ({
    id: input.id,
    role: input.role,
    v2only: input.v2only,
    handshakeTimeout: input.handshakeTimeout,
    transport: 'detecting',
    received: false,
    garbage: -1,
    decoys: 0,
    reason: null,
  }),
  output: ({ context }) => context.reason,
  initial: 'opening',
  states: {
    opening: {
      description: 'TCP is not open yet',
      on: {
        'link.connected': [
          {
            guard: 'isInitiator',
            target: '#transport.exchanging.keySent',
            actions: ['recordV2', 'effect.sendKey'],
            description: 'the initiator sends its key at once',
          },
          {
            target: '#transport.exchanging.detecting',
            description: 'the responder waits: the first bytes decide',
          },
        ],
      },
    },
    exchanging: {
      description: 'one deadline from the open connection to the version packet',
      initial: 'detecting',
      after: {
        handshakeTimeout: [
          {
            guard: 'mayFallBack',
            target: '#transport.fallback',
            actions: { type: 'setReason', params: { code: 'ERR_TIME_HANDSHAKE' } },
            description: 'no byte received: v1 may be tried',
          },
          {
            target: '#transport.failed',
            actions: { type: 'setReason', params: { code: 'ERR_TIME_HANDSHAKE' } },
            description: 'nothing extends this deadline',
          },
        ],
      },
      on: {
        'bytes.broken': {
          target: '#transport.failed',
          actions: 'setReason',
          description: 'another network, too much garbage, a packet that does not decrypt',
        },
        'link.closed': {
          target: '#transport.failed',
          actions: 'setReason',
          description: 'closed during the exchange',
        },
      },
      states: {
        detecting: {
          description: 'responder: sends nothing while the bytes could be a v1 version message',
          on: {
            'bytes.arrived': { actions: 'recordArrival', description: 'no fallback to v1 after this' },
            'bytes.v1': [
              {
                guard: 'isV2Only',
                target: '#transport.failed',
                actions: { type: 'setReason', params: { code: 'ERR_POLICY_TRANSPORT' } },
                description: 'v1 is refused by option',
              },
              { target: '#transport.v1', description: 'the first 16 bytes are those of v1' },
            ],
            'bytes.v2': {
              target: '#transport.exchanging.keySent',
              actions: ['recordV2', 'effect.sendKey'],
              description: 'a byte differs: our key is sent before theirs is complete',
            },
          },
        },
        keySent: {
          description: 'our key and garbage are sent, waiting for their key',
          on: {
            'bytes.arrived': { actions: 'recordArrival', description: 'no fallback to v1 after this' },
            'bytes.v1': [
              {
                guard: 'mayUseV1',
                target: '#transport.fallback',
                actions: { type: 'setReason', params: { code: 'ERR_V2_UNSUPPORTED' } },
                description: 'the peer sent a v1 header before it read our key: v1 is tried',
              },
              {
                guard: 'refusesV1',
                target: '#transport.failed',
                actions: { type: 'setReason', params: { code: 'ERR_POLICY_TRANSPORT' } },
                description: 'v1 is refused by option',
              },
            ],
            'bytes.key': {
              target: '#transport.exchanging.garbage',
              actions: 'effect.sendTerminator',
              description: 'both keys are known: the session keys are derived',
            },
            'link.closed': {
              guard: 'mayFallBack',
              target: '#transport.fallback',
              actions: 'setReason',
              description: 'no byte received: v1 may be tried',
            },
          },
        },
        garbage: {
          description: 'skips their garbage up to the terminator, 4,095 bytes at most',
          on: {
            'bytes.garbage': {
              target: '#transport.exchanging.versionPacket',
              actions: 'recordGarbage',
              description: 'the terminator was found',
            },
          },
        },
        versionPacket: {
          description: 'their first packet authenticates the garbage; decoys may precede the version packet',
          on: {
            'packet.decoy': { actions: 'countDecoy', description: 'decoys are skipped' },
            'packet.version': {
              target: '#transport.v2',
              description: 'the exchange is complete; the contents are ignored',
            },
          },
        },
      },
    },
    v1: { type: 'final', entry: 'effect.ready', description: 'unencrypted frames' },
    v2: { type: 'final', entry: 'effect.ready', description: 'encrypted packets' },
    fallback: { type: 'final', entry: 'effect.fallBack', description: 'v1 may be tried on a new connection' },
    failed: { type: 'final', entry: 'effect.giveUp', description: 'failed; the output says why' },
  },
});
