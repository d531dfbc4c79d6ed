/** `verack probe`: performs one handshake with each node, and reports the result or the step that failed. */
import { probe, type ProbeReport } from '../index.js';
import { Argument } from 'commander';
import type { Identification } from '../learn/index.js';
import { type Chain, VerackError } from '../index.js';
import { eachOf } from './each-of.js';
import { hostsOf } from './host-list.js';
import { identified } from './identify.js';
import { type NodeNet, withNodeNet } from './node-net.js';
import { nodeOptionsOf } from './node-options.js';
import { type IdentifiedReport, reportLines } from './probe-report.js';
import { exitCodeOf, EXIT } from './exit-codes.js';
import {
  chainOptions,
  dnsServerOption,
  type Flags,
  identityOptions,
  outputOptions,
  recordOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
} from './options.js';
import { requirements } from './option-values.js';
import { onlynetOption, proxyOptions } from './proxy-options.js';
import { recorderOf } from './record-option.js';
import type { Invocation, CliCommand } from './command.js';

interface ProbeFlags extends Flags {
  readonly identify?: boolean;
  readonly from?: string;
}

/** Most nodes that are probed at the same time. */
const PARALLEL = 16;

export const probeCommand: CliCommand = {
  name: 'probe',
  about: 'test whether a node is reachable, what it announces and how fast it answers',
  details:
    'One handshake and one ping per host, then the connection is closed; the addresses of a name are tried until one ' +
    'answers. The exit code gives the kind of failure (with several hosts: 3 when some failed), for use in scripts: verack ' +
    'probe HOST || alert\n\n' +
    'After a failure, the last line names the step that failed (name, proxy, TCP, transport, version, verack, ping) and ' +
    'suggests what to do. To find the cause, a node that accepted the connection but sent nothing is tried again with the ' +
    'other transport and with the other chains, and the default ports of the chains are tried.',
  examples: [
    ['verack probe node.example.org', 'a report about one node of the main network'],
    ['verack probe --regtest 127.0.0.1:18444 --json', 'the same facts for a program'],
    [
      'verack probe --require services=NETWORK,WITNESS --require version=70016 192.0.2.1',
      'exit code 7 when the node does not meet a requirement',
    ],
    ['verack probe --from nodes.txt --json', 'many nodes, one per line of a file; - is standard input'],
    ['verack probe -proxy=127.0.0.1:9050 EXAMPLE.onion', 'through Tor; the proxy also resolves names'],
  ],
  operands: [new Argument('[hosts...]', 'HOST, HOST:PORT or [IPv6]:PORT; -: a list on standard input')],
  options: [
    ...switched('--identify', 'also identify the implementation by its behaviour, over a second connection'),
    valued('--from <file>', 'also probe the hosts in this file, one per line', String),
    valued('--require <demand>', 'services=NETWORK,WITNESS or version=70016; repeatable', requirements),
    ...chainOptions(),
    ...proxyOptions(),
    onlynetOption(),
    dnsServerOption(),
    ...transportOptions(),
    ...timeOptions(),
    ...identityOptions(),
    ...recordOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => run(job, job.flags),
};

async function run(job: Invocation, flags: ProbeFlags): Promise<number> {
  // All hosts are checked before the first is dialled, so that an invalid one is a usage error.
  const hosts = await hostsOf(job.operands, flags.from, job.interrupted);
  return withNodeNet(job, async (net) => codeOf(await probed(hosts, net, job, flags)));
}

async function probed(
  hosts: readonly string[],
  nodeNet: NodeNet,
  { out, interrupted }: Invocation,
  flags: ProbeFlags,
): Promise<ProbeReport[]> {
  const { net, lookup } = nodeNet.options;
  const { chain, rules, uacomment, v2transport, v2only } = nodeOptionsOf(flags);
  const recorder = await recorderOf(flags, out);
  let done = 0;
  const progress = (): void => out.status(`${done} of ${hosts.length} probed`);
  progress();
  const reports = await eachOf(hosts, { limit: PARALLEL, interrupted }, async (host) => {
    const report = await probe(host, {
      ...given({ chain, rules, uacomment, v2transport, v2only, require: flags.require }),
      net,
      lookup,
      signal: interrupted,
      create: (options) => recorder.node(options),
    });
    const identity = flags.identify && report.ok ? await identityOf(report, chain, nodeNet) : undefined;
    done++;
    if (!interrupted.aborted) print({ ...report, ...(identity && { identity }) }, out);
    progress();
    return report;
  });
  out.status('');
  recorder.close();
  return reports;
}

const given = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };

/** Identifies the node over the same transport; undefined when the second connection fails. */
async function identityOf(
  { addr, transport_protocol_type }: ProbeReport,
  chain: Chain,
  net: NodeNet,
): Promise<Identification | undefined> {
  try {
    return await identified(addr, transport_protocol_type === 'v2' ? 'v2' : 'v1', chain, net);
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
