/** Shared by the verbs `conform` and `matrix`: the node under test, its dialler, and the selection of cases. */
import { type Chain, type DialCode, type Reason, reasonOf, VerackError } from '../index.js';
import { type Net, tcpNet } from '../net/index.js';
import { matchesId } from '../conformance/case-ids.js';
import type { Case } from '../conformance/case.js';
import { Malformed } from '../conformance/case-schema.js';
import { loadCases } from '../conformance/case-files.js';
import { netOfEachCase } from '../conformance/loopback-net.js';
import type { Dialler, NodeUnderTest } from '../conformance/node-under-test.js';
import { Usage } from './exit-codes.js';
import { endpointOf, type HostRoute, routeTo } from './host-endpoint.js';
import type { NodeNet } from './node-net.js';

/** Exit code when no case could run: automake and Meson read 77 as "skipped". */
export const NOTHING_RUN = 77;

/** The address of a node under test and the route to it. Rejects with `ERR_LOCAL_ARGUMENT` for a text that is not an address. */
export async function routeToNode(
  host: string,
  chain: Chain,
  net: NodeNet,
  signal: AbortSignal,
): Promise<HostRoute> {
  const at = endpointOf(host, chain.port);
  return routeTo(host, chain.port, net, signal).catch((error: unknown) => {
    if (error instanceof VerackError) return { at, net: failingNet(net.proxied, reasonOf(error)) };
    throw error;
  });
}

/** The net for a name without an address: the run reports why, as for any host that cannot be reached. */
const failingNet = (net: Net, { code, facts }: Reason): Net => ({
  listen: (...args) => net.listen(...args),
  dial: (_, handler) => {
    const timer = setImmediate(() => handler.failed(code as DialCode, facts));
    return () => clearImmediate(timer);
  },
});

/** A node under test. `listenAt` is the address of the tester, which the node dials directly, without a proxy. */
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

/** Requires `{port}` in a dial command: the tester listens on a new port for each case. */
export function checkDialCommand(command: string | undefined): void {
  if (command !== undefined && !command.includes('{port}'))
    throw new Usage('--dial-command has no {port}; the words {host}, {port}, {type} and {v2} are replaced');
}

/** The cases that ids and globs select; all cases without any. @throws Usage for an id or glob that selects none */
export function casesLike(wanted: readonly string[] | undefined): readonly Case[] {
  const all = loadCases();
  if (!wanted) return all;
  const found = wanted.flatMap((pattern) => {
    const some = all.filter(({ id }) => matchesId(id, pattern));
    if (some.length === 0) throw new Usage(`no case has the id ${pattern}; conform --list shows all ids`);
    return some;
  });
  return [...new Set(found)];
}

/** Reports a malformed case file or list of known differences as a usage error, since the user can correct it. */
export async function withUsage(verb: () => Promise<number>): Promise<number> {
  try {
    return await verb();
  } catch (error) {
    if (error instanceof Malformed) throw new Usage(error.message);
    throw error;
  }
}
