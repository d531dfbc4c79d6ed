/**
 * `verack`: the Bitcoin peer-to-peer handshake as explicit state machines.
 *
 * {@link createNode} creates a node that listens and dials, {@link probe} connects to one host once and reports what it found.
 * The parts have their own entry points: `verack/node`, `verack/net` (links), `verack/connection` (transports), `verack/wire`
 * (codec), `verack/machines`, `verack/addresses` (address book), `verack/compile`, `verack/metrics`. The parts of `verack/net`
 * that a node's options need are exported here too.
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
