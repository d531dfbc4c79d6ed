/**
 * `verack`: the Bitcoin peer-to-peer handshake as an explicit state-machine engine.
 *
 * {@link createNode} makes a node that listens and dials, {@link probe} asks one host once. Machines are at
 * `verack/machines`, the codec at `verack/wire`.
 */
export { BitcoinNode, createNode } from './run/node.js';
export type { DialOptions, NodeOptions } from './run/options.js';
export type { NodeEvents } from './run/events.js';
export { Peer } from './run/peer.js';
export type { PeerInfo, PeerState } from './run/peerinfo.js';
export type { PeerChange, PeerTracker } from './run/tracker.js';
export { systemClock, systemRandom } from './run/env.js';
export type { Clock } from './run/env.js';
export { VirtualClock } from './run/clock.js';
export type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './io/link.js';
export { memoryNet } from './io/memory.js';
export { tcpNet } from './io/tcp.js';
export { FAULTS, parseFault } from './io/faults.js';
export type { Fault, FaultName } from './io/faults.js';
export { V2_FAULTS } from './run/v2faults.js';
export type { V2FaultName } from './run/v2faults.js';
export { faultyNet } from './io/faultynet.js';
export { resolveHost, seedAddresses } from './io/dns.js';
export { formatEndpoint, parseEndpoint } from './io/endpoint.js';
export { NETWORK_NAMES, networkOf, NETWORKS, signetNetwork } from './networks.js';
export type { Chain, NetworkName } from './networks.js';
export { probe } from './tools/probe.js';
export type { ProbeOptions, ProbeReport } from './tools/probe.js';
export { REASON_CODES, REASONS, VerackError } from './reasons.js';
export type { Blame, Facts, Reason, ReasonCode, ReasonRow, Retry } from './reasons.js';
