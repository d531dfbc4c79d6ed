/**
 * Which transport a connection speaks, and the BIP324 key exchange:
 *
 *   opening → detecting → v1 | keySent → garbage → versionPacket → v2 | fallback | failed
 *
 * A responder says nothing while the first bytes could be a v1 `version`; at the first that differs it sends its key. An
 * initiator sends its key at once and never falls back on the same connection: when not one byte came back, the
 * verdict is `fallback`, and whoever dialled may try v1 on a new one (Core: ShouldReconnectV1). One deadline covers it all.
 *
 * The machine knows facts, never bytes: keys and ciphers live outside, in whatever provides the effects.
 */
import { assign, setup } from 'xstate';
import type { ReasonCode } from '../src/reasons.js';
import type { TransportContext, TransportEvent, TransportInput } from './events.js';

type EventOf<T extends TransportEvent['type']> = Extract<TransportEvent, { type: T }>;

const ignore = <T extends TransportEvent['type']>(description: string, ...types: readonly T[]) =>
  Object.fromEntries(types.map((type) => [type, { description }])) as Record<T, { description: string }>;

const fail = (code?: ReasonCode) =>
  ({ target: '#transport.failed', actions: { type: 'blame', params: code ? { code } : {} } }) as const;

/** Not one byte came back: the other side may not know v2. */
const fallBack = (code?: ReasonCode) =>
  ({
    guard: 'mayFallBack',
    target: '#transport.fallback',
    actions: { type: 'blame', params: code ? { code } : {} },
    description: 'nothing came back: v1 is worth a try',
  }) as const;

/** The ways out that every phase of the exchange has. */
const ends = {
  'link.closed': { ...fail(), description: 'closed in the middle of the exchange' },
  'bytes.broken': {
    ...fail(),
    description: 'another network, endless garbage, a packet that does not decrypt',
  },
} as const;

const heard = {
  'bytes.arrived': { actions: 'noteHeard', description: 'no way back to v1 from here' },
} as const;

function blamed(
  context: TransportContext,
  event: TransportEvent,
  given?: ReasonCode,
): Partial<TransportContext> {
  const code = given ?? ('code' in event ? event.code : 'ERR_LOCAL_BUG');
  const own = 'facts' in event ? event.facts : {};
  return { reason: { code, facts: { ...own, transport: 'v2', role: context.role } } };
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
    mayFallBack: ({ context }) => context.role === 'initiator' && !context.heard && !context.v2only,
  },
  actions: {
    'effect.sendKey': () => undefined,
    'effect.sendTerminator': () => undefined,
    'effect.ready': () => undefined,
    'effect.fallBack': () => undefined,
    'effect.giveUp': () => undefined,
    noteHeard: assign({ heard: true }),
    noteGarbage: assign(({ event }) => ({ garbage: (event as EventOf<'bytes.garbage'>).size })),
    noteDecoy: assign(({ context }) => ({ decoys: context.decoys + 1 })),
    blame: assign(({ context, event }, params: { code?: ReasonCode }) => blamed(context, event, params.code)),
  },
  delays: { handshakeTimeout: ({ context }) => context.handshakeTimeout },
});

/** The chart; output is the `Reason` of a failed exchange, or null. */
export const transportMachine = transportSetup.createMachine({
  id: 'transport',
  description: 'v1 or v2, and the key exchange of BIP324',
  context: ({ input }) => ({ ...input, heard: false, garbage: -1, decoys: 0, reason: null }),
  output: ({ context }) => context.reason,
  initial: 'opening',
  states: {
    opening: {
      description: 'TCP is about to open',
      on: {
        'link.connected': [
          {
            guard: 'isInitiator',
            target: '#transport.exchanging.keySent',
            actions: 'effect.sendKey',
            description: 'the dialler sends its key at once',
          },
          { target: '#transport.exchanging.detecting', description: 'accepted: the first bytes will tell' },
        ],
        ...ignore(
          'nothing can come before the link is open',
          'bytes.arrived',
          'bytes.v1',
          'bytes.v2',
          'bytes.key',
        ),
        ...ignore(
          'nothing can come before the link is open',
          'bytes.garbage',
          'packet.decoy',
          'packet.version',
        ),
        ...ignore('nothing can come before the link is open', 'bytes.broken', 'link.closed'),
      },
    },
    exchanging: {
      description: 'one deadline from the open connection to the version packet',
      initial: 'detecting',
      after: {
        handshakeTimeout: [
          fallBack('ERR_TIME_HANDSHAKE'),
          { ...fail('ERR_TIME_HANDSHAKE'), description: 'nothing extends this deadline' },
        ],
      },
      states: {
        detecting: {
          description: 'accepted: silent while the bytes could be a v1 version message',
          on: {
            ...ends,
            ...heard,
            'bytes.v1': [
              {
                guard: 'isV2Only',
                ...fail('ERR_POLICY_TRANSPORT'),
                description: 'we were told to refuse v1',
              },
              { target: '#transport.v1', description: 'the first 16 bytes are those of v1' },
            ],
            'bytes.v2': {
              target: 'keySent',
              actions: 'effect.sendKey',
              description: 'a byte differs: answered at once, without waiting for the whole key',
            },
            ...ignore('the link opens once', 'link.connected'),
            ...ignore('that comes later', 'bytes.key', 'bytes.garbage', 'packet.decoy', 'packet.version'),
          },
        },
        keySent: {
          description: 'our key and garbage are out, their key is awaited',
          on: {
            ...ends,
            'link.closed': [fallBack(), { ...fail(), description: 'closed in the middle of the exchange' }],
            ...heard,
            'bytes.key': {
              target: 'garbage',
              actions: 'effect.sendTerminator',
              description: 'the keys are derived',
            },
            ...ignore('the link opens once', 'link.connected'),
            ...ignore('whatever they are, they are read as a key', 'bytes.v1', 'bytes.v2'),
            ...ignore('that comes later', 'bytes.garbage', 'packet.decoy', 'packet.version'),
          },
        },
        garbage: {
          description: 'their garbage is skipped up to its terminator, 4,095 bytes at most',
          on: {
            ...ends,
            'bytes.garbage': {
              target: 'versionPacket',
              actions: 'noteGarbage',
              description: 'the terminator was found',
            },
            ...ignore('the link opens once', 'link.connected'),
            ...ignore('that was before', 'bytes.arrived', 'bytes.v1', 'bytes.v2', 'bytes.key'),
            ...ignore('that comes later', 'packet.decoy', 'packet.version'),
          },
        },
        versionPacket: {
          description:
            'their first packet authenticates the garbage; decoys may come before the version packet',
          on: {
            ...ends,
            'packet.decoy': { actions: 'noteDecoy', description: 'skipped' },
            'packet.version': { target: '#transport.v2', description: 'its contents mean nothing yet' },
            ...ignore('the link opens once', 'link.connected'),
            ...ignore(
              'that was before',
              'bytes.arrived',
              'bytes.v1',
              'bytes.v2',
              'bytes.key',
              'bytes.garbage',
            ),
          },
        },
      },
    },
    v1: { type: 'final', entry: 'effect.ready', description: 'frames in the clear' },
    v2: { type: 'final', entry: 'effect.ready', description: 'encrypted packets' },
    fallback: { type: 'final', entry: 'effect.fallBack', description: 'v1, on a new connection' },
    failed: { type: 'final', entry: 'effect.giveUp', description: 'ended; the output says why' },
  },
});
