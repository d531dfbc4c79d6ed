/** What a run found out, as data: printed as a table, kept as JSON, compared as HTML. */
import type { Case, Grade } from './case.js';
import type { Transcript } from './transcript.js';
import type { NodeInfo } from './node-under-test.js';
import { listOf, object, oneOf, text, anything } from '../json/validators.js';

/** `known`: it failed as this implementation is known to. `skip`: it was not run. */
export const VERDICTS = ['pass', 'fail', 'known', 'skip'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The result of one case. */
export interface Finding {
  readonly id: string;
  readonly name: string;
  readonly rule: string;
  readonly grade: Grade;
  readonly verdict: Verdict;
  /** What was seen, why it was skipped, or why the difference is known; empty for a pass. */
  readonly seen: string;
  /** How long it took. */
  readonly ms: number;
  /** Present where the case did not pass. */
  readonly transcript?: Transcript;
}

export const FORMAT = 'verack-conform/2';

export interface Report {
  readonly format: typeof FORMAT;
  /** The tester: name and version. */
  readonly tester: string;
  /** When it began, ISO 8601. */
  readonly began: string;
  readonly node: string;
  /** Absent when the node could not be reached; `error` is the reason then. */
  readonly nodeinfo?: NodeInfo;
  readonly error?: string;
  readonly findings: readonly Finding[];
  /** Known differences that did not show. */
  readonly absent: readonly string[];
}

/** How many findings there are of each verdict. */
export type Count = Readonly<Record<Verdict, number>>;

export function countOf(findings: readonly Finding[]): Count {
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  return { pass: count('pass'), fail: count('fail'), known: count('known'), skip: count('skip') };
}

/** Must-cases that failed, and not as they are known to. */
export const violations = ({ findings }: Pick<Report, 'findings'>): readonly Finding[] =>
  findings.filter(({ verdict, grade }) => verdict === 'fail' && grade === 'must');

/** Whether anything was run at all. */
export const hasRun = ({ findings }: Pick<Report, 'findings'>): boolean =>
  findings.some(({ verdict }) => verdict !== 'skip');

export const findingOf = (it: Case, verdict: Verdict, seen: string, ms = 0): Finding => ({
  id: it.id,
  name: it.name,
  rule: it.rule,
  grade: it.grade,
  verdict,
  seen,
  ms: Math.round(ms),
});

const finding = object(
  {
    id: text,
    name: text,
    rule: anything,
    grade: text,
    verdict: oneOf(...VERDICTS),
    seen: anything,
    ms: anything,
  },
  { transcript: anything },
);

const form = object(
  {
    format: oneOf(FORMAT),
    tester: text,
    began: text,
    node: text,
    findings: listOf(finding),
    absent: listOf(text),
  },
  { nodeinfo: anything, error: anything },
);

/** A report that was kept. Answers with a sentence when it is none. */
export function readReport(value: unknown, name: string): Report | string {
  return form(value, name) ?? (value as Report);
}
