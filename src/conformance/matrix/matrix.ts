/** Combines the reports of several nodes on the same cases to one JSON object. */
import { type Case, type Evidence, evidenceOf, type Grade } from '../case.js';
import { scriptOf } from '../explain.js';
import type { NodeInfo } from '../node-under-test.js';
import { type Count, countOf, type Finding, type Report, type Verdict } from '../report.js';
import type { Transcript, TranscriptLine } from '../transcript.js';
import { commandsOf } from './commands.js';

export const MATRIX_FORMAT = 'verack-matrix/1';

/** One node, and the numbers of verdicts in both of its roles. */
export interface MatrixNode {
  readonly name: string;
  /** HOST:PORT. */
  readonly node: string;
  readonly nodeinfo?: NodeInfo;
  /** Why no case could run. */
  readonly error?: string;
  readonly listener: Count;
  readonly dialler: Count;
  /** Known differences, as ids or globs, whose cases all passed. */
  readonly absent: readonly string[];
}

/** The result of one node in one case. */
export interface MatrixResult {
  readonly verdict: Verdict;
  /** What was observed, the reason of a known difference, or why the case was not run; empty for a pass. */
  readonly seen: string;
  /** Duration in milliseconds. */
  readonly ms: number;
  /** The transcript, one line each: {@link logLine}. */
  readonly log: readonly string[];
}

/** One case with its results. */
export interface MatrixCase {
  readonly id: string;
  readonly name: string;
  readonly rule: string;
  readonly grade: Grade;
  readonly role: Case['role'];
  readonly transport: Case['transport'];
  /** The BIPs of its rule. */
  readonly bips: readonly number[];
  /** The commands that it is about. */
  readonly commands: readonly string[];
  readonly evidence: Evidence;
  readonly source: string;
  readonly verified: readonly string[];
  /** What is sent and what is expected, one line each: {@link logLine}. */
  readonly expected: readonly string[];
  /** By the name of the node. */
  readonly results: Readonly<Record<string, MatrixResult>>;
}

/** The contents of `matrix.json`. */
export interface Matrix {
  readonly format: typeof MATRIX_FORMAT;
  /** The tester: name and version. */
  readonly tester: string;
  /** The time of the start, ISO 8601. */
  readonly began: string;
  readonly seconds: number;
  readonly chain: string;
  readonly nodes: readonly MatrixNode[];
  readonly cases: readonly MatrixCase[];
}

/** A report with the name of its column. */
export interface NamedReport {
  readonly name: string;
  readonly report: Report;
}

export type MatrixFacts = Pick<Matrix, 'tester' | 'began' | 'seconds' | 'chain'>;

/** Combines reports on the same cases. */
export function matrixOf(
  cases: readonly Case[],
  reports: readonly NamedReport[],
  facts: MatrixFacts,
): Matrix {
  const roles = new Map(cases.map(({ id, role }) => [id, role]));
  const columns = reports.map(({ name, report }) => ({
    name,
    findings: new Map(report.findings.map((finding) => [finding.id, finding])),
  }));
  return {
    format: MATRIX_FORMAT,
    ...facts,
    nodes: reports.map((named) => nodeOf(named, roles)),
    cases: cases.map((it) => ({ ...caseOf(it), results: resultsOf(it.id, columns) })),
  };
}

function nodeOf({ name, report }: NamedReport, roles: ReadonlyMap<string, Case['role']>): MatrixNode {
  const { node, nodeinfo, error, findings, absent } = report;
  const inRole = (role: Case['role']): Count => countOf(findings.filter(({ id }) => roles.get(id) === role));
  return {
    name,
    node,
    listener: inRole('inbound'),
    dialler: inRole('outbound'),
    absent,
    ...(nodeinfo && { nodeinfo }),
    ...(error !== undefined && { error }),
  };
}

function caseOf(it: Case): Omit<MatrixCase, 'results'> {
  const { id, name, rule, grade, role, transport, source, verified } = it;
  const bips = [...rule.matchAll(/BIP(\d+)/g)].map(([, number]) => Number(number));
  return {
    id,
    name,
    rule,
    grade,
    role,
    transport,
    source,
    verified,
    bips: [...new Set(bips)],
    commands: commandsOf(it),
    evidence: evidenceOf(it),
    expected: scriptOf(it).map(logLine),
  };
}

interface Column {
  readonly name: string;
  readonly findings: ReadonlyMap<string, Finding>;
}

const resultsOf = (id: string, columns: readonly Column[]): Record<string, MatrixResult> =>
  Object.fromEntries(
    columns.flatMap(({ name, findings }) => {
      const finding = findings.get(id);
      return finding ? [[name, resultOf(finding)]] : [];
    }),
  );

const resultOf = ({ verdict, seen, ms, transcript = [] }: Finding): MatrixResult => ({
  verdict,
  seen,
  ms,
  log: timed(transcript),
});

const timed = (transcript: Transcript): string[] =>
  transcript.map((line) => `${line.at} ms ${logLine(line)}`);

const ARROWS = { tester: '→', node: '←', both: '·' } as const;

/** `A → ping`: the connection, who sent it (→ the tester, ← the node, · neither), and what it was. */
function logLine({ conn, side, text }: TranscriptLine): string {
  return `${conn === '' ? ' ' : conn} ${ARROWS[side]} ${text}`;
}
