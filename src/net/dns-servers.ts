/** Queries DNS servers directly with c-ares, not through the system's resolver: this blocks no thread and can be cancelled. */
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { VerackError } from '../reasons.js';
import type { Query } from './resolver-process.js';

/** The address families of the option `onlynet`. */
export type IpFamily = 'ipv4' | 'ipv6';

export interface ServerQuestion {
  readonly families: readonly IpFamily[];
  /** Time limit including repetitions, milliseconds. */
  readonly timeout: number;
  /** `ip` or `ip:port` each. Default: the servers of the system. */
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

/** The addresses of all families. Rejects only when there is none and a query failed. */
async function addressesOf(answers: readonly Promise<string[]>[]): Promise<string[]> {
  const settled = await Promise.allSettled(answers);
  const found = settled.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = settled.find((answer) => answer.status === 'rejected');
  if (found.length > 0 || !failed) return found;
  // While a caller waits, only the time limit cancels a query.
  if (syscodeOf(failed.reason) !== 'ECANCELLED') throw failed.reason;
  throw Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' });
}

/**
 * Queries A and AAAA records at the same time. When the time limit is reached, the answers that have arrived are used.
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

/** Looks a name up in the hosts file, then with the system's DNS servers: the closest to the system's resolver without a thread. */
export function queryHostsAndServers(name: string, timeout: number): Query {
  const listed = hostsFileAddresses(name, readHostsFile());
  // RFC 6761, section 6.3: this name always resolves to loopback.
  const known = listed.length === 0 && /^localhost\.?$/i.test(name) ? LOOPBACK : listed;
  if (known.length > 0) return { answer: Promise.resolve(known), abandon: () => undefined };
  return queryServers(name, { families: ['ipv4', 'ipv6'], timeout });
}
