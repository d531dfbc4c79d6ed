/**
 * Collects the data of the inbound peers from which machines/eviction.ts selects one to evict. Runs only when all inbound
 * slots are taken.
 */
import { type EvictionCandidate, type Hex64, selectPeerToEvict } from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import { createNetgroups } from '../net/netgroup.js';
import { isLoopback } from '../net/source-network.js';
import { hasServices } from '../services.js';
import { hash256, hexOf, networkOfAddress, parseAddress, servicesOf } from '../wire/index.js';

/** Core: fRelevantServices. */
const RELEVANT_SERVICES = servicesOf('NETWORK', 'WITNESS');

const netgroups = createNetgroups();

export class EvictionCandidates {
  #secret: Uint8Array | undefined;
  /** The key is the id of the connection. */
  readonly #keyedNetgroups = new Map<number, Hex64>();

  /** `random` returns fresh bytes for the key of the netgroup hashes: a peer must not predict which netgroups are protected. */
  constructor(private readonly random: (count: number) => Uint8Array) {}

  /** The id of the inbound peer to evict for a connection from `host`; 0 when all are protected. */
  select(connections: Iterable<Connection>, host: string): number {
    const candidates: EvictionCandidate[] = [];
    for (const connection of connections)
      if (connection.inbound) candidates.push(this.#candidateOf(connection));
    return selectPeerToEvict(candidates, this.#hash(host)) ?? 0;
  }

  ended(id: number): void {
    this.#keyedNetgroups.delete(id);
  }

  #candidateOf(connection: Connection): EvictionCandidate {
    const { id, context, remote, noban, preferevict, inbound } = connection;
    return {
      id,
      connectedat: connection.createdat,
      minping: context.minping < 0 ? Infinity : context.minping,
      lastblock: 0,
      lasttransaction: 0,
      relevantservices: hasServices(context.services, RELEVANT_SERVICES),
      relaytxes: context.relaytxes,
      bloomfilter: false,
      keyednetgroup: this.#keyedNetgroupOf(id, remote.host),
      preferevict,
      islocal: isLoopback(remote.host),
      network: networkOfAddress(remote.host),
      noban,
      inbound,
      handshaking: connection.state !== 'established',
    };
  }

  #keyedNetgroupOf(id: number, host: string): Hex64 {
    const known = this.#keyedNetgroups.get(id) ?? this.#hash(host);
    this.#keyedNetgroups.set(id, known);
    return known;
  }

  #hash(host: string): Hex64 {
    const secret = (this.#secret ??= this.random(16));
    const group = groupOf(host);
    const bytes = new Uint8Array(secret.length + group.length);
    bytes.set(secret);
    bytes.set(group, secret.length);
    return hexOf(hash256(bytes).subarray(0, 8));
  }
}

/** The netgroup of a host. A host that is not an address (a name behind a proxy) is a group of its own. */
function groupOf(host: string): Uint8Array {
  const [bare = ''] = host.split('%');
  const address = parseAddress(bare);
  return address.ok ? netgroups.groupOf(address.value) : new TextEncoder().encode(host);
}
