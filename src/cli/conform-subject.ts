/** What the verbs `conform` and `matrix` share: the node under test by its address, its dialler, and the choice of cases. */
import { writeFileSync } from 'node:fs';
import type { Chain } from '../index.js';
import { VerackError } from '../index.js';
import { parseEndpoint, tcpNet } from '../net/index.js';
import { matchesId } from '../conformance/case-ids.js';
import type { Case } from '../conformance/case.js';
import { Malformed } from '../conformance/case-schema.js';
import { loadCases } from '../conformance/case-files.js';
import { netOfEachCase } from '../conformance/loopback-net.js';
import type { Dialler, NodeUnderTest } from '../conformance/node-under-test.js';
import { Usage } from './exit-codes.js';
import { type HostRoute, routeTo } from './host-endpoint.js';
import type { NodeNet } from './node-net.js';

/** Nothing could be run: the code that test harnesses take for "skipped". */
export const NOTHING_RUN = 77;

/** Where a node under test listens, and the way there. Throws `ERR_LOCAL_ARGUMENT` for what is no address. */
export async function routeToNode(
  host: string,
  chain: Chain,
  net: NodeNet,
  signal: AbortSignal,
): Promise<HostRoute> {
  const { host: name, port } = parseEndpoint(host, chain.port);
  return routeTo(host, chain.port, net, signal).catch((error: unknown) => {
    // A name without an address cannot be dialled: the run reports it as an unreachable host.
    if (error instanceof VerackError) return { at: { host: name, port }, net: net.proxied };
    throw error;
  });
}

/** A node under test. `listenAt`: where it finds the tester, which it dials directly. */
export function subjectOf(
  { at, net }: HostRoute,
  dialler: Dialler | undefined,
  listenAt: string | undefined,
): NodeUnderTest {
  const netOfCase = net ? undefined : netOfEachCase(at);
  return {
    net: net ?? tcpNet(),
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
