/** A source address of its own for each case against a node on loopback: what a node bans for one case does not spoil the next. */
import { isIPv4 } from 'node:net';
import { type Endpoint, type Net, tcpNet } from '../net/index.js';

/** Addresses of 127.0.0.0/8, one after the other; the first and the last of each block of 256 are left out. */
export function* loopbackSources(first = 1): Generator<string> {
  for (let n = 0; ; n = (n + 1) % (200 * 200)) {
    yield `127.${first}.${Math.floor(n / 200) % 200}.${1 + (n % 200)}`;
  }
}

/** Makes a net for each case; undefined for a node that is not on IPv4 loopback, which sees one address only. */
export function netOfEachCase({ host }: Endpoint): (() => Net) | undefined {
  if (!isIPv4(host) || !host.startsWith('127.')) return undefined;
  const sources = loopbackSources();
  return () => tcpNet({ localAddress: sources.next().value as string });
}
