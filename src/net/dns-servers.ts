/** Questions to DNS servers, without the system's resolver: c-ares, which blocks no thread and can be cancelled. */
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { VerackError } from '../reasons.js';
import type { Query } from './resolver-process.js';

/** The families of `onlynet`. */
export type IpFamily = 'ipv4' | 'ipv6';

export interface ServerQuestion {
  readonly families: readonly IpFamily[];
  /** Milliseconds, repetitions included. */
  readonly timeout: number;
  /** `ip` or `ip:port`. Default: those of the system. */
  readonly servers?: readonly string[] | undefined;
}

const TRIES = 2;
const HOSTS_FILE = '/etc/hosts';
const LOOPBACK = ['127.0.0.1', '::1'];

function resolverOf({ timeout, servers }: ServerQuestion): Resolver {
  const resolver = new Resolver({ timeout: Math.max(1, Math.ceil(timeout / TRIES)), tries: TRIES });
  try {
    if (servers) resolver.setServers(servers);
  } catch {
    const why = 'a DNS server is given as ip or ip:port';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: servers?.join(',').slice(0, 80) ?? '', why });
  }
  return resolver;
}

const syscodeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** The addresses of all families; fails only when there is none. */
async function addressesOf(answers: readonly Promise<string[]>[]): Promise<string[]> {
  const settled = await Promise.allSettled(answers);
  const found = settled.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = settled.find((answer) => answer.status === 'rejected');
  if (found.length > 0 || !failed) return found;
  // Only the time limit cancels a query that a caller waits for.
  if (syscodeOf(failed.reason) !== 'ECANCELLED') throw failed.reason;
  throw Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' });
}

/**
 * Asks for A and AAAA at once. When the time is over, what one family has answered counts.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for unusable `servers`
 */
export function queryServers(name: string, question: ServerQuestion): Query {
  const resolver = resolverOf(question);
  const answers = question.families.map((family) =>
    family === 'ipv4' ? resolver.resolve4(name) : resolver.resolve6(name),
  );
  const timer = setTimeout(() => resolver.cancel(), question.timeout);
  const abandon = (): void => {
    clearTimeout(timer);
    resolver.cancel();
  };
  return { answer: addressesOf(answers).finally(() => clearTimeout(timer)), abandon };
}

function readHostsFile(): string {
  try {
    return readFileSync(HOSTS_FILE, 'utf8');
  } catch {
    return '';
  }
}

/** The addresses of `name` in the text of a hosts file (hosts(5)): an address, its names, and `#` before a comment. */
export function hostsFileAddresses(name: string, text: string): string[] {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return isIP(address) && names.includes(wanted) ? [address] : [];
  });
}

/** The hosts file, then the system's DNS servers: the nearest to the system's resolver that needs no thread. */
export function queryHostsAndServers(name: string, timeout: number): Query {
  const listed = hostsFileAddresses(name, readHostsFile());
  // RFC 6761, section 6.3: this name is loopback, whatever a server says.
  const known = listed.length === 0 && /^localhost\.?$/i.test(name) ? LOOPBACK : listed;
  if (known.length > 0) return { answer: Promise.resolve(known), abandon: () => undefined };
  return queryServers(name, { families: ['ipv4', 'ipv6'], timeout });
}
