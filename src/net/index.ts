/**
 * `verack/net`: links and the nets that create them. A {@link Net} dials and listens: {@link tcpNet} over TCP,
 * {@link memoryNet} inside one process, {@link ProxiedNet} through SOCKS5 and I2P, {@link faultyNet} with injected faults.
 * Also name look-up, parsing of endpoints, groups of addresses, clocks and the random source.
 *
 * @module
 */
export type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './link.js';
export { tcpNet } from './tcp.js';
export type { TcpOptions } from './tcp.js';
export { linkPair, memoryNet } from './memory.js';
export type { Latency, MemoryLink, MemoryNet, MemoryOptions, PairOptions } from './memory.js';
export { LinkWrapper } from './faults/link-wrapper.js';
export { FAULT_NAMES, FAULTS, parseFault } from './faults/faults.js';
export type { Fault, FaultName, FaultRow } from './faults/faults.js';
export { faultyNet, isTimingFault, netWithFault } from './faults/faulty-net.js';
export { I2P_LISTEN, ProxiedNet } from './proxied-net.js';
export type { Proxied, ProxiedNetOptions, Proxy } from './proxied-net.js';
export { fixedCredentials, isolatingCredentials, socks5Net } from './socks5.js';
export type { Credentials, Socks5Options } from './socks5.js';
export { SamNet } from './sam.js';
export type { SamOptions } from './sam.js';
export { openInputFile, readInputFile } from './input-file.js';
export { keyFile } from './i2p-key.js';
export type { KeyStore } from './i2p-key.js';
export { lookupWith, resolveHost, seedAddresses } from './dns.js';
export type { DnsOptions, Lookup, LookupHandler, SeedAddress, SeedOptions } from './dns.js';
export type { IpFamily } from './dns-servers.js';
export { formatEndpoint, parseEndpoint } from './endpoint.js';
export type { EndpointOptions, HostKind, NamedEndpoint } from './endpoint.js';
export { defaultPortOf, kindOfHost, NETWORKS_OF_ADDRESSES } from './host-kind.js';
export type { Network, TargetKind } from './host-kind.js';
export { isSubnet } from './subnet.js';
export { isLoopback, sourceOf } from './source-network.js';
export { createNetgroups, netClassOf, netgroupOf } from './netgroup.js';
export type { NetClass, Netgroups } from './netgroup.js';
export { isAsmap } from './asmap.js';
export { checkChoice, checkOptionNames, nearestName } from './option-names.js';
export { systemClock, systemRandom } from './environment.js';
export type { Clock, Env } from './environment.js';
export { systemTimers } from './timers.js';
export type { Timers } from './timers.js';
export { VirtualClock } from './virtual-clock.js';
