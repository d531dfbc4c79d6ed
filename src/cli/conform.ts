/** `verack conform`: runs conformance cases against a node, using only its P2P connections. */
import { Argument, Option } from 'commander';
import { isLoopback } from '../net/index.js';
import type { Chain } from '../index.js';
import type { Case } from '../conformance/case.js';
import { conform } from '../conformance/conform.js';
import { commandDialler, operatorDialler } from '../conformance/dial-command.js';
import { scriptOf, sequenceOf } from '../conformance/explain.js';
import { needsOf } from '../conformance/applicability.js';
import { junitOf } from '../conformance/junit.js';
import { loadKnown } from '../conformance/case-files.js';
import { pageOf } from '../conformance/html-report.js';
import { countOf, type Finding, hasRun, readReport, type Report, violations } from '../conformance/report.js';
import type { Dialler } from '../conformance/node-under-test.js';
import {
  casesLike,
  checkDialCommand,
  routeToNode,
  NOTHING_RUN,
  subjectOf,
  withUsage,
} from './conform-subject.js';
import { type NodeNet, withNodeNet } from './node-net.js';
import { chainOf } from './node-options.js';
import { EXIT, Usage } from './exit-codes.js';
import { readTextFile } from './input-file.js';
import { writeNamedFile } from './output-file.js';
import { chainOptions, type Flags, outputOptions, switched, timeOptions, valued } from './options.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import { routeOptions } from './proxy-options.js';
import { type Column, droppedLine, table, tabulated } from './table.js';
import { commaSeparated, repeatable, whole } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';

/** The options of this verb besides the shared ones. */
interface ConformFlags extends Flags {
  readonly only?: readonly string[];
  readonly list?: boolean;
  readonly explain?: string;
  readonly polite?: boolean;
  readonly lanes?: number;
  readonly dialCommand?: string;
  readonly dialByHand?: boolean;
  readonly listenAt?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly compare?: readonly string[];
}

/** More cases that passed are not listed. */
const MOST_LISTED = 40;

export const conformCommand: CliCommand = {
  name: 'conform',
  about: 'run the conformance cases against a node',
  details:
    'Each case tests a rule of a BIP or of Bitcoin Core. Its grade is must, should or informational. Exit code 0 when no ' +
    'must case failed (known differences of other implementations do not count), 6 when one failed, 77 when the node could ' +
    `not be reached. More than ${MOST_LISTED} passed cases are only counted; -v lists all cases. Some cases violate ` +
    'the protocol on purpose: use --polite against nodes that are not yours.',
  examples: [
    ['verack conform --regtest 127.0.0.1', 'every case that applies to your node'],
    [
      'verack conform --regtest 127.0.0.1 --html report.html --junit report.xml',
      'write a report for people and one for a CI system',
    ],
    [
      "verack conform --regtest 127.0.0.1 --dial-command 'bitcoin-cli -regtest addconnection {host}:{port} {type} {v2}'",
      'outbound cases too; connection types that the RPC refuses are skipped',
    ],
    ['verack conform --list', 'all cases, and which ones need more than a host'],
    ['verack conform --explain in-seq-009', 'one case as a transcript'],
  ],
  operands: [new Argument('[host]', 'HOST, HOST:PORT or [IPv6]:PORT')],
  options: [
    valued('--only <cases>', 'ids or globs: in-seq-*,out-0??; repeatable', commaSeparated(String)),
    ...switched('--list', 'list the cases and exit'),
    valued('--explain <id>', 'show a case as a transcript; with a host, also run it', String),
    ...switched(
      '--polite',
      'one connection at a time with pauses, no large messages, no protocol violations',
    ),
    valued('--lanes <n>', 'cases that run at the same time', whole(1, 64)).default(8),
    valued(
      '--dial-command <cmd>',
      'command that makes the node dial; {host} {port} {type} {v2} are replaced',
      String,
    ),
    ...switched('--dial-by-hand', 'print the command to run when the node has to dial'),
    valued('--listen-at <addr>', 'the address on which the tester listens', String).default('127.0.0.1'),
    valued('--junit <file>', 'write JUnit XML', String),
    valued('--html <file>', 'write one HTML file', String),
    new Option(
      '--compare <files...>',
      'reports of earlier runs (from --json) to show beside this one in --html',
    ).argParser(repeatable(String)),
    ...chainOptions(),
    ...routeOptions(),
    ...timeOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: (job) => withUsage(() => run(job, job.flags)),
};

async function run(job: Invocation, flags: ConformFlags): Promise<number> {
  checkDialCommand(flags.dialCommand);
  const cases = selectedCases(flags);
  const earlier = (flags.compare ?? []).map(reportIn);
  const [host] = job.operands;
  if (flags.list) return list(cases, job.out);
  if (host === undefined) return withoutHost(cases, flags, earlier, job);
  const report = await withNodeNet(job, (net) => reportOf(host, cases, net, job, flags));
  if (job.interrupted.aborted) return EXIT.interrupted;
  job.out.object(report);
  const code = flags.explain === undefined ? printReport(report, job.out) : printCases(report, job.out);
  // The last step: what cannot be written does not lose what was found.
  await writeFiles(report, earlier, job, flags);
  return code;
}

/** The cases that --only and --explain select. */
const selectedCases = ({ only, explain }: ConformFlags): readonly Case[] =>
  casesLike(explain === undefined ? only : [explain]);

function reportIn(file: string): Report {
  const report = readReport(jsonIn(file), file);
  if (typeof report === 'string') throw new Usage(report);
  return report;
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readTextFile(file));
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(`${file} is not a report: ${(error as Error).message}`);
  }
}

async function withoutHost(
  cases: readonly Case[],
  flags: ConformFlags,
  earlier: readonly Report[],
  { out, interrupted }: Invocation,
): Promise<number> {
  if (flags.explain !== undefined) {
    for (const it of cases) printCase(it, out);
    return EXIT.ok;
  }
  if (earlier.length === 0 || flags.html === undefined) {
    throw new Usage('give a host, --list, --explain ID, or --compare FILES with --html FILE');
  }
  await writeNamedFile(flags.html, pageOf(earlier), interrupted);
  return EXIT.ok;
}

function printCase(it: Case, out: Output): void {
  out.object(it);
  out.answer(out.paint('bold', `${it.id} (${it.grade}): ${it.name}`));
  out.answer(it.rule);
  for (const line of sequenceOf(scriptOf(it))) out.answer(line);
}

const listColumns: readonly Column<Case>[] = [
  { head: 'case', cell: ({ id }) => id },
  { head: 'grade', cell: ({ grade }) => grade },
  { head: 'over', cell: ({ transport }) => transport, drop: 2 },
  { head: 'needs', cell: (it) => (it.needs ?? []).join(', '), drop: 1 },
  { head: 'what', cell: ({ name }) => name, minWidth: 30 },
];

function list(cases: readonly Case[], out: Output): number {
  for (const it of cases) out.object(it);
  for (const line of tabulated(listColumns, cases, out.columns)) out.answer(line);
  out.answer('');
  const reasons = cases.flatMap((it) => needsOf(it).map((why) => why.replace(/: .*/, '')));
  for (const line of counted('skipped when only a host is given', reasons)) out.answer(line);
  return EXIT.ok;
}

/** How often each reason occurs, most frequent first. */
function counted(what: string, reasons: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.map(([reason, count]) => `${String(count).padStart(4)} ${what}: ${reason}`);
}

async function reportOf(
  host: string,
  cases: readonly Case[],
  net: NodeNet,
  job: Invocation,
  flags: ConformFlags,
): Promise<Report> {
  const { out, interrupted } = job;
  const chain = chainOf(flags);
  const route = await routeToNode(host, chain, net, interrupted);
  const subject = subjectOf(route, diallerOf(chain, flags, out), flags.listenAt);
  if (!flags.polite && !isLoopback(subject.at.host)) out.info('If this node is not yours, use --polite.');
  const known = loadKnown();
  const { polite = false, lanes = 8 } = flags;
  const report = await conform({
    cases,
    subject,
    chain,
    known,
    polite,
    lanes,
    signal: interrupted,
    keepsTranscripts: flags.explain !== undefined,
    progress: (done, all, finding) =>
      out.status(`${done} of ${all} cases${finding ? `, ${finding.id} ${finding.verdict}` : ''}`),
  });
  out.status('');
  return report;
}

function diallerOf(
  chain: Chain,
  { dialCommand, dialByHand }: ConformFlags,
  out: Output,
): Dialler | undefined {
  if (dialCommand !== undefined) return commandDialler(dialCommand);
  return dialByHand ? operatorDialler(chain, (words) => out.failure(`run: ${words}`)) : undefined;
}

/** Writes the files of --junit and --html. */
async function writeFiles(
  report: Report,
  earlier: readonly Report[],
  { interrupted }: Invocation,
  { junit, html }: ConformFlags,
): Promise<void> {
  if (junit !== undefined) await writeNamedFile(junit, junitOf(report), interrupted);
  if (html !== undefined) await writeNamedFile(html, pageOf([report, ...earlier]), interrupted);
}

const COLOURS = { pass: 'green', fail: 'red', known: 'yellow', skip: 'dim' } as const;

const columns: readonly Column<Finding>[] = [
  { head: 'case', cell: ({ id }) => id, minWidth: 40 },
  { head: 'verdict', cell: ({ verdict }) => verdict },
  { head: 'grade', cell: ({ grade }) => grade, drop: 2 },
  { head: 'rule', cell: ({ rule }) => cut(rule, 60), minWidth: 24, drop: 1 },
  { head: 'seen', cell: ({ seen, name, verdict }) => plain(verdict === 'pass' ? name : seen), minWidth: 26 },
];

const cut = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

/** Prints the table of findings, the reasons for skipped cases and the totals. Returns the exit code. */
function printReport(report: Report, out: Output): number {
  const { nodeinfo, error, findings, absent, node } = report;
  if (!nodeinfo) {
    out.failure(`${plain(node)}: no case could run: ${plain(error ?? '')}`);
    return NOTHING_RUN;
  }
  const { version, subver, listener, dialect, speaksfirst } = nodeinfo;
  const manner = speaksfirst ? ', speaks first' : '';
  out.answer(
    `${plain(node)} is ${plain(subver)}, version ${version}, ${listener}${manner}; run as ${dialect}`,
  );
  printFindings(out.verbose > 0 ? findings : listedOf(findings), out);
  const skipped = findings.filter(({ verdict }) => verdict === 'skip');
  for (const line of counted(
    'skipped',
    skipped.map(({ seen }) => plain(seen)),
  ))
    out.answer(out.paint('dim', line));
  for (const id of absent)
    out.answer(out.paint('yellow', `${id} is listed as a known difference, but it passed`));
  out.answer(sumOf(report, out));
  return codeOf(report);
}

/** The findings that are listed without -v: none that was skipped, and none of many that passed. */
function listedOf(findings: readonly Finding[]): readonly Finding[] {
  const isListed = countOf(findings).pass <= MOST_LISTED;
  return findings.filter(({ verdict }) => verdict !== 'skip' && (verdict !== 'pass' || isListed));
}

function printFindings(findings: readonly Finding[], out: Output): void {
  if (findings.length === 0) return;
  const { lines, dropped } = table(columns, findings, out.columns);
  const [head = '', ...rows] = lines;
  out.answer(head);
  rows.forEach((line, n) => out.answer(out.paint(COLOURS[findings[n]!.verdict], line)));
  if (dropped.length > 0) out.answer(droppedLine(dropped));
}

function sumOf(report: Report, out: Output): string {
  const { pass, fail, known, skip } = countOf(report.findings);
  const musts = violations(report).length;
  const sum = `${pass} passed, ${fail} failed (${musts} must), ${known} known differences, ${skip} skipped`;
  return out.paint(musts > 0 ? 'red' : 'green', sum);
}

function codeOf(report: Report): number {
  if (!hasRun(report)) return NOTHING_RUN;
  return violations(report).length > 0 ? EXIT.violation : EXIT.ok;
}

function printCases(report: Report, out: Output): number {
  if (report.error !== undefined) return printReport(report, out);
  for (const { id, grade, name, rule, verdict, seen, transcript = [] } of report.findings) {
    out.answer(out.paint('bold', `${id} (${grade}): ${name}`));
    out.answer(rule);
    for (const line of sequenceOf(transcript)) out.answer(line);
    out.answer(out.paint(COLOURS[verdict], `${verdict}${seen === '' ? '' : `: ${plain(seen)}`}`));
  }
  return codeOf(report);
}
