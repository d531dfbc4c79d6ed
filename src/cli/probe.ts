/** `verack probe`: asks nodes once, all at the same time, and says which kind of failure it was. */
import { Argument } from 'commander';
import { parseEndpoint } from '../net/index.js';
import { probe, type ProbeReport } from '../probe/probe.js';
import type { Identification } from '../learn/index.js';
import { VerackError } from '../index.js';
import { identified } from './identify.js';
import { chainOf, dnsOptionsOf, nodeOptionsOf } from './node-options.js';
import { type IdentifiedReport, reportLines } from './probe-report.js';
import { exitCodeOf, EXIT } from './exit-codes.js';
import {
  chainOptions,
  type Flags,
  identityOptions,
  lookupOptions,
  outputOptions,
  recordOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
} from './options.js';
import { requirements } from './option-values.js';
import { recorderOf } from './record-option.js';
import type { Invocation, CliCommand } from './command.js';

interface ProbeFlags extends Flags {
  readonly identify?: boolean;
}

/** Nodes that are probed at the same time. */
const AT_ONCE = 16;

export const probeCommand: CliCommand = {
  name: 'probe',
  about: 'is a node reachable, what does it say, how fast?',
  details:
    'One handshake and one ping per host, then it closes; the addresses of a name are tried until one answers. The exit ' +
    'code says what went wrong (with several hosts: 3 when some failed), so it works in cron: verack probe HOST || alert',
  examples: [
    ['verack probe node.example.org', 'a reportLines about one node of the main network'],
    ['verack probe --regtest 127.0.0.1:18444 --json', 'the same facts for a program'],
    [
      'verack probe --require services=NETWORK,WITNESS --require version=70016 192.0.2.1',
      'exit code 7 when it lacks one',
    ],
  ],
  operands: [new Argument('<hosts...>', 'HOST, HOST:PORT or [IPv6]:PORT')],
  options: [
    ...switched('--identify', 'say which implementation it is by its behaviour (a second connection)'),
    valued('--require <demand>', 'services=NETWORK,WITNESS or version=70016; repeatable', requirements),
    ...chainOptions(),
    ...lookupOptions(),
    ...transportOptions(),
    ...timeOptions(),
    ...identityOptions(),
    ...recordOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => run(job, job.flags),
};

async function run({ operands, out, interrupted }: Invocation, flags: ProbeFlags): Promise<number> {
  const { chain, rules, uacomment, v2transport, v2only } = nodeOptionsOf(flags);
  // A host that is no host is a usage error before anything is dialled.
  for (const host of operands) parseEndpoint(host, 0);
  const recorder = await recorderOf(flags, out);
  let done = 0;
  const progress = (): void => out.status(`${done} of ${operands.length} probed`);
  progress();
  const reports = await eachOf(operands, AT_ONCE, async (host) => {
    const report = await probe(host, {
      ...given({ chain, rules, uacomment, v2transport, v2only, require: flags.require }),
      dns: dnsOptionsOf(flags),
      signal: interrupted,
      create: (options) => recorder.node(options),
    });
    const identity = flags.identify && report.ok ? await identityOf(report.addr, flags) : undefined;
    done++;
    if (!interrupted.aborted) print({ ...report, ...(identity && { identity }) }, out);
    progress();
    return report;
  });
  out.status('');
  recorder.close();
  return codeOf(reports);
}

const given = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };

/** Undefined when there is no second connection to the node. */
async function identityOf(addr: string, flags: ProbeFlags): Promise<Identification | undefined> {
  try {
    return await identified(addr, chainOf(flags), flags);
  } catch (error) {
    if (error instanceof VerackError) return undefined;
    throw error;
  }
}

function print(report: IdentifiedReport, out: Invocation['out']): void {
  out.object(report);
  const hasSpoken = report.version !== undefined;
  const lines = reportLines(report, hasSpoken ? out.paint : out.paintLog);
  for (const line of lines) {
    if (hasSpoken) out.answer(line);
    else out.failure(line);
  }
}

function codeOf(reports: readonly ProbeReport[]): number {
  const code = exitCodeOf(reports.map(({ ok, reason }) => (ok ? 'established' : reason)));
  return reports.length > 1 && code !== EXIT.ok ? EXIT.some : code;
}

/** Runs `work` over all items, at most `limit` at a time. The results are in the order of the items. */
async function eachOf<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
