/** Applies the defaults of automatic outbound connections, and selects the source of their addresses. */
import { CORE_RULES, FEELER_INTERVAL, type SupervisorInput } from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import { drawFraction, type Env } from '../net/environment.js';
import type { SeedAddress } from '../net/dns.js';
import { kindOfHost, type Network } from '../net/host-kind.js';
import type { Endpoint } from '../net/link.js';
import type { Netgroups } from '../net/netgroup.js';
import type { Chain } from '../networks.js';
import { BookSource } from './book-candidates.js';
import { type CandidateSource, seedSource } from './candidates.js';
import type { NodeOptions } from './options.js';
import { takenGroups } from './outbound-netgroups.js';

/** Default number of block-relay-only connections (Core: `MAX_BLOCK_RELAY_ONLY_CONNECTIONS`). */
export const BLOCK_RELAY_SLOTS = 2;
/** The networks that need no proxy. */
export const DEFAULT_NETWORKS: readonly Network[] = ['ipv4', 'ipv6'];

/** The options as input of the supervisor machine. */
export function slotsOf({
  outbound,
}: NodeOptions): Pick<SupervisorInput, 'wanted' | 'blockwanted' | 'once' | 'feelerInterval'> {
  const { slots = 0, once = false } = outbound ?? {};
  const isLasting = outbound !== undefined && !once;
  const blockwanted = isLasting ? (outbound.blockrelay ?? BLOCK_RELAY_SLOTS) : 0;
  const feelerInterval = isLasting ? (outbound.feelerInterval ?? FEELER_INTERVAL) : 0;
  return { wanted: slots + blockwanted, blockwanted, once, feelerInterval };
}

/** The anchors in networks that can be dialled; the last run may have had other networks (Core: `ThreadOpenConnections`). */
export function anchorsOf({ outbound }: NodeOptions): readonly Endpoint[] {
  const { anchors = [], networks = DEFAULT_NETWORKS } = outbound ?? {};
  return anchors.filter(({ host }) => networks.some((network) => network === kindOfHost(host, true)));
}

export interface SourceParts {
  readonly env: Env;
  readonly chain: Chain;
  readonly netgroups: Netgroups;
  readonly outbound: () => Iterable<Pick<Connection, 'connection_type' | 'remote' | 'state'>>;
  readonly unroutable: (addresses: readonly SeedAddress[]) => void;
}

const isFullRelay = ({ connection_type, state }: Pick<Connection, 'connection_type' | 'state'>): boolean =>
  connection_type === 'outbound-full-relay' && state === 'established';

/** The source of the options if there is one, else the address book, else the seeds. */
export function candidateSourceOf(options: NodeOptions, parts: SourceParts): CandidateSource {
  const { outbound, addressBook: book, dns } = options;
  const { env, chain, netgroups, unroutable } = parts;
  if (outbound?.source) return outbound.source;
  const { dnsseed = true, seednodes, networks = DEFAULT_NETWORKS } = outbound ?? {};
  const random = (): number => drawFraction(env);
  const dnsSeeds = seedSource(chain, { ...(dns && { dns }), dnsseed, random, unroutable });
  if (!book) return dnsSeeds;
  const seeds = seednodes ? [seednodes, dnsSeeds] : [dnsSeeds];
  return new BookSource({
    book,
    seeds,
    clock: env.clock,
    fullRelayPeers: () => [...parts.outbound()].filter(isFullRelay).length,
    requiredServices: options.rules?.requiredServices ?? CORE_RULES.requiredServices,
    networks,
    takenGroups: () => takenGroups(parts.outbound(), netgroups),
  });
}
