/**
 * The scenarios of the demo: each peer, how it behaves, and the expected end of its connection.
 *
 * Healthy peers differ in services, features and age of protocol; each failing one breaks one rule.
 */
import type { OutboundConnectionType } from '../../machines/index.js';
import type { Facts, NodeOptions, ReasonCode } from '../index.js';
import { servicesOf } from '../wire/index.js';

/** The expected outcome of a connection: a complete handshake, or an end with this code and at least these facts. */
export interface ExpectedEnd {
  readonly code: ReasonCode | 'established';
  readonly facts?: Facts;
}

/** One peer of the demo. */
export interface Scenario {
  readonly name: string;
  /** One line of description. */
  readonly about: string;
  /** `listens`: the node dials it; `dials`: it dials the node; `closed-port` and `self` are dialled, but need no node of their own. */
  readonly part: 'listens' | 'dials' | 'closed-port' | 'self';
  readonly connection_type?: OutboundConnectionType;
  /** Options of its node that differ from the default. */
  readonly node?: NodeOptions;
  /** Whether it is dialled with BIP324. */
  readonly v2?: true;
  /** A fault of `src/net/faults/faults.ts`. */
  readonly fault?: string;
  readonly expected: ExpectedEnd;
}

const established: ExpectedEnd = { code: 'established' };
const FULL_NODE = servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED');
const PRUNED_NODE = servicesOf('WITNESS', 'NETWORK_LIMITED');

const healthy: readonly Scenario[] = [
  {
    name: 'modern',
    about: 'protocol 70017, full node',
    part: 'listens',
    node: { services: FULL_NODE, startingheight: 900_000, rules: { relay: true } },
    expected: established,
  },
  {
    name: 'filters',
    about: 'protocol 70016, serves compact block filters',
    part: 'listens',
    node: {
      services: servicesOf('NETWORK', 'WITNESS', 'COMPACT_FILTERS', 'NETWORK_LIMITED'),
      rules: { version: 70016 },
    },
    expected: established,
  },
  {
    name: 'bloom',
    about: 'protocol 70015, before addrv2 and wtxidrelay',
    part: 'listens',
    node: { services: servicesOf('NETWORK', 'BLOOM', 'WITNESS'), rules: { version: 70015 } },
    expected: established,
  },
  {
    name: 'pruned',
    about: 'only the last 288 blocks; a manual connection, so its services are not checked',
    part: 'listens',
    connection_type: 'manual',
    node: { services: PRUNED_NODE },
    expected: established,
  },
  {
    name: 'old',
    about: 'protocol 70012, gets the final alert, no compact blocks',
    part: 'listens',
    node: { services: FULL_NODE, rules: { version: 70012 } },
    expected: established,
  },
  {
    name: 'ancient',
    about: 'protocol 60000, which has no pong (BIP31)',
    part: 'listens',
    node: { services: FULL_NODE, rules: { version: 60_000 } },
    expected: established,
  },
  {
    name: 'encrypted',
    about: 'speaks BIP324, and is dialled with it',
    part: 'listens',
    v2: true,
    node: { v2transport: true, services: FULL_NODE },
    expected: established,
  },
  {
    name: 'v1 only',
    about: 'does not support BIP324; dialled with it, then as v1',
    part: 'listens',
    v2: true,
    expected: established,
  },
  {
    name: 'feeler',
    about: 'dialled only to test whether it answers',
    part: 'listens',
    connection_type: 'feeler',
    expected: { code: 'END_DONE' },
  },
  {
    name: 'wallet',
    about: 'a light client that dials us',
    part: 'dials',
    expected: established,
  },
  {
    name: 'crawler',
    about: 'a client of protocol 70013 that dials us',
    part: 'dials',
    node: { rules: { version: 70_013 } },
    expected: established,
  },
  {
    name: 'encrypted in',
    about: 'dials us with BIP324',
    part: 'dials',
    node: { v2transport: true },
    expected: established,
  },
  {
    name: 'one byte',
    about: 'writes one byte at a time, and dials us',
    part: 'dials',
    fault: 'split=1',
    expected: established,
  },
];

/** Our version was sent; no version was accepted from the peer. */
const NO_VERSION: Facts = { state: 'versionSent', awaited: 'version' };
/** The version of the peer was received, but no verack. */
const NO_VERACK: Facts = { state: 'versionReceived', awaited: 'verack' };

const failing: readonly Scenario[] = [
  {
    name: 'wrong network',
    about: "answers with another network's magic",
    part: 'listens',
    fault: 'magic',
    expected: { code: 'ERR_FRAME_MAGIC' },
  },
  {
    name: 'claims 5 MB',
    about: 'a header that claims 5,000,000 bytes',
    part: 'listens',
    fault: 'oversize',
    expected: { code: 'ERR_FRAME_OVERSIZE' },
  },
  {
    name: 'obsolete',
    about: 'protocol version 209',
    part: 'listens',
    fault: 'obsolete',
    expected: { code: 'ERR_POLICY_VERSION' },
  },
  {
    name: 'lacks services',
    about: 'offers no services, and is not a manual connection',
    part: 'listens',
    node: { services: '0000000000000000' },
    expected: { code: 'ERR_POLICY_SERVICES' },
  },
  { name: 'self', about: 'our own listener', part: 'self', expected: { code: 'ERR_PROTO_SELF' } },
  {
    name: 'late wtxidrelay',
    about: 'negotiates after verack',
    part: 'listens',
    fault: 'late-wtxidrelay',
    expected: { code: 'ERR_PROTO_LATE_FEATURE' },
  },
  {
    name: 'hangs up',
    about: 'closes the connection right after its version',
    part: 'listens',
    fault: 'hang-up',
    expected: { code: 'ERR_LINK_EOF' },
  },
  {
    name: 'closed-port',
    about: 'a port without a listener',
    part: 'closed-port',
    expected: { code: 'ERR_DIAL_REFUSED' },
  },
  {
    name: 'silent',
    about: 'accepts and sends nothing',
    part: 'listens',
    fault: 'silent',
    expected: { code: 'ERR_TIME_HANDSHAKE', facts: NO_VERSION },
  },
  {
    name: 'no verack',
    about: 'withholds its verack',
    part: 'listens',
    fault: 'no-verack',
    expected: { code: 'ERR_TIME_HANDSHAKE', facts: NO_VERACK },
  },
  {
    name: 'bad checksum',
    about: 'its verack has a wrong checksum',
    part: 'listens',
    fault: 'checksum',
    expected: { code: 'ERR_TIME_HANDSHAKE', facts: { ...NO_VERACK, dropped: 'verack: ERR_FRAME_CHECKSUM' } },
  },
  {
    name: 'bad tag',
    about: 'its first encrypted packet is not authentic',
    part: 'listens',
    v2: true,
    node: { v2transport: true, v2fault: 'v2-bad-tag' },
    expected: { code: 'ERR_V2_AUTH' },
  },
  {
    name: 'testnet4 node',
    about: 'a node of another network that dials us',
    part: 'dials',
    node: { chain: 'testnet4' },
    expected: { code: 'ERR_V2_OTHER_NETWORK' },
  },
];

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...healthy, ...failing];
