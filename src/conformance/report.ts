/** The report of a run as plain data, for the table, JSON and HTML outputs. */
import { type Case, type Grade, GRADES } from './case.js';
import type { Transcript } from './transcript.js';
import type { NodeInfo } from './node-under-test.js';
import { a, flag, listOf, object, objectWith, oneOf, text, whole } from '../json/validators.js';

/** `known`: the case failed, which is a known difference of the implementation. `skip`: it was not run. */
export const VERDICTS = ['pass', 'fail', 'known', 'skip'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The result of one case. */
export interface Finding {
  readonly id: string;
  readonly name: string;
  readonly rule: string;
  readonly grade: Grade;
  readonly verdict: Verdict;
  /** What was observed, why it was skipped, or the reason of the known difference; empty for a pass. */
  readonly seen: string;
  /** Duration in milliseconds. */
  readonly ms: number;
  /** Present if the case failed, or if all transcripts were requested. */
  readonly transcript?: Transcript;
}

/** The format version of a report. */
export const FORMAT = 'verack-conform/2';

/** The result of a run against one node. */
export interface Report {
  readonly format: typeof FORMAT;
  /** The tester: name and version. */
  readonly tester: string;
  /** The time of the start, ISO 8601. */
  readonly began: string;
  /** HOST:PORT. */
  readonly node: string;
  /** Absent if the node could not be reached; `error` then has the reason. */
  readonly nodeinfo?: NodeInfo;
  readonly error?: string;
  readonly findings: readonly Finding[];
  /** Known differences, as ids or globs, whose cases all passed. */
  readonly absent: readonly string[];
}

/** The number of findings with each verdict. */
export type Count = Readonly<Record<Verdict, number>>;

export function countOf(findings: readonly Finding[]): Count {
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  return { pass: count('pass'), fail: count('fail'), known: count('known'), skip: count('skip') };
}

/** Must cases that failed and are not known differences. */
export const violations = ({ findings }: Pick<Report, 'findings'>): readonly Finding[] =>
  findings.filter(({ verdict, grade }) => verdict === 'fail' && grade === 'must');

/** Whether at least one case was run. */
export const hasRun = ({ findings }: Pick<Report, 'findings'>): boolean =>
  findings.some(({ verdict }) => verdict !== 'skip');

/** The finding of a case. */
export const findingOf = (it: Case, verdict: Verdict, seen: string, ms = 0): Finding => ({
  id: it.id,
  name: it.name,
  rule: it.rule,
  grade: it.grade,
  verdict,
  seen,
  ms: Math.round(ms),
});

const string = a('a text', (value) => typeof value === 'string');

const line = objectWith({ at: whole, conn: string, side: oneOf('tester', 'node', 'both'), text: string });

const finding = object(
  {
    id: text,
    name: text,
    rule: string,
    grade: oneOf(...GRADES),
    verdict: oneOf(...VERDICTS),
    seen: string,
    ms: whole,
  },
  { transcript: listOf(line) },
);

const nodeinfo = objectWith({
  version: whole,
  subver: string,
  services: listOf(string),
  relay: oneOf(0, 1),
  sends: listOf(string),
  speaksfirst: flag,
  listener: string,
  dialect: string,
});

const form = object(
  {
    format: oneOf(FORMAT),
    tester: text,
    began: text,
    node: text,
    findings: listOf(finding),
    absent: listOf(text),
  },
  { nodeinfo, error: text },
);

/** Validates a report from JSON; returns a sentence about the fault if it is invalid. */
export function readReport(value: unknown, name: string): Report | string {
  return form(value, name) ?? (value as Report);
}
