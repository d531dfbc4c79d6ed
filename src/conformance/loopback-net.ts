/** A source address of its own for each case against a node on loopback: what a node bans for one case does not spoil the next. */
import { isIPv4 } from 'node:net';
import { type Endpoint, type Net, tcpNet } from '../net/index.js';

/** 127.1.0.1, 127.1.0.2, …: a node that bans an address bans one connection. The first and last of a block are left out. */
export function* loopbackSources(): Generator<string> {
  for (let n = 0; ; n = (n + 1) % (200 * 200 * 200)) {
    const [a, b, c] = [1 + Math.floor(n / 40_000), Math.floor(n / 200) % 200, n % 200];
    yield `127.${a}.${b}.${1 + c}`;
  }
}

/** Makes a net for each case; undefined for a node that is not on IPv4 loopback, which sees one address only. */
export function netOfEachCase({ host }: Endpoint): (() => Net) | undefined {
  if (!isIPv4(host) || !host.startsWith('127.')) return undefined;
  const sources = loopbackSources();
  return () => tcpNet({ localAddress: sources.next().value as string });
}
