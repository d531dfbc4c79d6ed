/** Converts the flags of the command line to options of a node. */
import { type DnsOptions, type Fault, isTimingFault } from '../net/index.js';
import { type Chain, networkOf, NETWORKS, type NodeOptions, signetNetwork } from '../index.js';
import { CORE_RULES, type Rules } from '../../machines/index.js';
import { hash256, servicesOf } from '../wire/index.js';
import { Usage } from './exit-codes.js';
import type { Flags } from './options.js';

/** Milliseconds that connections get to close, so that a node stops within the two seconds after an interruption. */
const DRAIN = 1_500;

/** The chain of `--chain` or `--signetchallenge`; main by default. @throws Usage when the two contradict each other */
export function chainOf({ chain, signetchallenge }: Pick<Flags, 'chain' | 'signetchallenge'>): Chain {
  if (signetchallenge === undefined) return networkOf(chain ?? 'main') ?? NETWORKS.main;
  if (chain !== undefined && chain !== 'signet') {
    throw new Usage(`--signetchallenge is for signet and cannot be combined with --chain ${chain}`);
  }
  return signetNetwork(signetchallenge, hash256);
}

/** The time limits and the relay flag, as rules of the peer machine. */
export const rulesOf = (flags: Pick<Flags, 'timeout' | 'peertimeout' | 'relay'>): Partial<Rules> => ({
  connectTimeout: flags.timeout,
  handshakeTimeout: flags.peertimeout * 1_000,
  relay: flags.relay ?? CORE_RULES.relay,
});

/** Options for name lookups: DNS servers, timeout, and the networks that `--onlynet` permits. */
export const dnsOptionsOf = ({ dnsServer, onlynet, timeout }: Flags): DnsOptions => ({
  timeout,
  ...(dnsServer && { servers: dnsServer }),
  ...(onlynet && { onlynet: onlynet.filter((network) => network === 'ipv4' || network === 'ipv6') }),
});

/** The faults of `--fault` that are injected between a node and its net: all but those of v2. */
export const netFaultsOf = ({ fault = [] }: Pick<Flags, 'fault'>): Fault[] =>
  fault.filter((each) => typeof each !== 'string');

/** The faults of v1 frames, which need v1: all but those that only change the timing. */
const frameFaultsOf = (flags: Pick<Flags, 'fault'>): Fault[] =>
  netFaultsOf(flags).filter((each) => !isTimingFault(each));

/** The message when a fault has switched v2 off, since a v2 peer can then look like a peer of another chain. */
export function v2OffNotice(flags: Pick<Flags, 'fault' | 'v2transport'>): string | undefined {
  const [first] = frameFaultsOf(flags);
  if (first === undefined || flags.v2transport === false) return undefined;
  return `--fault ${first.name} needs v1, so v2 is off. A peer with v2 may then appear to be on another chain (ERR_FRAME_MAGIC); --no-v2transport on its side avoids that`;
}

/** The transport: v2 first, as Core does, unless a fault of v1 frames needs v1. @throws Usage when faults contradict each other */
function transportOf({
  v2transport = true,
  v2only = false,
  fault = [],
}: Flags): Pick<NodeOptions, 'v2transport' | 'v2only' | 'v2fault'> {
  const v2fault = fault.find((each) => typeof each === 'string');
  const frames = frameFaultsOf({ fault }).length > 0;
  if (frames && (v2only || v2fault))
    throw new Usage('faults of v1 frames cannot be combined with --v2only or faults of v2');
  return { v2transport: v2transport && !frames, v2only, ...(v2fault && { v2fault }) };
}

/** The options of a node that every verb needs, except its net. */
export const nodeOptionsOf = (flags: Flags): Omit<NodeOptions, 'chain'> & { readonly chain: Chain } => ({
  chain: chainOf(flags),
  rules: rulesOf(flags),
  uacomment: flags.uacomment ?? [],
  services: servicesOf(...(flags.services ?? [])),
  ...transportOf(flags),
  compiled: flags.compiled ?? true,
  drainTimeout: DRAIN,
});
