/**
 * `verack`: the Bitcoin peer-to-peer handshake as an explicit state-machine engine.
 *
 * {@link createNode} makes a node that listens and dials, {@link probe} asks one host once. Machines are at
 * `verack/machines`, the codec at `verack/wire`.
 */
export { BitcoinNode, createNode } from './node/node.js';
export type { DialOptions, NodeOptions, OutboundOptions } from './node/options.js';
export type { CandidateSource } from './node/candidates.js';
export type { NodeEvents } from './node/events.js';
export { Peer } from './node/peer.js';
export type { PeerInfo } from './node/peerinfo.js';
export type { PeerState } from './connection/peer-record.js';
export type { PeerChange, PeerTracker } from './node/tracker.js';
export { systemClock, systemRandom } from './net/environment.js';
export type { Clock } from './net/environment.js';
export { VirtualClock } from './net/virtual-clock.js';
export type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './net/link.js';
export { memoryNet } from './net/memory.js';
export { tcpNet } from './net/tcp.js';
export { FAULTS, parseFault } from './net/faults/faults.js';
export type { Fault, FaultName } from './net/faults/faults.js';
export { V2_FAULTS } from './connection/v2-faults.js';
export type { V2FaultName } from './connection/v2-faults.js';
export { faultyNet } from './net/faults/faulty-net.js';
export { lookupWith, resolveHost, seedAddresses } from './net/dns.js';
export type { DnsOptions, Lookup, LookupHandler, SeedAddress } from './net/dns.js';
export { formatEndpoint, parseEndpoint } from './net/endpoint.js';
export { NETWORK_NAMES, networkOf, NETWORKS, signetNetwork } from './networks.js';
export type { Chain, NetworkName } from './networks.js';
export { probe } from './probe/probe.js';
export type { ProbeOptions, ProbeReport } from './probe/probe.js';
export { REASON_CODES, REASONS, VerackError } from './reasons.js';
export type { Blame, Facts, Reason, ReasonCode, ReasonRow, Retry } from './reasons.js';
