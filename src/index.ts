/**
 * `verack`: the Bitcoin peer-to-peer handshake as an explicit state-machine engine.
 *
 * {@link createNode} makes a node that listens and dials, {@link probe} asks one host once. The parts have entries of their
 * own: `verack/node`, `verack/net` (links), `verack/connection` (transports), `verack/wire` (codec), `verack/machines`,
 * `verack/addresses` (address book), `verack/compile`, `verack/metrics`. What of the net a node's options need is here too.
 *
 * @module
 */
export * from './node/index.js';
export { systemClock, systemRandom, VirtualClock } from './net/index.js';
export { faultyNet, FAULTS, memoryNet, parseFault, tcpNet } from './net/index.js';
export { formatEndpoint, lookupWith, parseEndpoint, resolveHost, seedAddresses } from './net/index.js';
export type { Clock, Fault, FaultName } from './net/index.js';
export type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './net/index.js';
export type { DnsOptions, Lookup, LookupHandler, SeedAddress } from './net/index.js';
export { V2_FAULTS } from './connection/index.js';
export type { V2FaultName } from './connection/index.js';
export { isSubnet } from './net/index.js';
export { probe } from './probe/probe.js';
export type { ProbeDemands, ProbeOptions, ProbePhases, ProbeReport } from './probe/probe.js';
export { PROBE_STEPS } from './probe/diagnosis.js';
export type { Cause as ProbeCause, Diagnosis, ProbeStep } from './probe/diagnosis.js';
