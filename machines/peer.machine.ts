/**
 * The life of one connection, in either direction:
 *
 *   connecting → awaitingVersion | versionSent → versionReceived → established → closed | failed
 *
 * The config is data: names and `{ type, params }`, nothing inline (XState takes `context` and `output` only as
 * functions). Every (state, event) cell is written down: a transition, a failure with its reason, or an ignore that
 * says why. The one handshake deadline sits on `handshaking`, so no transition inside it starts the clock again.
 *
 * Effects do nothing here; the program that runs the machine provides them (`effect.dial`, `effect.send`,
 * `effect.close`). What a flight holds is in flights.ts, what is remembered in notes.ts, the guards in policy.ts.
 * Rules and their case ids: Bitcoin Core's net_processing.cpp; see the grid in test/grid.
 */
import { assign, setup } from 'xstate';
import type { ReasonCode } from '../src/reasons.js';
import type { Flight, PeerContext, PeerEvent, PeerEventType, PeerInput } from './events.js';
import * as notes from './context.js';
import * as policy from './policy.js';

type EventOf<T extends PeerEventType> = policy.EventOf<T>;

/** Cells that change nothing, with the reason why. */
const ignore = <T extends PeerEventType>(description: string, ...types: readonly T[]) =>
  Object.fromEntries(types.map((type) => [type, { description }])) as Record<T, { description: string }>;

const NEGOTIATION = ['wire.wtxidrelay', 'wire.sendaddrv2', 'wire.sendtxrcncl', 'wire.feature'] as const;
const SETTINGS = ['wire.sendheaders', 'wire.sendcmpct'] as const;
const TRAFFIC = [
  'wire.feefilter',
  'wire.ping',
  'wire.pong',
  'wire.getaddr',
  'wire.addr',
  'wire.excess',
  'wire.unoffered',
] as const;
const CLOCK = ['clock.tick', 'clock.jump'] as const;

/** Straight to `failed`, remembering what their version said for whoever asks why. */
const refuse = (code: ReasonCode) =>
  ({ target: '#peer.failed', actions: [{ type: 'blame', params: { code } }, 'noteVersion'] }) as const;

/** Straight to `failed`, with a code of the table or, without one, the code that the event brings. */
const fail = (code?: ReasonCode) =>
  ({ target: '#peer.failed', actions: { type: 'blame', params: code ? { code } : {} } }) as const;

const close = (code: ReasonCode, description: string) =>
  ({ target: '#peer.closed', description, actions: { type: 'blame', params: { code } } }) as const;

/** The ways out that every living state has. */
const ends = {
  'link.closed': { ...fail(), description: 'the peer or the network ended the link' },
  'wire.broken': { ...fail(), description: 'wrong magic or an oversize claim: the stream is lost' },
  'wire.flooded': { ...fail('ERR_LINK_FLOOD'), description: 'more that serves nobody than any node sends' },
  'user.close': close('ERR_LOCAL_CANCELLED', 'we were asked to close'),
} as const;

/** Core judges services, version, the rest of the payload, and our own nonce, in this order. */
const lacksServices = {
  guard: 'lacksServices',
  ...refuse('ERR_POLICY_SERVICES'),
  description: 'an automatic peer lacks services',
} as const;
const refusals = [
  { guard: 'isObsolete', ...refuse('ERR_POLICY_VERSION'), description: 'protocol version below 31800' },
  {
    guard: 'isUnreadable',
    actions: 'noteDropped',
    description: 'a garbled tail: dropped, a better one may come',
  },
] as const;
const isSelf = {
  guard: 'isSelf',
  ...refuse('ERR_PROTO_SELF'),
  description: 'the nonce of a connection that we are dialling',
} as const;

/** Before their version, Core reads nothing else. */
const beforeVersion = {
  ...ends,
  ...ignore('the link opens once', 'link.connected', 'link.open', 'link.failed'),
  ...ignore('nothing counts before version, not even verack', 'wire.verack'),
  ...ignore('nothing counts before version', ...NEGOTIATION, ...SETTINGS, ...TRAFFIC),
  ...ignore('only established peers are pinged and watched', ...CLOCK),
  'wire.dropped': { actions: 'noteDropped', description: 'kept for the reason, should time run out' },
} as const;

const late = { ...fail('ERR_PROTO_LATE_FEATURE'), description: 'negotiation ends at verack' } as const;

/** BIP152, whenever it comes after their version. */
const sendcmpct = [
  {
    guard: 'isMisannounced',
    ...fail('ERR_PROTO_NEGOTIATION'),
    description: 'BIP152: announce is 0 or 1',
  },
  { guard: 'isCompactBlocks2', actions: 'noteSendcmpct', description: 'BIP152, version 2' },
  { description: 'other versions of BIP152 are ignored' },
] as const;

const peerSetup = setup({
  types: {
    context: {} as PeerContext,
    events: {} as PeerEvent,
    input: {} as PeerInput,
  },
  guards: {
    isInbound: ({ context }) => context.connection_type === 'inbound',
    isUnconnected: ({ context }) => policy.isUnconnected(context),
    isFeeler: ({ context }) => context.connection_type === 'feeler',
    lacksServices: ({ context, event }) => policy.lacksServices(context, event as EventOf<'wire.version'>),
    isObsolete: ({ context, event }) => policy.isObsolete(context, event as EventOf<'wire.version'>),
    isUnreadable: ({ event }) => policy.isUnreadable(event as EventOf<'wire.version'>),
    isSelf: ({ event }) => policy.isSelf(event as EventOf<'wire.version'>),
    isBadFeature: ({ context, event }) => policy.isBadFeature(context, event as EventOf<'wire.feature'>),
    isMisannounced: ({ context, event }) =>
      policy.isMisannounced(context, event as EventOf<'wire.sendcmpct'>),
    isCompactBlocks2: ({ event }) => policy.isCompactBlocks2(event as EventOf<'wire.sendcmpct'>),
    isMoney: ({ event }) => policy.isMoney(event as EventOf<'wire.feefilter'>),
    isAnswerable: ({ context, event }) => policy.isAnswerable(context, event as EventOf<'wire.ping'>),
    isAwaited: ({ context, event }) => policy.isAwaited(context, event as EventOf<'wire.pong'>),
    cancelsPing: ({ context, event }) => policy.cancelsPing(context, event as EventOf<'wire.pong'>),
    isTolerated: ({ context, event }) => policy.isTolerated(context, event as EventOf<'wire.excess'>),
    isFetched: ({ context, event }) => policy.isFetched(context, event as EventOf<'wire.addr'>),
    isFetchOver: ({ context, event }) => policy.isFetchOver(context, event as EventOf<'clock.tick'>),
    isPongOverdue: ({ context, event }) => policy.isPongOverdue(context, event as EventOf<'clock.tick'>),
    isStalled: ({ context, event }) => policy.isStalled(context, event as EventOf<'clock.tick'>),
    isIdle: ({ context, event }) => policy.isIdle(context, event as EventOf<'clock.tick'>),
    isPingDue: ({ context, event }) => policy.isPingDue(context, event as EventOf<'clock.tick'>),
  },
  actions: {
    'effect.dial': () => undefined,
    'effect.send': (_, _params: { flight: Flight }) => undefined,
    'effect.close': (_, _params: { flush: boolean }) => undefined,
    noteConnected: assign(({ event }) => ({ connectedat: (event as EventOf<'link.connected'>).at })),
    noteOpen: assign(({ context, event }) => notes.opened(context, event as EventOf<'link.open'>)),
    noteVersion: assign(({ event }) => notes.versioned(event as EventOf<'wire.version'>)),
    noteEstablished: assign(({ context, event }) =>
      notes.established(context, event as EventOf<'wire.verack'>),
    ),
    noteWtxidrelay: assign(({ context }) => notes.wtxidrelayed(context)),
    noteSendaddrv2: assign({ sendaddrv2: true }),
    noteFeature: assign(({ context, event }) => notes.featured(context, event as EventOf<'wire.feature'>)),
    noteSendheaders: assign({ sendheaders: true }),
    noteSendcmpct: assign(({ event }) => ({ sendcmpct: (event as EventOf<'wire.sendcmpct'>).announce })),
    noteFeefilter: assign(({ event }) => ({ minfeefilter: (event as EventOf<'wire.feefilter'>).feerate })),
    notePing: assign(({ context, event }) => notes.pinged(context, event as EventOf<'clock.tick'>)),
    notePong: assign(({ context, event }) => notes.ponged(context, event as EventOf<'wire.pong'>)),
    cancelPing: assign({ pingnonce: '' }),
    noteDropped: assign(({ event }) => notes.dropped(event as EventOf<'wire.dropped' | 'wire.version'>)),
    shiftClock: assign(({ context, event }) => notes.shifted(context, event as EventOf<'clock.jump'>)),
    blame: assign(({ context, event }, params: { code?: ReasonCode }) =>
      notes.blamed(context, event, params.code),
    ),
  },
  delays: {
    connectTimeout: ({ context }) => context.rules.connectTimeout,
    handshakeTimeout: ({ context }) => context.handshakeleft,
  },
});

/** The chart; input {@link PeerInput}, output the `Reason` of its end. */
export const peerMachine = peerSetup.createMachine({
  id: 'peer',
  description: 'The life of one connection between two Bitcoin nodes',
  context: ({ input }) => notes.blank(input),
  output: ({ context }) => context.reason,
  initial: 'connecting',
  states: {
    connecting: {
      description: 'waiting until application bytes can flow',
      entry: 'effect.dial',
      after: {
        connectTimeout: {
          guard: 'isUnconnected',
          ...fail('ERR_TIME_CONNECT'),
          description: 'nobody answered in time',
        },
      },
      on: {
        ...ends,
        'link.open': [
          {
            guard: 'isInbound',
            target: '#peer.handshaking.awaitingVersion',
            actions: 'noteOpen',
            description: 'accepted: the dialler speaks first',
          },
          {
            description: 'dialled: we speak first',
            target: '#peer.handshaking.versionSent',
            actions: ['noteOpen', { type: 'effect.send', params: { flight: 'hello' } }],
          },
        ],
        'link.connected': {
          actions: 'noteConnected',
          description: 'TCP is open, keys are exchanged: the dial is over',
        },
        'link.failed': { ...fail(), description: 'refused, unreachable, no such name, no v2' },
        'supervisor.self': { ...fail('ERR_PROTO_SELF'), description: 'the other end is this node' },
        ...ignore(
          'no message can come before the link is open',
          'wire.version',
          'wire.verack',
          'wire.dropped',
        ),
        ...ignore('no message can come before the link is open', ...NEGOTIATION, ...SETTINGS, ...TRAFFIC),
        ...ignore('only established peers are pinged and watched', ...CLOCK),
      },
    },
    handshaking: {
      description: 'one deadline from the open link to their verack',
      initial: 'awaitingVersion',
      after: {
        handshakeTimeout: { ...fail('ERR_TIME_HANDSHAKE'), description: 'nothing extends this deadline' },
      },
      states: {
        awaitingVersion: {
          description: 'accepted: the dialler speaks first',
          on: {
            ...beforeVersion,
            'wire.version': [
              ...refusals,
              isSelf,
              {
                description: 'we answer with ours and with verack',
                target: 'versionReceived',
                actions: ['noteVersion', { type: 'effect.send', params: { flight: 'answer' } }],
              },
            ],
            ...ignore('only a dialler can be told so', 'supervisor.self'),
          },
        },
        versionSent: {
          description: 'dialled: our version is out, theirs is awaited',
          on: {
            ...beforeVersion,
            'wire.version': [
              lacksServices,
              ...refusals,
              {
                guard: 'isFeeler',
                target: '#peer.closed',
                description: 'a feeler only wants to know that somebody answers',
                actions: [
                  'noteVersion',
                  { type: 'effect.send', params: { flight: 'answer' } },
                  { type: 'blame', params: { code: 'END_DONE' } },
                ],
              },
              {
                description: 'we answer with verack',
                target: 'versionReceived',
                actions: ['noteVersion', { type: 'effect.send', params: { flight: 'answer' } }],
              },
            ],
            'supervisor.self': { ...fail('ERR_PROTO_SELF'), description: 'the other end is this node' },
          },
        },
        versionReceived: {
          description: 'both versions and our verack are out, their verack is awaited',
          on: {
            ...ends,
            'wire.verack': {
              description: 'the handshake is complete',
              target: '#peer.established',
              actions: ['noteEstablished', { type: 'effect.send', params: { flight: 'opening' } }],
            },
            'wire.wtxidrelay': { actions: 'noteWtxidrelay', description: 'BIP339; repeats are fine' },
            'wire.sendaddrv2': { actions: 'noteSendaddrv2', description: 'BIP155; repeats are fine' },
            'wire.feature': [
              {
                guard: 'isBadFeature',
                ...fail('ERR_PROTO_NEGOTIATION'),
                description: 'BIP434: malformed, or unasked',
              },
              { actions: 'noteFeature', description: 'BIP434: recorded, whatever it is' },
            ],
            'wire.sendheaders': { actions: 'noteSendheaders', description: 'BIP130' },
            'wire.sendcmpct': sendcmpct,
            'wire.dropped': {
              actions: 'noteDropped',
              description: 'kept for the reason, should time run out',
            },
            'supervisor.self': { ...fail('ERR_PROTO_SELF'), description: 'the other end is this node' },
            ...ignore('the link opens once', 'link.connected', 'link.open', 'link.failed'),
            ...ignore('a second version is not even read', 'wire.version'),
            ...ignore('transaction reconciliation is not offered', 'wire.sendtxrcncl'),
            ...ignore('nothing is served before verack', ...TRAFFIC),
            ...ignore('only established peers are pinged and watched', ...CLOCK),
          },
        },
      },
    },
    established: {
      description: 'both sides sent version and verack',
      on: {
        ...ends,
        'wire.wtxidrelay': late,
        'wire.sendaddrv2': late,
        'wire.feature': late,
        'wire.sendheaders': { actions: 'noteSendheaders', description: 'BIP130' },
        'wire.sendcmpct': sendcmpct,
        'wire.feefilter': [
          { guard: 'isMoney', actions: 'noteFeefilter', description: 'BIP133' },
          { description: 'a fee rate that is no amount of money is ignored' },
        ],
        'wire.ping': [
          {
            guard: 'isAnswerable',
            actions: { type: 'effect.send', params: { flight: 'pong' } },
            description: 'BIP31: the same nonce goes back',
          },
          { description: 'the old ping, without a nonce or at version 60000 and below, gets no answer' },
        ],
        'wire.pong': [
          { guard: 'isAwaited', actions: 'notePong', description: 'the answer to our ping' },
          {
            guard: 'cancelsPing',
            actions: 'cancelPing',
            description: 'too short or nonce 0: the ping is given up',
          },
          { description: 'unasked or another nonce: we keep waiting' },
        ],
        'wire.addr': [
          { guard: 'isFetched', ...close('END_DONE', 'an addr-fetch connection has what it came for') },
          { description: 'addresses are for listeners, not for the machine' },
        ],
        'wire.excess': [
          { guard: 'isTolerated', description: 'a peer chosen by hand is forgiven; told, not closed' },
          { ...fail('ERR_PROTO_LIMIT'), description: 'more entries than the protocol allows' },
        ],
        'wire.unoffered': { ...fail('ERR_PROTO_NOT_OFFERED'), description: 'our version did not offer this' },
        'clock.tick': [
          {
            guard: 'isStalled',
            ...fail('ERR_LINK_STALLED'),
            description: 'for 20 minutes it has taken nothing of what waits',
          },
          {
            guard: 'isPongOverdue',
            ...fail('ERR_TIME_PONG'),
            description: 'a ping is unanswered for 20 minutes',
          },
          { guard: 'isIdle', ...fail('ERR_TIME_IDLE'), description: '20 minutes of silence' },
          { guard: 'isFetchOver', ...close('END_DONE', 'an addr-fetch connection lives 5 minutes') },
          {
            guard: 'isPingDue',
            actions: ['notePing', { type: 'effect.send', params: { flight: 'ping' } }],
            description: 'two minutes since the last one',
          },
          { description: 'nothing is due yet' },
        ],
        'clock.jump': { actions: 'shiftClock', description: 'time in which we slept counts against nobody' },
        ...ignore('the link opens once', 'link.connected', 'link.open', 'link.failed'),
        ...ignore('a second version or verack is ignored', 'wire.version', 'wire.verack'),
        ...ignore('transaction reconciliation is not offered', 'wire.sendtxrcncl'),
        ...ignore('no address book: nothing to answer', 'wire.getaddr'),
        ...ignore('counted outside; an established peer keeps its place', 'wire.dropped'),
        ...ignore('Core does not look at nonces of established peers', 'supervisor.self'),
      },
    },
    failed: {
      type: 'final',
      description: 'ended against our will; the output says why',
      entry: { type: 'effect.close', params: { flush: false } },
    },
    closed: {
      type: 'final',
      description: 'ended in order',
      entry: { type: 'effect.close', params: { flush: true } },
    },
  },
});
