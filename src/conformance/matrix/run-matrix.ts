/** Runs the cases against several nodes at the same time, and against verack's own. */
import { type Chain, NAME, VERSION } from '../../index.js';
import { systemClock } from '../../net/index.js';
import type { Case } from '../case.js';
import { conform } from '../conform.js';
import type { KnownDifferences } from '../known-differences.js';
import type { NodeUnderTest } from '../node-under-test.js';
import type { Report } from '../report.js';
import { type Matrix, matrixOf } from './matrix.js';
import { startOwnNode } from './own-node.js';

/** A node with the name of its column. */
export interface NamedSubject {
  readonly name: string;
  readonly subject: NodeUnderTest;
}

/** What to run, against which nodes. */
export interface MatrixOptions {
  readonly cases: readonly Case[];
  readonly nodes: readonly NamedSubject[];
  readonly chain: Chain;
  readonly known: readonly KnownDifferences[];
  /** Cases that run at the same time against each node. */
  readonly lanes?: number;
  /** For the given nodes: one connection at a time with a pause of a second, no large messages, no protocol violations. */
  readonly polite?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each case of any node. */
  readonly progress?: (done: number) => void;
}

/** The names of the columns of verack: a v2-capable node, and one that speaks v1 only. */
export const OWN_NAMES = [NAME, `${NAME}-v1`] as const;

/** Runs all cases against all nodes. Never rejects because of a node: an unreachable one has an `error` and no results. */
export async function runMatrix(options: MatrixOptions): Promise<Matrix> {
  const { cases, nodes, chain } = options;
  const began = new Date(systemClock.wall()).toISOString();
  const start = systemClock.now();
  let done = 0;
  const progress = (): void => options.progress?.(++done);
  const run = async ({ name, subject }: NamedSubject, polite: boolean) => ({
    name,
    report: await reportOn(subject, { ...options, polite }, progress),
  });
  const [own, v1only] = OWN_NAMES;
  await using ours = await startOwnNode(own, chain, { v2transport: true, rules: { relay: true } });
  await using oursV1 = await startOwnNode(v1only, chain, { rules: { relay: true } });
  const { polite = false } = options;
  const reports = await Promise.all([
    ...nodes.map((node) => run(node, polite)),
    ...[ours, oursV1].map((node) => run(node, false)),
  ]);
  const seconds = Math.round(systemClock.now() - start) / 1_000;
  return matrixOf(cases, reports, {
    tester: `${NAME} ${VERSION}`,
    began,
    seconds,
    chain: chain.chain,
  });
}

const reportOn = (
  subject: NodeUnderTest,
  { cases, chain, known, lanes, polite = false, signal }: MatrixOptions,
  progress: () => void,
): Promise<Report> =>
  conform({
    cases,
    subject,
    chain,
    known,
    polite,
    progress,
    keepsTranscripts: true,
    ...(lanes !== undefined && { lanes }),
    ...(signal && { signal }),
  });
