/**
 * Address gossip between the peers and the address book: accepts `addr` and `addrv2` up to Core's rate, answers `getaddr`, and
 * announces our own address (Core: `ProcessAddrs`, `MaybeSendAddr`, `SetupAddressRelay`). It does not forward addresses from
 * one peer to another.
 *
 * Times of the book are UNIX times in seconds. Random numbers come from the book's random source.
 */
import { asksForAddresses, type Hex64, poissonDelay } from '../../machines/index.js';
import { AddrRateLimit } from '../addresses/addr-rate-limit.js';
import type { AddressBook } from '../addresses/address-book.js';
import type { AddressRecord, NetService } from '../addresses/entry.js';
import { GetAddrCache } from '../addresses/getaddr-cache.js';
import type { Connection } from '../connection/connection.js';
import type { PeerState } from '../connection/peer-record.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Clock } from '../net/environment.js';
import type { Network } from '../net/host-kind.js';
import type { Endpoint } from '../net/link.js';
import { hasServices } from '../services.js';
import {
  decodeMessage,
  fromLegacy,
  type Message,
  networkOfAddress,
  networkOfNetAddress,
  parseAddress,
  servicesOf,
  toLegacy,
} from '../wire/index.js';
import { internalSource } from './internal-address.js';
import { type GroupedConnection, hasLasting } from './outbound-netgroups.js';
import { announcedAddress } from './self-announcement.js';

/**
 * Failed dials count against an address only with this many outbound connections: with fewer, our own network may be down
 * (Core: `ThreadOpenConnections`).
 */
const COUNT_FAILURES_FROM = 2;
/** Average time between two announcements of our address to one peer, milliseconds (`AVG_LOCAL_ADDRESS_BROADCAST_INTERVAL`). */
const ANNOUNCE_INTERVAL = 24 * 3_600_000;
/** A gossiped address counts as this much older than its sender claims, seconds (Core: `ProcessAddrs`). */
const TIME_PENALTY = 2 * 3_600;
/** UNIX time, seconds. An address with an earlier time, or one more than {@link MAX_AHEAD} in the future, counts as five days old. */
const EARLIEST_TIME = 100_000_000;
const MAX_AHEAD = 600;
const UNKNOWN_AGE = 5 * 86_400;

const NETWORK = servicesOf('NETWORK');
const NETWORK_LIMITED = servicesOf('NETWORK_LIMITED');

export interface AddressRelayOptions {
  readonly book: AddressBook;
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  /** Networks that can be dialled; addresses of other networks are not stored. */
  readonly networks: readonly Network[];
  /** The services that we announce with our address. */
  readonly services: Hex64;
  /** The endpoints that we listen on. */
  readonly listening: () => readonly Endpoint[];
  /** Sends a message to the peer with that id. */
  readonly send: (id: number, message: Message) => void;
}

/** The relay state of one established peer. */
interface RelayPeer {
  readonly connection: Connection;
  readonly limit: AddrRateLimit;
  /** Whether we send it addresses: to an inbound peer only after it sent `getaddr`, `addr` or `addrv2`. */
  isEnabled: boolean;
  /** When our address is announced next, milliseconds of the node's clock. */
  announceat: number;
}

/** Whether a connection takes no part in gossip: an observer could otherwise infer the connection from relayed addresses. */
const isSilent = ({ connection_type }: Connection): boolean =>
  connection_type === 'block-relay-only' || connection_type === 'feeler';

export class AddressRelay {
  readonly #cache: GetAddrCache;
  /** Established peers, by id: those that were dialled, and accepted ones from their first `getaddr`, `addr` or `addrv2` on. */
  readonly #peers = new Map<number, RelayPeer>();
  #nextAnnouncement = Infinity;

  constructor(private readonly options: AddressRelayOptions) {
    const { book } = options;
    this.#cache = new GetAddrCache(book, () => book.draw());
  }

  /** A connection is being opened to `remote`; `outbound`: the outbound connections that exist already. */
  dialled(remote: Endpoint, outbound: Iterable<GroupedConnection>): void {
    const service = serviceOf(remote);
    if (service) this.options.book.attempt(service, hasLasting(outbound, COUNT_FAILURES_FROM));
  }

  /** A received `version` proves that the address works; an established connection starts gossip. */
  moved(connection: Connection, from: PeerState, to: PeerState): void {
    const hasAnswered = to === 'versionReceived' || (from === 'versionSent' && to === 'closed');
    if (!connection.inbound && hasAnswered && connection.context.versionat >= 0) this.#answered(connection);
    if (to === 'established' && !connection.inbound) this.#peerOf(connection);
  }

  /** A complete message arrived; everything but `addr` and `addrv2` is ignored. */
  received(connection: Connection, command: string, payload: Uint8Array): void {
    const peer = command === 'addr' || command === 'addrv2' ? this.#peerOf(connection) : undefined;
    if (!peer) return;
    const decoded = decodeMessage(command, payload);
    if (!decoded.ok) return;
    this.#enable(peer);
    const { message } = decoded;
    if (message.command === 'addr')
      this.#take(
        peer,
        message.addresses.map(({ ip, ...rest }) => ({ ...rest, ...fromLegacy(ip) })),
      );
    if (message.command === 'addrv2') this.#take(peer, message.addresses);
  }

  /** Answers the first `getaddr` of an inbound peer. With an empty book nothing is sent, as in Core. */
  answer(connection: Connection): void {
    const peer = this.#peerOf(connection);
    if (!peer) return;
    peer.isEnabled = true;
    const { remote, local } = connection;
    const socket = `${networkOfAddress(remote.host)} ${local ? formatEndpoint(local) : ''}`;
    this.#send(peer, this.#cache.answer(socket, this.options.clock.now()));
    this.#announceIfDue(peer);
  }

  /** Announces our address. Call it after the listeners of `established` have run, so that their messages are sent first. */
  established({ id }: Connection): void {
    const peer = this.#peers.get(id);
    if (peer) this.#announceIfDue(peer);
  }

  /** Called once a second; `now` is the node's clock, milliseconds. */
  tick(now: number): void {
    if (now < this.#nextAnnouncement) return;
    this.#nextAnnouncement = Infinity;
    for (const peer of this.#peers.values()) this.#announceIfDue(peer);
  }

  /** Sets the time of an outbound peer's address to now when the connection ends: gossip announces that time. */
  ended(connection: Connection): void {
    if (!this.#peers.delete(connection.id) || connection.inbound) return;
    const service = serviceOf(connection.remote);
    if (service) this.options.book.connected(service);
  }

  /** From now on addresses are sent to this peer; our own at the next tick. */
  #enable(peer: RelayPeer): void {
    if (peer.isEnabled) return;
    peer.isEnabled = true;
    this.#nextAnnouncement = 0;
  }

  #answered({ remote, context }: Connection): void {
    const service = serviceOf(remote);
    if (!service) return;
    this.options.book.setServices(service, context.services);
    this.options.book.good(service);
  }

  /** Undefined for one that takes no part in gossip, or is not established. Its limit counts from the end of the handshake. */
  #peerOf(connection: Connection): RelayPeer | undefined {
    const known = this.#peers.get(connection.id);
    if (known || connection.state !== 'established' || isSilent(connection)) return known;
    const limit = new AddrRateLimit(connection.stateat);
    if (asksForAddresses(connection.context)) limit.getaddrSent();
    const peer = { connection, limit, isEnabled: !connection.inbound, announceat: 0 };
    this.#peers.set(connection.id, peer);
    return peer;
  }

  #take({ connection, limit }: RelayPeer, records: readonly AddressRecord[]): void {
    const { book, clock } = this.options;
    const count = limit.take(records.length, clock.now());
    if (count === 0) return;
    // The address of a peer that was dialled by name through a proxy is unknown to us.
    const source = serviceOf(connection.remote) ?? internalSource(connection.remote.host);
    const useful = this.#sample(records, count).filter((record) => this.#isUseful(record));
    book.add(
      useful.map((record) => this.#dated(record)),
      source,
      TIME_PENALTY,
    );
  }

  /** Picks `count` records at random, so that a sender cannot choose which of too many are accepted. */
  #sample(records: readonly AddressRecord[], count: number): AddressRecord[] {
    const order = [...records];
    for (let i = 0; i < count; i++) {
      const other = i + Math.floor(this.options.book.draw() * (order.length - i));
      [order[i], order[other]] = [order[other]!, order[i]!];
    }
    return order.slice(0, count);
  }

  #isUseful(record: AddressRecord): boolean {
    const { networks } = this.options;
    const isServing = [NETWORK, NETWORK_LIMITED].some((bit) => hasServices(record.services, bit));
    return isServing && networks.some((network) => network === networkOfNetAddress(record));
  }

  #dated(record: AddressRecord): AddressRecord {
    const now = this.#unix();
    const isBelievable = record.time > EARLIEST_TIME && record.time <= now + MAX_AHEAD;
    return isBelievable ? record : { ...record, time: now - UNKNOWN_AGE };
  }

  #announceIfDue(peer: RelayPeer): void {
    if (!peer.isEnabled) return;
    const now = this.options.clock.now();
    if (peer.announceat <= now) {
      this.#announce(peer);
      peer.announceat = now + poissonDelay(ANNOUNCE_INTERVAL, this.options.book.draw());
    }
    this.#nextAnnouncement = Math.min(this.#nextAnnouncement, peer.announceat);
  }

  #announce(peer: RelayPeer): void {
    const { services, listening, book } = this.options;
    const { inbound, remote, local, context } = peer.connection;
    const to = { inbound, remote, local, addrlocal: context.addrlocal };
    const address = announcedAddress(to, listening(), book.draw());
    if (address) this.#send(peer, [{ ...address, services, time: this.#unix() }]);
  }

  /** Sends `addrv2` to a peer that sent `sendaddrv2`, else `addr`, which can hold IPv4 and IPv6 only. */
  #send({ connection }: RelayPeer, records: readonly AddressRecord[]): void {
    if (connection.context.sendaddrv2) {
      if (records.length > 0) this.options.send(connection.id, { command: 'addrv2', addresses: records });
      return;
    }
    const addresses = records.flatMap(legacyEntry);
    if (addresses.length > 0) this.options.send(connection.id, { command: 'addr', addresses });
  }

  #unix(): number {
    return Math.floor(this.options.clock.wall() / 1_000);
  }
}

function legacyEntry({ time, services, port, ...address }: AddressRecord) {
  const network = networkOfNetAddress(address);
  const ip = network === 'ipv4' || network === 'ipv6' ? toLegacy(address) : undefined;
  return ip ? [{ time, services, ip, port }] : [];
}

/** The address and port as the book stores them; undefined when the host is a name. */
function serviceOf({ host, port }: Endpoint): NetService | undefined {
  const parsed = parseAddress(host);
  return parsed.ok ? { ...parsed.value, port } : undefined;
}
