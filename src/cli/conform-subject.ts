/** What the verbs `conform` and `matrix` share: the node under test by its address, its dialler, and the choice of cases. */
import { writeFileSync } from 'node:fs';
import type { Chain } from '../index.js';
import { VerackError } from '../index.js';
import { type Endpoint, parseEndpoint, resolveHost, tcpNet } from '../net/index.js';
import { matchesId } from '../conformance/case-ids.js';
import type { Case } from '../conformance/case.js';
import { Malformed } from '../conformance/case-schema.js';
import { loadCases } from '../conformance/case-files.js';
import { netOfEachCase } from '../conformance/loopback-net.js';
import type { Dialler, NodeUnderTest } from '../conformance/node-under-test.js';
import type { Invocation } from './command.js';
import { Usage } from './exit-codes.js';
import { dnsOptionsOf } from './node-options.js';

/** Nothing could be run: the code that test harnesses take for "skipped". */
export const NOTHING_RUN = 77;

/** Where a node under test listens; a name is looked up. Throws `ERR_LOCAL_ARGUMENT` for what is no address. */
export async function endpointOf(
  host: string,
  chain: Chain,
  { flags, interrupted }: Invocation,
): Promise<Endpoint> {
  const at = parseEndpoint(host, chain.port);
  if (at.kind !== 'name') return at;
  const [first] = await resolveHost(at.host, { ...dnsOptionsOf(flags), signal: interrupted }).catch(
    (error: unknown) => {
      if (error instanceof VerackError) return [];
      throw error;
    },
  );
  // A name without an address cannot be dialled: the run reports it as an unreachable host.
  return { host: first ?? at.host, port: at.port };
}

/** A node under test over TCP. `listenAt`: where it finds the tester. */
export function subjectOf(
  at: Endpoint,
  dialler: Dialler | undefined,
  listenAt: string | undefined,
): NodeUnderTest {
  const netOfCase = netOfEachCase(at);
  return {
    net: tcpNet(),
    at,
    ...(netOfCase && { netOfCase }),
    ...(listenAt !== undefined && { host: listenAt }),
    ...(dialler && { dialler }),
  };
}

/** Without the port, which is another for each case, the node cannot dial us. */
export function checkDialCommand(command: string | undefined): void {
  if (command !== undefined && !command.includes('{port}'))
    throw new Usage('--dial-command has no {port}; the words {host}, {port}, {type} and {v2} are replaced');
}

/** The cases that ids and patterns select; all when there are none. */
export function casesLike(wanted: readonly string[] | undefined): readonly Case[] {
  const all = loadCases();
  if (!wanted) return all;
  const found = wanted.flatMap((pattern) => {
    const some = all.filter(({ id }) => matchesId(id, pattern));
    if (some.length === 0) throw new Usage(`no case is called ${pattern}; conform --list shows them`);
    return some;
  });
  return [...new Set(found)];
}

/** A case file or a list of known differences that is malformed is for the user to correct. */
export async function withUsage(verb: () => Promise<number>): Promise<number> {
  try {
    return await verb();
  } catch (error) {
    if (error instanceof Malformed) throw new Usage(error.message);
    throw error;
  }
}

/** Writes a file that the user named. */
export function writeNamed(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new Usage(`${file} cannot be written: ${(error as Error).message}`);
  }
}
