/** `verack identify`: finds the implementation of a node by its behaviour, and prints it beside its user agent. */
import { Argument } from 'commander';
import {
  dialledConnections,
  type Excluded,
  identify,
  type Identification,
  loadKnownModels,
  type Question,
  type TransportName,
  UNKNOWN,
} from '../learn/index.js';
import { formatEndpoint, systemClock } from '../net/index.js';
import { type Chain, type Reason, reasonOf, VerackError } from '../index.js';
import type { CliCommand, Invocation } from './command.js';
import { exitCodeOf, isUsage, type Outcome } from './exit-codes.js';
import { routeTo } from './host-endpoint.js';
import { type NodeNet, withNodeNet } from './node-net.js';
import { chainOf } from './node-options.js';
import { oneOf } from './option-values.js';
import { chainOptions, type Flags, outputOptions, valued, withChoices } from './options.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import { counted } from './transcript.js';
import { routeOptions } from './proxy-options.js';

export const identifyCommand: CliCommand = {
  name: 'identify',
  about: 'find the implementation of a node by its behaviour',
  details:
    'Opens one connection per host and sends version, verack and a few requests that every node answers or ignores. The ' +
    'answers are compared with models of known implementations, which verack learn made; the user agent is not used. The ' +
    `label is "${UNKNOWN}" when no model matches. Exit code 0 whatever the label is, and 5 when the host sends no version (over v2: 7).`,
  examples: [
    ['verack identify --regtest 127.0.0.1:18444', 'the label, and the answers that led to it'],
    ['verack identify node.example.org --json', 'the same for a program'],
    ['verack identify --transport v2 node.example.org', 'over an encrypted connection'],
  ],
  operands: [new Argument('<hosts...>', 'HOST, HOST:PORT or [IPv6]:PORT')],
  options: [
    withChoices(valued('--transport <name>', 'v1 or v2', oneOf('v1', 'v2')), 'v1', 'v2').default('v1'),
    ...chainOptions(),
    ...routeOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => withNodeNet(job, (net) => run(job, net)),
};

interface IdentifyFlags extends Flags {
  readonly transport?: TransportName;
}

async function run({ operands, flags, out, interrupted }: Invocation, net: NodeNet): Promise<number> {
  const { transport = 'v1' }: IdentifyFlags = flags;
  const chain = chainOf(flags);
  const outcomes: Outcome[] = [];
  for (const host of operands) {
    if (interrupted.aborted) break;
    try {
      const identification = await identified(host, transport, chain, net);
      out.object({ host, ...identification });
      for (const line of linesOf(host, identification, out)) out.answer(line);
      outcomes.push(identification.claimed.version === 0 ? undefined : 'established');
    } catch (error) {
      outcomes.push(report(host, error, out));
    }
  }
  return exitCodeOf(outcomes);
}

/** Identifies a node over one new connection. Rejects with a `VerackError` when the node cannot be reached. */
export async function identified(
  host: string,
  transport: TransportName,
  chain: Chain,
  net: NodeNet,
): Promise<Identification & { readonly addr: string }> {
  const { at, net: through } = await routeTo(host, chain.port, net);
  const connections = dialledConnections(at, systemClock, through);
  const models = loadKnownModels();
  const found = await identify({ connections, chain, clock: systemClock, models, transport });
  return { addr: formatEndpoint(at), ...found };
}

function report(host: string, error: unknown, out: Output): Reason {
  if (isUsage(error) || !(error instanceof VerackError)) throw error;
  const reason = reasonOf(error);
  out.object({ host, reason });
  out.failure(`${plain(host)}: ${plain(error.message)}`);
  return reason;
}

/** Lines for people: the label and the user agent, then each message with the answer and the models that it excludes. */
export function linesOf(
  host: string,
  { label, claimed, questions, ms }: Identification,
  out: Output,
): string[] {
  const { subver, version } = claimed;
  const claim = version === 0 ? 'sent no version' : `claims to be ${plain(subver)}, protocol ${version}`;
  return [
    `${plain(host)}: ${out.paint('bold', label)}; ${claim}`,
    ...questions.flatMap((question) => questionLines(question)),
    `${counted(questions.length - 1, 'message')} on one connection, ${ms} ms`,
  ];
}

function questionLines({ input, output, excludes }: Question): string[] {
  const line = `  ${input === '' ? 'before any message' : input}: ${spelled(output)}`;
  return [line, ...excludes.map(excludedLine)];
}

const excludedLine = ({ label, settings, output }: Excluded): string =>
  `    not ${label}${settings === '' ? '' : ` with ${settings}`}: ${spelled(output)}`;

const spelled = (output: string): string => (output === '' ? 'nothing' : plain(output));
