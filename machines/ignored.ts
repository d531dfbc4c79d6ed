/**
 * The (state, event) cells that change nothing, each with its reason.
 *
 * The charts contain only transitions that change something. All other cells of non-final states are listed here: `unhandled`
 * where the chart has no transition for the event, `unmatched` where all its transitions have guards that may be false. The
 * tests require that each cell is either in the chart or in `unhandled`, and that `unmatched` lists exactly the cells that
 * false guards can leave without a transition. A transition without target and actions only prevents the parent state from
 * handling the event, so its cell is listed here too.
 */
import type { ContactEvent } from './contact.machine.js';
import type { CrawlEvent } from './crawl.machine.js';
import type { OutboundEvent, PeerEvent, SupervisorEvent, TransportEvent } from './events.js';

/** All pairs of these leaf states and events are ignored for the same reason. */
export interface IgnoredCells<E extends string = string> {
  readonly states: readonly string[];
  readonly events: readonly E[];
  readonly reason: string;
}

/** The ignored cells of one chart. */
export interface Ignored<E extends string = string> {
  readonly unhandled: readonly IgnoredCells<E>[];
  readonly unmatched: readonly IgnoredCells<E>[];
}

const peer: Ignored<PeerEvent['type']> = {
  unhandled: [
    {
      states: ['connecting'],
      events: [
        'wire.version',
        'wire.verack',
        'wire.wtxidrelay',
        'wire.sendaddrv2',
        'wire.sendtxrcncl',
        'wire.feature',
        'wire.sendheaders',
        'wire.sendcmpct',
        'wire.feefilter',
        'wire.ping',
        'wire.pong',
        'wire.reject',
        'wire.getaddr',
        'wire.addr',
        'wire.excess',
        'wire.unoffered',
        'wire.dropped',
      ],
      reason: 'no message can arrive before the link is open',
    },
    {
      states: ['awaitingVersion', 'versionSent', 'versionReceived', 'established'],
      events: ['link.connected', 'link.open', 'link.failed'],
      reason: 'the link opens once',
    },
    {
      states: ['awaitingVersion', 'versionSent'],
      events: [
        'wire.verack',
        'wire.wtxidrelay',
        'wire.sendaddrv2',
        'wire.sendtxrcncl',
        'wire.feature',
        'wire.sendheaders',
        'wire.sendcmpct',
        'wire.feefilter',
        'wire.ping',
        'wire.pong',
        'wire.getaddr',
        'wire.addr',
        'wire.excess',
        'wire.unoffered',
      ],
      reason: 'messages before version are ignored, including verack',
    },
    {
      states: ['versionReceived'],
      events: [
        'wire.feefilter',
        'wire.ping',
        'wire.pong',
        'wire.getaddr',
        'wire.addr',
        'wire.excess',
        'wire.unoffered',
      ],
      reason: 'Core handles these only after verack',
    },
    {
      states: ['versionReceived', 'established'],
      events: ['wire.version'],
      reason: 'a second version is ignored',
    },
    { states: ['established'], events: ['wire.verack'], reason: 'a second verack is ignored' },
    {
      states: ['versionReceived', 'established'],
      events: ['wire.sendtxrcncl'],
      reason: 'we do not offer transaction reconciliation',
    },
    {
      states: ['established'],
      events: ['wire.dropped'],
      reason: 'counted by the connection; an established connection is kept',
    },
    {
      states: ['connecting', 'awaitingVersion', 'versionSent', 'versionReceived'],
      events: ['clock.tick'],
      reason: 'pings and idle deadlines start with established',
    },
    {
      states: ['connecting', 'awaitingVersion', 'versionSent', 'versionReceived'],
      events: ['clock.jump'],
      reason: 'nothing extends the deadline of the connection or of the handshake',
    },
    {
      states: ['connecting', 'awaitingVersion'],
      events: ['supervisor.self'],
      reason: 'our version, which holds the nonce, was not sent on this connection',
    },
    {
      states: ['established'],
      events: ['supervisor.self'],
      reason: 'Core does not check nonces of established peers',
    },
  ],
  unmatched: [
    {
      states: ['versionReceived', 'established'],
      events: ['wire.sendcmpct'],
      reason: 'other versions of BIP152 are ignored',
    },
    {
      states: ['established'],
      events: ['wire.feefilter'],
      reason: 'a fee rate outside the range of money is ignored',
    },
    {
      states: ['established'],
      events: ['wire.ping'],
      reason: 'a ping without a nonce, or at version 60000 and below, gets no pong',
    },
    {
      states: ['established'],
      events: ['wire.pong'],
      reason: 'no ping is unanswered, or the nonce is another one',
    },
    {
      states: ['established'],
      events: ['wire.getaddr'],
      reason: 'a second request, or a peer that we dialled: no answer',
    },
    {
      states: ['established'],
      events: ['wire.addr'],
      reason: 'addresses go to the address book and to listeners',
    },
    {
      states: ['established'],
      events: ['wire.excess', 'wire.unoffered'],
      reason: 'not closed: the peer is exempt, or it sent addresses on block-relay-only',
    },
    { states: ['established'], events: ['clock.tick'], reason: 'nothing is due yet' },
  ],
};

const transport: Ignored<TransportEvent['type']> = {
  unhandled: [
    {
      states: ['opening'],
      events: [
        'bytes.arrived',
        'bytes.v1',
        'bytes.v2',
        'bytes.key',
        'bytes.garbage',
        'packet.decoy',
        'packet.version',
        'bytes.broken',
      ],
      reason: 'nothing can arrive before the link is open',
    },
    {
      states: ['opening'],
      events: ['link.closed'],
      reason: 'the link is open before its transport is made',
    },
    {
      states: ['detecting', 'keySent', 'garbage', 'versionPacket'],
      events: ['link.connected'],
      reason: 'the link opens once',
    },
    {
      states: ['detecting'],
      events: ['bytes.key'],
      reason: 'the key is read only after ours is sent',
    },
    {
      states: ['keySent'],
      events: ['bytes.v2'],
      reason: 'the first bytes are checked once',
    },
    {
      states: ['detecting', 'keySent'],
      events: ['bytes.garbage'],
      reason: 'the terminator is known only after the key exchange',
    },
    {
      states: ['detecting', 'keySent', 'garbage'],
      events: ['packet.decoy', 'packet.version'],
      reason: 'packets follow the garbage terminator',
    },
    {
      states: ['garbage', 'versionPacket'],
      events: ['bytes.arrived', 'bytes.v1', 'bytes.v2', 'bytes.key'],
      reason: 'that phase is over',
    },
    { states: ['versionPacket'], events: ['bytes.garbage'], reason: 'that phase is over' },
  ],
  unmatched: [
    {
      states: ['keySent'],
      events: ['bytes.v1'],
      reason: 'a responder sends its key only when the first bytes are not those of v1',
    },
  ],
};

const outbound: Ignored<OutboundEvent['type']> = {
  unhandled: [
    {
      states: ['idle'],
      events: [
        'lookup.done',
        'lookup.failed',
        'slot.granted',
        'slot.refused',
        'peer.established',
        'peer.ended',
      ],
      reason: 'nothing was requested yet',
    },
    {
      states: ['lookingUp', 'requestingSlot', 'connecting', 'connected', 'closing', 'backingOff'],
      events: ['user.dial'],
      reason: 'the target is dialled already',
    },
    {
      states: ['requestingSlot', 'connecting', 'connected', 'closing', 'backingOff'],
      events: ['lookup.done', 'lookup.failed'],
      reason: 'the lookup of this round is over, or there was none',
    },
    {
      states: ['lookingUp', 'connecting', 'connected', 'closing', 'backingOff'],
      events: ['slot.granted', 'slot.refused'],
      reason: 'no slot was requested',
    },
    {
      states: ['lookingUp', 'requestingSlot', 'backingOff'],
      events: ['peer.established', 'peer.ended'],
      reason: 'no connection is open',
    },
    { states: ['connected'], events: ['peer.established'], reason: 'a handshake completes once' },
    { states: ['closing'], events: ['peer.established'], reason: 'the connection is closing' },
    { states: ['closing'], events: ['user.close'], reason: 'the connection is closing already' },
  ],
  unmatched: [],
};

const supervisor: Ignored<SupervisorEvent['type']> = {
  unhandled: [
    {
      states: ['finding', 'filling', 'waiting', 'filled'],
      events: ['user.fill'],
      reason: 'the outbound slots are filled already, or being filled',
    },
    {
      states: ['manual', 'filling', 'waiting', 'filled'],
      events: ['candidates.found'],
      reason: 'no answer of the source is awaited',
    },
    {
      states: ['draining'],
      events: [
        'user.fill',
        'candidates.found',
        'target.established',
        'target.ended',
        'feeler.due',
        'feeler.found',
        'feeler.ended',
      ],
      reason: 'the node is stopping: nothing more is dialled',
    },
    { states: ['draining'], events: ['user.stop'], reason: 'the node is already stopping' },
  ],
  unmatched: [],
};

const crawl: Ignored<CrawlEvent['type']> = {
  unhandled: [
    {
      states: ['seeding', 'preparing'],
      events: ['contact.ended'],
      reason: 'no contact is open before the queue is ready',
    },
    { states: ['seeding'], events: ['frontier.filled'], reason: 'there is no address to queue yet' },
    {
      states: ['preparing', 'crawling', 'draining'],
      events: ['frontier.seeded'],
      reason: 'the first addresses are looked up once, before the first round',
    },
    {
      states: ['waiting', 'idle'],
      events: ['frontier.filled', 'contact.ended'],
      reason: 'a round ends when nothing is queued and no contact is open',
    },
    {
      states: ['waiting', 'idle'],
      events: ['frontier.seeded'],
      reason: 'no lookup of first addresses is under way',
    },
    { states: ['draining'], events: ['user.stop'], reason: 'the crawl is already stopping' },
    {
      states: ['roundOver', 'finished', 'interrupted'],
      events: ['frontier.seeded', 'frontier.filled', 'contact.ended', 'user.stop'],
      reason: 'the state is left in the step that enters it',
    },
  ],
  unmatched: [],
};

const contact: Ignored<ContactEvent['type']> = {
  unhandled: [
    {
      states: ['idle'],
      events: [
        'exchange.pending',
        'connection.established',
        'addresses.pending',
        'addresses.received',
        'addresses.exceeded',
        'silence.passed',
        'pong.received',
        'connection.ended',
        'user.cancel',
      ],
      reason: 'it begins in the call that creates it',
    },
    {
      states: [
        'v2',
        'v1',
        'fallingBack',
        'released',
        'awaitingAddresses',
        'receiving',
        'closing',
        'cancelling',
      ],
      events: ['user.begin'],
      reason: 'it begins once',
    },
    {
      states: ['v1', 'fallingBack', 'released', 'awaitingAddresses', 'receiving', 'closing', 'cancelling'],
      events: ['exchange.pending'],
      reason: 'no key exchange is under way, or it is given up',
    },
    {
      states: ['fallingBack', 'released', 'awaitingAddresses', 'receiving', 'closing', 'cancelling'],
      events: ['connection.established'],
      reason: 'the handshake is complete already, or the connection is given up',
    },
    {
      states: ['v2', 'v1', 'fallingBack', 'released', 'receiving', 'closing', 'cancelling'],
      events: ['addresses.pending'],
      reason: 'addresses are not awaited',
    },
    {
      states: ['v2', 'v1', 'fallingBack', 'released', 'awaitingAddresses', 'closing', 'cancelling'],
      events: ['silence.passed'],
      reason: 'no addresses have come, or the connection is closing',
    },
    {
      states: ['fallingBack', 'released', 'closing', 'cancelling'],
      events: ['addresses.received', 'pong.received'],
      reason: 'the connection is given up',
    },
    { states: ['v2', 'v1'], events: ['pong.received'], reason: 'the ping is sent after the handshake' },
    {
      states: ['closing', 'cancelling'],
      events: ['addresses.exceeded'],
      reason: 'the connection is closing already',
    },
    { states: ['cancelling'], events: ['user.cancel'], reason: 'it is cancelled already' },
  ],
  unmatched: [
    {
      states: ['v2', 'v1', 'awaitingAddresses'],
      events: ['addresses.received'],
      reason: 'a single address is the own one of the node',
    },
  ],
};

/** The ignored cells; the key is the id of the machine. */
export const IGNORED: Readonly<Record<string, Ignored>> = {
  peer,
  transport,
  outbound,
  supervisor,
  crawl,
  contact,
};

/**
 * Why `event` changes nothing in the leaf state `state` of `machine` (its id); undefined when the table has no such cell. For a
 * cell of `unmatched` the reason applies only if no transition was taken.
 */
export function ignoredReason(machine: string, state: string, event: string): string | undefined {
  const { unhandled = [], unmatched = [] } = IGNORED[machine] ?? {};
  return [...unhandled, ...unmatched].find(
    ({ states, events }) => states.includes(state) && events.includes(event),
  )?.reason;
}
