/** `verack matrix`: runs the conformance cases against several nodes and verack's own, and writes an HTML page and a JSON file. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, InvalidArgumentError } from 'commander';
import { loadKnown } from '../conformance/case-files.js';
import { commandDialler } from '../conformance/dial-command.js';
import type { Matrix, MatrixNode } from '../conformance/matrix/matrix.js';
import { matrixPage } from '../conformance/matrix/page.js';
import { type NamedSubject, OWN_NAMES, runMatrix } from '../conformance/matrix/run-matrix.js';
import { isLoopback } from '../net/index.js';
import type { CliCommand, Invocation } from './command.js';
import {
  casesLike,
  checkDialCommand,
  routeToNode,
  NOTHING_RUN,
  subjectOf,
  withUsage,
} from './conform-subject.js';
import { EXIT, Usage } from './exit-codes.js';
import { type NodeNet, withNodeNet } from './node-net.js';
import { chainOf } from './node-options.js';
import { writeNamedFile } from './output-file.js';
import { commaSeparated, repeatable, whole } from './option-values.js';
import { chainOptions, type Flags, outputOptions, switched, timeOptions, valued } from './options.js';
import { plain } from './peer-lines.js';
import { routeOptions } from './proxy-options.js';
import { type Column, tabulated } from './table.js';

/** `NAME=VALUE`. */
interface Named {
  readonly name: string;
  readonly value: string;
}

/** The options of this verb besides the shared ones. */
interface MatrixFlags extends Flags {
  readonly output?: string;
  readonly only?: readonly string[];
  readonly dialCommand?: readonly Named[];
  readonly listenAt?: string;
  readonly lanes?: number;
  readonly polite?: boolean;
}

export const matrixCommand: CliCommand = {
  name: 'matrix',
  about: 'run the conformance cases against several nodes, side by side',
  details:
    "Verack's own node is always included, as listener and as dialler. Writes matrix.html, which loads nothing from other " +
    'files or servers, and matrix.json. Exit code 0 whatever the verdicts are, 77 when one of the given nodes could not be ' +
    'reached. Some cases violate the protocol on purpose: use --polite for nodes that are not yours.',
  examples: [
    [
      'verack matrix --regtest --output matrix core=127.0.0.1:18444 bcoin=127.0.0.1:28444',
      "two nodes and verack's own",
    ],
    [
      "verack matrix --regtest --output matrix core=127.0.0.1 --dial-command 'core=bitcoin-cli -regtest addconnection {host}:{port} {type} {v2}'",
      'also the cases in which the node dials',
    ],
  ],
  operands: [
    new Argument('[nodes...]', 'NAME=HOST or NAME=HOST:PORT; the name is the heading of its column'),
  ],
  options: [
    valued('--output <directory>', 'where matrix.html and matrix.json are written', String),
    valued('--only <cases>', 'ids or globs: in-seq-*,out-0??; repeatable', commaSeparated(String)),
    valued(
      '--dial-command <name=cmd>',
      'command that makes a node dial; {host} {port} {type} {v2} are replaced; repeatable',
      repeatable(namedOption),
    ),
    valued('--listen-at <addr>', 'the address on which the tester listens', String).default('127.0.0.1'),
    valued('--lanes <n>', 'cases that run at the same time against each node', whole(1, 64)).default(8),
    ...switched(
      '--polite',
      'one connection at a time with pauses, no large messages, no protocol violations',
    ),
    ...chainOptions(),
    ...routeOptions(),
    ...timeOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => withUsage(() => withNodeNet(job, (net) => run(job, job.flags, net))),
};

const NAMED = 'NAME=VALUE, where the name has letters, digits, underscores, dots and dashes';

function namedIn(text: string): Named | undefined {
  const [, name = '', value = ''] = /^([\w.-]{1,40})=(.+)$/s.exec(text) ?? [];
  return name === '' ? undefined : { name, value };
}

function namedOption(text: string): Named {
  const it = namedIn(text);
  if (!it) throw new InvalidArgumentError(`It takes ${NAMED}.`);
  return it;
}

function namedOperand(text: string): Named {
  const it = namedIn(text);
  if (!it) throw new Usage(`"${plain(text)}" is not ${NAMED}`);
  return it;
}

async function run(job: Invocation, flags: MatrixFlags, net: NodeNet): Promise<number> {
  const { output, lanes = 8, polite = false } = flags;
  if (output === undefined) throw new Usage('give a directory with --output');
  const chain = chainOf(flags);
  const cases = casesLike(flags.only);
  const nodes = await nodesOf(job, flags, net);
  mkdirSync(output, { recursive: true });
  if (!polite && nodes.some(({ subject }) => !isLoopback(subject.at.host)))
    job.out.info('If these nodes are not yours, use --polite.');
  const all = (nodes.length + OWN_NAMES.length) * cases.length;
  const matrix = await runMatrix({
    cases,
    nodes,
    chain,
    lanes,
    polite,
    known: loadKnown(),
    signal: job.interrupted,
    progress: (done) => job.out.status(`${done} of at most ${all} runs`),
  });
  job.out.status('');
  if (job.interrupted.aborted) return EXIT.interrupted;
  await writeMatrix(output, matrix, job.interrupted);
  return print(matrix, output, job);
}

async function nodesOf(job: Invocation, flags: MatrixFlags, net: NodeNet): Promise<NamedSubject[]> {
  const chain = chainOf(flags);
  const targets = job.operands.map(namedOperand);
  checkNames(targets);
  const commands = commandsOf(flags.dialCommand ?? [], targets);
  return await Promise.all(
    targets.map(async ({ name, value }) => {
      const command = commands.get(name);
      const dialler = command === undefined ? undefined : commandDialler(command);
      const route = await routeToNode(value, chain, net, job.interrupted);
      return { name, subject: subjectOf(route, dialler, flags.listenAt) };
    }),
  );
}

function checkNames(targets: readonly Named[]): void {
  const names = [...OWN_NAMES, ...targets.map(({ name }) => name)];
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw new Usage(`two nodes have the name ${twice}`);
}

function commandsOf(commands: readonly Named[], targets: readonly Named[]): ReadonlyMap<string, string> {
  for (const { name, value } of commands) {
    checkDialCommand(value);
    if (!targets.some((target) => target.name === name))
      throw new Usage(`--dial-command: no node has the name ${name}`);
  }
  return new Map(commands.map(({ name, value }) => [name, value]));
}

async function writeMatrix(directory: string, matrix: Matrix, interrupted: AbortSignal): Promise<void> {
  await writeNamedFile(join(directory, 'matrix.json'), `${JSON.stringify(matrix)}\n`, interrupted);
  await writeNamedFile(join(directory, 'matrix.html'), matrixPage(matrix), interrupted);
}

const sum = ({ listener, dialler }: MatrixNode, verdict: keyof MatrixNode['listener']): string =>
  String(listener[verdict] + dialler[verdict]);

const columns: readonly Column<MatrixNode>[] = [
  { head: 'node', cell: ({ name }) => name },
  { head: 'announces', cell: ({ nodeinfo, error }) => plain(nodeinfo?.subver ?? error ?? ''), drop: 1 },
  { head: 'pass', cell: (node) => sum(node, 'pass') },
  { head: 'fail', cell: (node) => sum(node, 'fail') },
  { head: 'known', cell: (node) => sum(node, 'known') },
  { head: 'not run', cell: (node) => sum(node, 'skip') },
];

function print({ nodes, cases, seconds, ...facts }: Matrix, directory: string, { out }: Invocation): number {
  out.object({ ...facts, seconds, nodes, cases: cases.length });
  for (const line of tabulated(columns, nodes, out.columns)) out.answer(line);
  out.answer(`${cases.length} cases in ${Math.round(seconds)} s: ${join(directory, 'matrix.html')}`);
  const missing = nodes.filter(({ error }) => error !== undefined);
  for (const { name, error = '' } of missing) out.failure(`${name}: no case could run: ${plain(error)}`);
  return missing.length > 0 ? NOTHING_RUN : EXIT.ok;
}
