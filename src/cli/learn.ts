/** `verack learn`: learns the state machine of a node from its answers, and compares it with the chart of this project. */
import { Argument } from 'commander';
import { commandDialler } from '../conformance/index.js';
import {
  acceptedConnections,
  compare,
  comparisonPage,
  type Connections,
  dialledConnections,
  type ExplainedDifference,
  explanationOf,
  learnNode,
  LearningError,
  MAX_WORDS,
  type LearnResult,
  loadKnownDifferences,
  mermaidOf,
  type Model,
  type ModelDifference,
  readModel,
  svgOf,
  type TransportName,
  xstateConfigOf,
} from '../learn/index.js';
import { isLoopback, systemClock, tcpNet } from '../net/index.js';
import { VerackError } from '../index.js';
import { type HostRoute, routeTo } from './host-endpoint.js';
import { withNodeNet } from './node-net.js';
import { chainOf } from './node-options.js';
import { EXIT, exitCodeOf, Usage } from './exit-codes.js';
import { readTextFile } from './input-file.js';
import { counted } from './transcript.js';
import { chainOptions, type Flags, outputOptions, switched, valued, withChoices } from './options.js';
import { routeOptions } from './proxy-options.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import { oneOf, whole } from './option-values.js';
import type { CliCommand, Invocation } from './command.js';

/** Formats of the learned machine. `html` also shows the machine that it is compared with. */
const FORMS = ['model', 'xstate', 'mermaid', 'svg', 'html'] as const;
type Form = (typeof FORMS)[number];

/** The options of this verb besides the shared ones. */
interface LearnFlags extends Flags {
  readonly transport?: TransportName;
  readonly depth?: number;
  readonly maxwords?: number;
  readonly parallel?: number;
  readonly dialCommand?: string;
  readonly listenAt?: string;
  readonly as?: Form;
  readonly diff?: boolean;
}

/** Connections at the same time; encrypted ones cost both sides more. Elsewhere than on loopback few, and paced. */
const PARALLEL = { v1: 32, v2: 16 } as const;
const DIALLED_PARALLEL = 16;
const REMOTE = { parallel: 2, pause: 250 } as const;

export const learnCommand: CliCommand = {
  name: 'learn',
  about: "learn a node's state machine and compare it with ours",
  details:
    'Sends short sequences of messages to the node, each on a new connection, and infers its Mealy machine (the L# ' +
    'algorithm). Some sequences violate the protocol on purpose. On loopback many connections are open at the same time, ' +
    'each from its own source address; elsewhere two, with pauses. Exit code 0 whatever the differences are; 7 when the ' +
    'answers vary too much, or --maxwords is reached.',
  examples: [
    ['verack learn --regtest 127.0.0.1', 'where your node differs from our chart'],
    ['verack learn --regtest 127.0.0.1 --as mermaid', 'its state machine as a diagram'],
    ['verack learn --regtest 127.0.0.1 --json > a.json', 'the machine as JSON, for --diff'],
    ['verack learn --diff a.json b.json', 'where two learned nodes differ'],
    [
      'verack learn --diff a.json b.json --as html > diff.html',
      'both charts, the differing transitions in red',
    ],
  ],
  operands: [new Argument('<hosts...>', 'HOST, HOST:PORT or [IPv6]:PORT; with --diff two files')],
  options: [
    ...switched('--diff', 'compare two files that --json wrote'),
    withChoices(valued('--transport <name>', 'v1 or v2', oneOf('v1', 'v2')), 'v1', 'v2').default('v1'),
    valued(
      '--depth <n>',
      'extra depth of the search for hidden states; each step needs 27 times the connections',
      whole(0, 2),
    ).default(0),
    valued(
      '--maxwords <n>',
      `give up after this many connections (default ${MAX_WORDS}, times 27 for each step of --depth)`,
      whole(1, 1_000_000_000),
    ),
    valued('--parallel <n>', 'connections that are open at the same time', whole(1, 64)),
    valued(
      '--dial-command <cmd>',
      'learn outbound connections: a command that makes the node dial; {host} {port} {type} {v2} are replaced',
      String,
    ),
    valued('--listen-at <addr>', 'the address on which verack listens for the node', String).default(
      '127.0.0.1',
    ),
    withChoices(
      valued(
        '--as <form>',
        'print the machine: model, xstate, mermaid, svg, or html with both charts side by side',
        oneOf(...FORMS),
      ),
      ...FORMS,
    ),
    ...chainOptions(),
    ...routeOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => run(job, job.flags),
};

async function run(job: Invocation, flags: LearnFlags): Promise<number> {
  if (flags.diff) return diff(job, flags);
  const [host = '', ...others] = job.operands;
  if (others.length > 0) throw new Usage('learn takes one host');
  const result = await withNodeNet(job, async (net) => {
    const route = await routeTo(host, chainOf(flags).port, net, job.interrupted);
    return learned(route, job, flags);
  }).catch(failureOf);
  job.out.status('');
  if (result instanceof VerackError) {
    job.out.failure(`${plain(host)}: ${plain(result.message)}`);
    return exitCodeOf([{ code: result.code, facts: result.facts }]);
  }
  if (result instanceof LearningError) {
    job.out.failure(`${plain(host)}: ${result.message}`);
    return EXIT.policy;
  }
  if (!result) return EXIT.interrupted;
  await print(result, flags, job.out);
  return EXIT.ok;
}

/** Returns an error about the node as the result, and rethrows errors about the command line. */
function failureOf(error: unknown): VerackError | LearningError {
  if (error instanceof LearningError) return error;
  if (error instanceof VerackError && error.code !== 'ERR_LOCAL_ARGUMENT') return error;
  throw error;
}

/** Learns the node; undefined when interrupted. */
async function learned(
  route: HostRoute,
  job: Invocation,
  flags: LearnFlags,
): Promise<LearnResult | undefined> {
  const { transport = 'v1', depth = 0, maxwords: maxWords, dialCommand } = flags;
  const chain = chainOf(flags);
  const pace = paceOf(route.at.host, transport, flags);
  try {
    return await learnNode({
      chain,
      transport,
      depth,
      clock: systemClock,
      signal: job.interrupted,
      ...pace,
      ...(maxWords !== undefined && { maxWords }),
      connections: connectionsOf(route, transport, flags),
      connection_type: dialCommand === undefined ? 'inbound' : 'manual',
      progress: ({ words, symbols }) => job.out.progress(`${words} words, ${symbols} symbols`),
    });
  } catch (error) {
    if (job.interrupted.aborted) return undefined;
    throw error;
  }
}

function paceOf(host: string, transport: TransportName, { parallel, dialCommand }: LearnFlags) {
  if (!isLoopback(host)) return { ...REMOTE, ...(parallel !== undefined && { parallel }) };
  const usual = dialCommand === undefined ? PARALLEL[transport] : DIALLED_PARALLEL;
  return { parallel: parallel ?? usual, pause: 0 };
}

function connectionsOf(
  { at, net }: HostRoute,
  transport: TransportName,
  { dialCommand, listenAt = '127.0.0.1' }: LearnFlags,
): Connections {
  if (dialCommand === undefined) return dialledConnections(at, systemClock, net);
  const dialler = commandDialler(dialCommand);
  const v2 = transport === 'v2';
  return acceptedConnections({
    net: tcpNet(),
    host: listenAt,
    dialler,
    type: 'manual',
    v2,
    clock: systemClock,
  });
}

async function print(result: LearnResult, { as }: LearnFlags, out: Output): Promise<void> {
  const { model, reference, differences, words, symbols, repeated, seconds, states, settle } = result;
  const explained = explain(differences, model);
  const figures = { words, symbols, repeated, seconds, states, settle };
  out.object({ ...model, ...figures, differences: explained });
  if (as !== undefined && !out.json) return out.raw(await shown(as, result, explained));
  out.answer(
    `${plain(model.node.subver)}, protocol ${model.node.version}, ${model.connection_type}, ${model.transport}`,
  );
  out.answer(
    `${words} words, ${symbols} symbols, ${seconds} s, settle time ${settle} ms; ${states} states, our chart ${reference.machine.states.length}`,
  );
  for (const { word, outputs } of model.nondeterminism)
    out.answer(`varies: ${word.join(', ')}: ${outputs.map(spelled).join(' or ')}`);
  printDifferences(explained, 'our chart', 'the node', out);
}

async function shown(
  as: Form,
  { model, reference }: LearnResult,
  list: readonly ExplainedDifference[],
): Promise<string> {
  if (as === 'mermaid') return mermaidOf(model.machine);
  if (as === 'model') return JSON.stringify(model, null, 2);
  if (as === 'xstate') return JSON.stringify(xstateConfigOf(model.machine, 'node'), null, 2);
  if (as === 'svg') return drawn(() => svgOf(model.machine));
  const title = titleOf('the node', model);
  return drawn(() => comparisonPage({ title: 'our chart', model: reference }, { title, model }, list));
}

const titleOf = (name: string, { node, connection_type, transport }: Model): string =>
  `${name}: ${node.subver} (${connection_type}, ${transport})`;

/** Reports the optional package of Graphviz when it is missing. */
async function drawn(draw: () => Promise<string>): Promise<string> {
  try {
    return await draw();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new Usage(
      'svg and html need the package @viz-js/viz, which is not installed; --as mermaid does not',
    );
  }
}

function explain(differences: readonly ModelDifference[], model: Model): readonly ExplainedDifference[] {
  const known = loadKnownDifferences();
  return differences.map((difference) => {
    const explanation = explanationOf(difference, model, known);
    return { ...difference, ...(explanation !== undefined && { explanation }) };
  });
}

const spelled = (output = ''): string => (output === '' ? 'nothing' : plain(output));

function printDifferences(
  differences: readonly ExplainedDifference[],
  one: string,
  other: string,
  out: Output,
): void {
  out.answer(counted(differences.length, 'difference'));
  for (const alike of grouped(differences)) {
    for (const { word, rule } of alike) out.answer(`${out.paint('bold', wordText(word))}  rule: ${rule}`);
    const [{ expected, actual, explanation }] = alike;
    out.answer(`  ${one}: ${spelled(expected.at(-1))}`);
    out.answer(`  ${other}: ${spelled(actual.at(-1))}`);
    if (explanation !== undefined) out.answer(`  known: ${explanation}`);
  }
}

const wordText = (word: readonly string[]): string =>
  word.length === 0 ? 'before any message' : word.map((input) => plain(input)).join(', ');

type Group = [ExplainedDifference, ...ExplainedDifference[]];

/** Differences with the same last outputs and the same explanation, together. */
function grouped(differences: readonly ExplainedDifference[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const difference of differences) {
    const { expected, actual, explanation } = difference;
    const key = JSON.stringify([expected.at(-1), actual.at(-1), explanation]);
    const group = groups.get(key);
    if (group) group.push(difference);
    else groups.set(key, [difference]);
  }
  return [...groups.values()];
}

async function diff({ operands, out }: Invocation, { as }: LearnFlags): Promise<number> {
  const [one, other, ...more] = operands.map(modelIn);
  const [first = '', second = ''] = operands;
  if (!one || !other || more.length > 0) throw new Usage('--diff needs two files');
  if (one.machine.inputs.join() !== other.machine.inputs.join())
    throw new Usage('the two models have different inputs: learn both over the same transport');
  if (as !== undefined && as !== 'html') throw new Usage('--diff prints text, or a page with --as html');
  const differences = compare(one, other);
  out.object({ states: [one.machine.states.length, other.machine.states.length], differences });
  if (as === undefined || out.json) printDifferences(differences, first, second, out);
  else
    out.raw(
      await drawn(() =>
        comparisonPage(
          { title: titleOf(first, one), model: one },
          { title: titleOf(second, other), model: other },
          differences,
        ),
      ),
    );
  return EXIT.ok;
}

function modelIn(file: string): Model {
  try {
    const model = readModel(JSON.parse(readTextFile(file)), file);
    if (typeof model !== 'string') return model;
    throw new Usage(model);
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(`${file} cannot be read: ${(error as Error).message}`);
  }
}
