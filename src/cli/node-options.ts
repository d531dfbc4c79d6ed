/** From options to the parts of a node. */
import { type DnsOptions, type Fault, isPace } from '../net/index.js';
import { type Chain, networkOf, NETWORKS, type NodeOptions, signetNetwork } from '../index.js';
import { CORE_RULES, type Rules } from '../../machines/index.js';
import { hash256, servicesOf } from '../wire/index.js';
import { Usage } from './exit-codes.js';
import type { Flags } from './options.js';

/** Milliseconds that peers get to close; the whole end stays within two seconds. */
const DRAIN = 1_500;

/** The chain that was chosen; a signet challenge chooses signet. */
export function chainOf({ chain, signetchallenge }: Pick<Flags, 'chain' | 'signetchallenge'>): Chain {
  if (signetchallenge === undefined) return networkOf(chain ?? 'main') ?? NETWORKS.main;
  if (chain !== undefined && chain !== 'signet') {
    throw new Usage(`--signetchallenge goes with signet, not with --chain ${chain}`);
  }
  return signetNetwork(signetchallenge, hash256);
}

export const rulesOf = (flags: Pick<Flags, 'timeout' | 'peertimeout' | 'relay'>): Partial<Rules> => ({
  connectTimeout: flags.timeout,
  handshakeTimeout: flags.peertimeout * 1_000,
  relay: flags.relay ?? CORE_RULES.relay,
});

export const dnsOptionsOf = ({ dnsServer, onlynet, timeout }: Flags): DnsOptions => ({
  timeout,
  ...(dnsServer && { servers: dnsServer }),
  ...(onlynet && { onlynet: onlynet.filter((network) => network === 'ipv4' || network === 'ipv6') }),
});

/** The faults that stand between a node and its net. */
export const netFaultsOf = ({ fault = [] }: Pick<Flags, 'fault'>): Fault[] =>
  fault.filter((each) => typeof each !== 'string');

/** The faults of v1 frames, which switch v2 off. */
const frameFaultsOf = (flags: Pick<Flags, 'fault'>): Fault[] =>
  netFaultsOf(flags).filter((each) => !isPace(each));

/** What to say when a fault has switched v2 off: a v2 peer then looks like one of another chain. */
export function v2OffNotice(flags: Pick<Flags, 'fault' | 'v2transport'>): string | undefined {
  const [first] = frameFaultsOf(flags);
  if (first === undefined || flags.v2transport === false) return undefined;
  return `--fault ${first.name} needs v1, so v2 is off. Where the other side has v2 on, first bytes can be misread as another chain (ERR_FRAME_MAGIC): --no-v2transport there avoids it`;
}

/** Faults of v1 frames need v1; without one, v2 is tried first, as Core does. */
function transportOf({
  v2transport = true,
  v2only = false,
  fault = [],
}: Flags): Pick<NodeOptions, 'v2transport' | 'v2only' | 'v2fault'> {
  const v2fault = fault.find((each) => typeof each === 'string');
  const frames = frameFaultsOf({ fault }).length > 0;
  if (frames && (v2only || v2fault))
    throw new Usage('faults of v1 frames do not go with v2: leave out one of them');
  return { v2transport: v2transport && !frames, v2only, ...(v2fault && { v2fault }) };
}

/** What all nodes of the command line have in common, beside the net. */
export const nodeOptionsOf = (flags: Flags): Omit<NodeOptions, 'chain'> & { readonly chain: Chain } => ({
  chain: chainOf(flags),
  rules: rulesOf(flags),
  uacomment: flags.uacomment ?? [],
  services: servicesOf(...(flags.services ?? [])),
  ...transportOf(flags),
  compiled: flags.compiled ?? true,
  drainTimeout: DRAIN,
});
