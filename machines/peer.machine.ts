/**
 * One connection, in either direction:
 *
 *   connecting → awaitingVersion | versionSent → versionReceived → established → closed | failed
 *
 * The chart contains the transitions that change something; ignored.ts lists the (state, event) cells that change nothing, each
 * with its reason. The one handshake deadline is on the compound state `handshaking`, so that no transition inside it restarts
 * the timer. Transitions that all states share are on the root.
 *
 * Effects are empty here; src/connection/effects.ts provides them. Messages of a sequence: message-sequences.ts. Context
 * updates: context.ts. Guards: policy.ts. Rules follow Bitcoin Core's net_processing.cpp; the grid in test/grid compares each
 * cell with it.
 */
import { assertEvent, assign, setup } from 'xstate';
import type { ReasonCode } from '../src/reasons.js';
import * as update from './context.js';
import type { MessageSequence, PeerContext, PeerEvent, PeerEventType, PeerInput } from './events.js';
import * as policy from './policy.js';

/** `assertEvent`, usable with a type parameter. */
const assertType: <T extends PeerEventType>(
  event: PeerEvent,
  type: T | readonly T[],
) => asserts event is policy.EventOf<T> = assertEvent;

/** A guard or an assigner for events of the given types; it throws for any other event. */
const forEvent =
  <T extends PeerEventType, R>(
    type: T | readonly T[],
    rule: (context: PeerContext, event: policy.EventOf<T>) => R,
  ) =>
  ({ context, event }: { context: PeerContext; event: PeerEvent }): R => {
    // XState's assertion splits and compares descriptors: too dear for the usual case, in which the type is the event's.
    if (event.type !== type) assertType(event, type);
    return rule(context, event as policy.EventOf<T>);
  };

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
    lacksServices: forEvent('wire.version', policy.lacksServices),
    isObsolete: forEvent('wire.version', policy.isObsolete),
    isUnreadable: forEvent('wire.version', policy.isUnreadable),
    isSelf: forEvent('wire.version', policy.isSelf),
    isSelfConnection: ({ context }) => policy.isSelfConnection(context),
    isBadFeature: forEvent('wire.feature', policy.isBadFeature),
    isInvalidAnnounce: forEvent('wire.sendcmpct', policy.isInvalidAnnounce),
    isCompactBlocks2: forEvent('wire.sendcmpct', policy.isCompactBlocks2),
    isMoney: forEvent('wire.feefilter', policy.isMoney),
    isAnswerable: forEvent('wire.ping', policy.isAnswerable),
    isAwaited: forEvent('wire.pong', policy.isAwaited),
    cancelsPing: forEvent('wire.pong', policy.cancelsPing),
    exceedsLimit: forEvent('wire.excess', policy.exceedsLimit),
    isRefusedService: forEvent('wire.unoffered', policy.isRefusedService),
    isAnsweredGetaddr: ({ context }) => policy.isAnsweredGetaddr(context),
    isFetched: forEvent('wire.addr', policy.isFetched),
    isFetchOver: forEvent('clock.tick', policy.isFetchOver),
    isPongOverdue: forEvent('clock.tick', policy.isPongOverdue),
    isStalled: forEvent('clock.tick', policy.isStalled),
    isIdle: forEvent('clock.tick', policy.isIdle),
    isPingDue: forEvent('clock.tick', policy.isPingDue),
  },
  actions: {
    /** Open the link of an outbound connection; the answer is `link.open` or `link.failed`. */
    'effect.dial': () => undefined,
    /** Send the messages of `sequence` in one write. */
    'effect.send': (_, _params: { sequence: MessageSequence }) => undefined,
    /** Close the link. `flush`: send what is already written first. */
    'effect.close': (_, _params: { flush: boolean }) => undefined,
    /** Report the round trip of the ping that was answered, `pingtime`. */
    'effect.reportPong': () => undefined,
    /** Answer `getaddr` from the address book, if there is one. */
    'effect.sendAddresses': () => undefined,
    recordConnected: assign(forEvent('link.connected', update.connected)),
    recordOpen: assign(forEvent('link.open', update.open)),
    recordVersion: assign(forEvent('wire.version', update.version)),
    recordEstablished: assign(forEvent('wire.verack', update.established)),
    recordWtxidrelay: assign(({ context }) => update.wtxidrelay(context)),
    recordSendaddrv2: assign({ sendaddrv2: true }),
    recordFeature: assign(forEvent('wire.feature', update.feature)),
    recordSendheaders: assign({ sendheaders: true }),
    recordSendcmpct: assign(forEvent('wire.sendcmpct', update.sendcmpct)),
    recordFeefilter: assign(forEvent('wire.feefilter', update.feefilter)),
    recordPing: assign(forEvent('clock.tick', update.ping)),
    recordPong: assign(forEvent('wire.pong', update.pong)),
    cancelPing: assign({ pingnonce: '' }),
    recordGetaddr: assign({ getaddr: true }),
    recordReject: assign(forEvent('wire.reject', update.rejected)),
    recordSelf: assign({ selfnonce: true }),
    recordDropped: assign(forEvent(['wire.dropped', 'wire.version'], update.dropped)),
    shiftTimestamps: assign(forEvent('clock.jump', update.shifted)),
    /** Without `code`, the code of the event is used. */
    setReason: assign(({ context, event }, params: { code: ReasonCode } | undefined) =>
      update.reason(context, event, params?.code),
    ),
  },
  delays: {
    connectTimeout: ({ context }) => context.rules.connectTimeout,
    handshakeTimeout: ({ context }) => context.handshakeleft,
  },
});

/** The chart. Its input is {@link PeerInput}, its output the `Reason` for which the connection ended. */
export const peerMachine = peerSetup.createMachine({
  id: 'peer',
  description: 'One connection between two Bitcoin nodes',
  context: ({ input }) => update.initial(input),
  output: ({ context }) => context.reason,
  initial: 'connecting',
  on: {
    'link.closed': [
      {
        guard: 'isSelfConnection',
        target: '#peer.failed',
        actions: { type: 'setReason', params: { code: 'ERR_PROTO_SELF' } },
        description: 'the accepting side found our nonce and closed: it is this node',
      },
      {
        target: '#peer.failed',
        actions: 'setReason',
        description: 'the peer or the network ended the link',
      },
    ],
    'wire.broken': {
      target: '#peer.failed',
      actions: 'setReason',
      description: 'wrong magic or oversized message: no more messages can be read',
    },
    'wire.flooded': {
      target: '#peer.failed',
      actions: { type: 'setReason', params: { code: 'ERR_LINK_FLOOD' } },
      description: 'more useless messages or pings than the limit',
    },
    'supervisor.evicted': {
      target: '#peer.failed',
      actions: { type: 'setReason', params: { code: 'ERR_POLICY_EVICTED' } },
      description: 'its slot is given to a newer connection',
    },
    'supervisor.discouraged': {
      target: '#peer.failed',
      actions: { type: 'setReason', params: { code: 'ERR_POLICY_DISCOURAGED' } },
      description: 'another connection from its address has misbehaved',
    },
    'user.close': {
      target: '#peer.closed',
      actions: { type: 'setReason', params: { code: 'ERR_LOCAL_CANCELLED' } },
      description: 'closed by the caller',
    },
  },
  states: {
    connecting: {
      description: 'waiting until messages can be sent',
      entry: 'effect.dial',
      after: {
        connectTimeout: {
          guard: 'isUnconnected',
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_TIME_CONNECT' } },
          description: 'no TCP connection in time',
        },
      },
      on: {
        'link.connected': {
          actions: 'recordConnected',
          description: 'TCP is open, the key exchange begins: the connect deadline no longer applies',
        },
        'link.open': [
          {
            guard: 'isInbound',
            target: '#peer.handshaking.awaitingVersion',
            actions: 'recordOpen',
            description: 'accepted: the initiator sends version first',
          },
          {
            target: '#peer.handshaking.versionSent',
            actions: ['recordOpen', { type: 'effect.send', params: { sequence: 'version' } }],
            description: 'dialled: we send version first',
          },
        ],
        'link.failed': {
          target: '#peer.failed',
          actions: 'setReason',
          description: 'refused, unreachable, or the key exchange failed',
        },
      },
    },
    handshaking: {
      description: 'one deadline from the open link to their verack',
      initial: 'awaitingVersion',
      after: {
        handshakeTimeout: {
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_TIME_HANDSHAKE' } },
          description: 'nothing extends this deadline',
        },
      },
      on: {
        'wire.dropped': {
          actions: 'recordDropped',
          description: 'part of the reason if the deadline passes',
        },
        'wire.reject': { actions: 'recordReject', description: 'BIP61: part of the reason of the end' },
      },
      states: {
        awaitingVersion: {
          description: 'accepted: waiting for their version',
          on: {
            'wire.version': [
              {
                guard: 'isObsolete',
                target: '#peer.failed',
                actions: [{ type: 'setReason', params: { code: 'ERR_POLICY_VERSION' } }, 'recordVersion'],
                description: 'protocol version below 31800',
              },
              {
                guard: 'isUnreadable',
                actions: 'recordDropped',
                description: 'the end cannot be decoded: dropped, another version may follow',
              },
              {
                guard: 'isSelf',
                target: '#peer.failed',
                actions: [{ type: 'setReason', params: { code: 'ERR_PROTO_SELF' } }, 'recordVersion'],
                description: 'the nonce of a connection that we are dialling',
              },
              {
                target: '#peer.handshaking.versionReceived',
                actions: ['recordVersion', { type: 'effect.send', params: { sequence: 'negotiation' } }],
                description: 'we send our version, our features and verack',
              },
            ],
          },
        },
        versionSent: {
          description: 'dialled: our version is sent, waiting for theirs',
          on: {
            'wire.version': [
              {
                guard: 'lacksServices',
                target: '#peer.failed',
                actions: [{ type: 'setReason', params: { code: 'ERR_POLICY_SERVICES' } }, 'recordVersion'],
                description: 'an automatic outbound peer lacks required services',
              },
              {
                guard: 'isObsolete',
                target: '#peer.failed',
                actions: [{ type: 'setReason', params: { code: 'ERR_POLICY_VERSION' } }, 'recordVersion'],
                description: 'protocol version below 31800',
              },
              {
                guard: 'isUnreadable',
                actions: 'recordDropped',
                description: 'the end cannot be decoded: dropped, another version may follow',
              },
              {
                guard: 'isFeeler',
                target: '#peer.closed',
                actions: [
                  'recordVersion',
                  { type: 'effect.send', params: { sequence: 'negotiation' } },
                  { type: 'setReason', params: { code: 'END_DONE' } },
                ],
                description: 'a feeler is done once the peer has sent version',
              },
              {
                target: '#peer.handshaking.versionReceived',
                actions: ['recordVersion', { type: 'effect.send', params: { sequence: 'negotiation' } }],
                description: 'we send our features and verack',
              },
            ],
            'supervisor.self': {
              actions: 'recordSelf',
              description: 'an accepted connection has our nonce: this may be a connection to ourselves',
            },
          },
        },
        versionReceived: {
          description: 'both versions and our verack are sent, waiting for their verack',
          on: {
            'wire.verack': {
              target: '#peer.established',
              actions: ['recordEstablished', { type: 'effect.send', params: { sequence: 'postHandshake' } }],
              description: 'the handshake is complete',
            },
            'wire.wtxidrelay': { actions: 'recordWtxidrelay', description: 'BIP339; may be repeated' },
            'wire.sendaddrv2': { actions: 'recordSendaddrv2', description: 'BIP155; may be repeated' },
            'wire.feature': [
              {
                guard: 'isBadFeature',
                target: '#peer.failed',
                actions: { type: 'setReason', params: { code: 'ERR_PROTO_NEGOTIATION' } },
                description: 'BIP434: malformed, or below version 70017',
              },
              { actions: 'recordFeature', description: 'BIP434: recorded, known or not' },
            ],
            'wire.sendheaders': { actions: 'recordSendheaders', description: 'BIP130' },
            'wire.sendcmpct': [
              {
                guard: 'isInvalidAnnounce',
                target: '#peer.failed',
                actions: { type: 'setReason', params: { code: 'ERR_PROTO_NEGOTIATION' } },
                description: 'BIP152: announce is 0 or 1',
              },
              { guard: 'isCompactBlocks2', actions: 'recordSendcmpct', description: 'BIP152, version 2' },
            ],
            'supervisor.self': {
              actions: 'recordSelf',
              description: 'an accepted connection has our nonce: this may be a connection to ourselves',
            },
          },
        },
      },
    },
    established: {
      description: 'both sides have sent version and verack',
      on: {
        'wire.wtxidrelay': {
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_PROTO_LATE_FEATURE' } },
          description: 'negotiation ends at verack',
        },
        'wire.sendaddrv2': {
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_PROTO_LATE_FEATURE' } },
          description: 'negotiation ends at verack',
        },
        'wire.feature': {
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_PROTO_LATE_FEATURE' } },
          description: 'negotiation ends at verack',
        },
        'wire.sendheaders': { actions: 'recordSendheaders', description: 'BIP130' },
        'wire.sendcmpct': [
          {
            guard: 'isInvalidAnnounce',
            target: '#peer.failed',
            actions: { type: 'setReason', params: { code: 'ERR_PROTO_NEGOTIATION' } },
            description: 'BIP152: announce is 0 or 1',
          },
          { guard: 'isCompactBlocks2', actions: 'recordSendcmpct', description: 'BIP152, version 2' },
        ],
        'wire.feefilter': { guard: 'isMoney', actions: 'recordFeefilter', description: 'BIP133' },
        'wire.ping': {
          guard: 'isAnswerable',
          actions: { type: 'effect.send', params: { sequence: 'pong' } },
          description: 'BIP31: the pong repeats the nonce',
        },
        'wire.pong': [
          {
            guard: 'isAwaited',
            actions: ['recordPong', 'effect.reportPong'],
            description: 'the answer to our ping',
          },
          {
            guard: 'cancelsPing',
            actions: 'cancelPing',
            description: 'no nonce, or nonce 0: the ping is cancelled',
          },
        ],
        'wire.reject': { actions: 'recordReject', description: 'BIP61: part of the reason of the end' },
        'wire.getaddr': {
          guard: 'isAnsweredGetaddr',
          actions: ['recordGetaddr', 'effect.sendAddresses'],
          description: 'answered once, on accepted connections only',
        },
        'wire.addr': {
          guard: 'isFetched',
          target: '#peer.closed',
          actions: { type: 'setReason', params: { code: 'END_DONE' } },
          description: 'an addr-fetch connection ends once it has addresses',
        },
        'wire.excess': {
          guard: 'exceedsLimit',
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_PROTO_LIMIT' } },
          description: 'more entries than the protocol allows',
        },
        'wire.unoffered': {
          guard: 'isRefusedService',
          target: '#peer.failed',
          actions: { type: 'setReason', params: { code: 'ERR_PROTO_NOT_OFFERED' } },
          description: 'our version did not offer this service',
        },
        'clock.tick': [
          {
            guard: 'isStalled',
            target: '#peer.failed',
            actions: { type: 'setReason', params: { code: 'ERR_LINK_STALLED' } },
            description: 'the peer has taken none of the waiting bytes for 20 minutes',
          },
          {
            guard: 'isPongOverdue',
            target: '#peer.failed',
            actions: { type: 'setReason', params: { code: 'ERR_TIME_PONG' } },
            description: 'no pong for 20 minutes',
          },
          {
            guard: 'isIdle',
            target: '#peer.failed',
            actions: { type: 'setReason', params: { code: 'ERR_TIME_IDLE' } },
            description: 'nothing sent or nothing received for 20 minutes',
          },
          {
            guard: 'isFetchOver',
            target: '#peer.closed',
            actions: { type: 'setReason', params: { code: 'END_DONE' } },
            description: 'an addr-fetch connection ends after 5 minutes',
          },
          {
            guard: 'isPingDue',
            actions: ['recordPing', { type: 'effect.send', params: { sequence: 'ping' } }],
            description: 'two minutes after the last ping',
          },
        ],
        'clock.jump': {
          actions: 'shiftTimestamps',
          description: 'the time of a suspension does not count',
        },
      },
    },
    failed: {
      type: 'final',
      description: 'ended by the peer, the network, a deadline or a rule; the output says why',
      entry: { type: 'effect.close', params: { flush: false } },
    },
    closed: {
      type: 'final',
      description: 'closed by the caller, or done',
      entry: { type: 'effect.close', params: { flush: true } },
    },
  },
});
