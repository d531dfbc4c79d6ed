/** Gives each case against a node on loopback its own source address, so that a ban in one case does not affect the next. */
import { isIPv4 } from 'node:net';
import { type Endpoint, type Net, tcpNet } from '../net/index.js';

/** Source addresses: 127.1.0.1, 127.1.0.2, … Skips `.0` and `.255`; repeats after 8,000,000. */
export function* loopbackSources(): Generator<string> {
  for (let n = 0; ; n = (n + 1) % (200 * 200 * 200)) {
    const [a, b, c] = [1 + Math.floor(n / 40_000), Math.floor(n / 200) % 200, n % 200];
    yield `127.${a}.${b}.${1 + c}`;
  }
}

/** Returns a function that makes a net for each case; undefined if the node is not on IPv4 loopback. */
export function netOfEachCase({ host }: Endpoint): (() => Net) | undefined {
  if (!isIPv4(host) || !host.startsWith('127.')) return undefined;
  const sources = loopbackSources();
  return () => tcpNet({ localAddress: sources.next().value as string });
}
