/**
 * Runs conformance cases against a node, using only its P2P connections.
 *
 *   const report = await conform({ cases: loadCases(), subject: { net: tcpNet(), at }, chain: NETWORKS.regtest });
 */
import { type Clock, formatEndpoint, systemClock } from '../net/index.js';
import { type Chain, NAME, VERSION } from '../index.js';
import { AnswerTimes } from './answer-times.js';
import type { Case } from './case.js';
import { matchesId } from './case-ids.js';
import { V2_OPS } from './v2-ops.js';
import { Deviation, CannotRun } from './deviation.js';
import { isLarge, skipReasonOf } from './applicability.js';
import { knownOf, type KnownDifferences, reasonFor } from './known-differences.js';
import { EXPECT_OPS } from './expect-ops.js';
import { probeNode } from './node-info.js';
import { type Finding, findingOf, FORMAT, type Report } from './report.js';
import { SEND_OPS } from './send-ops.js';
import type { NodeInfo, NodeUnderTest } from './node-under-test.js';
import { type CaseEnvironment, CaseRun } from './case-run.js';

/** What to run, against which node. */
export interface ConformOptions {
  readonly cases: readonly Case[];
  readonly subject: NodeUnderTest;
  readonly chain: Chain;
  readonly known?: readonly KnownDifferences[];
  /** Cases that run at the same time; 1 when polite. Default 8. */
  readonly lanes?: number;
  /** One connection at a time with a pause of a second, no large messages, no protocol violations. */
  readonly polite?: boolean;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Keep the transcripts of all cases, not only of those that did not pass. */
  readonly keepsTranscripts?: boolean;
  /** Called before the first case and after each. */
  readonly progress?: (done: number, all: number, finding?: Finding) => void;
}

const LANES = 8;
const POLITE_PAUSE_MS = 1_000;
const OPS = { ...SEND_OPS, ...EXPECT_OPS, ...V2_OPS };

/** Runs the cases. Never rejects because of the node: for an unreachable one, the report has `error` and no findings. */
export async function conform(options: ConformOptions): Promise<Report> {
  const environment = environmentOf(options);
  const frame = {
    format: FORMAT,
    tester: `${NAME} ${VERSION}`,
    began: new Date(environment.clock.wall()).toISOString(),
    node: formatEndpoint(options.subject.at),
  } as const;
  const nodeinfo = await probeNode(environment).catch(errorOf);
  if (typeof nodeinfo === 'string') return { ...frame, error: nodeinfo, findings: [], absent: [] };
  const findings = await runCases(options, { ...environment, nodeinfo }, nodeinfo);
  return {
    ...frame,
    nodeinfo,
    ...withKnownDifferences(
      findings,
      knownOf(options.known ?? [], nodeinfo.subver),
      options.keepsTranscripts,
    ),
  };
}

/** Runs one case without checking whether it applies to the node. */
export async function runCase(it: Case, environment: CaseEnvironment): Promise<Finding> {
  const run = new CaseRun(it, environment);
  const begin = run.now;
  const fault = await outcomeOf(run).finally(() => run.end());
  const ms = run.now - begin;
  if (fault === undefined) return { ...findingOf(it, 'pass', '', ms), transcript: run.transcript.lines };
  const verdict = fault instanceof Deviation ? 'fail' : 'skip';
  return { ...findingOf(it, verdict, fault.message, ms), transcript: run.transcript.lines };
}

async function outcomeOf(run: CaseRun): Promise<Deviation | CannotRun | undefined> {
  try {
    if (run.it.role === 'inbound') await run.connect();
    for (const [n, step] of run.it.steps.entries()) await takeStep(run, n, step);
    return undefined;
  } catch (error) {
    if (error instanceof Deviation || error instanceof CannotRun) return error;
    throw error;
  }
}

/** Executes a step of a case; `n` is its index. Rejects with a {@link Deviation} that names the step. */
export async function takeStep(run: CaseRun, n: number, step: Case['steps'][number]): Promise<void> {
  const op = OPS[step.op];
  if (!op) throw new CannotRun(`step ${n + 1}: the op ${step.op} cannot be executed`);
  try {
    await op(run, step);
  } catch (error) {
    if (error instanceof Deviation) throw new Deviation(`step ${n + 1} (${step.op}): ${error.message}`);
    throw error;
  }
}

function environmentOf({ subject, chain, polite, clock = systemClock }: ConformOptions): CaseEnvironment {
  let next = 0;
  const pause = async (): Promise<void> => {
    const ms = Math.max(0, next - clock.now());
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
    next = clock.now() + POLITE_PAUSE_MS;
  };
  return { subject, chain, clock, answers: new AnswerTimes(), ...(polite && { pause }) };
}

function errorOf(error: unknown): string {
  if (error instanceof Deviation) return error.message;
  throw error;
}

/**
 * The order of the cases. Cases that end a connection come after the others, and those with a wrong magic after these, so
 * that a node that bans for it has run all other inbound cases before. Outbound cases come last.
 */
function rank({ role, tags, steps }: Case): number {
  if (role === 'outbound') return 3;
  if (steps.some(({ messages = [] }) => messages.some((m) => typeof m !== 'string' && 'magic' in m)))
    return 2;
  return tags.includes('disconnect') ? 1 : 0;
}

async function runCases(
  options: ConformOptions,
  environment: CaseEnvironment,
  nodeinfo: NodeInfo,
): Promise<readonly Finding[]> {
  const { cases, polite = false, lanes = LANES } = options;
  const conditions = { ...environment, nodeinfo, polite };
  const findings = new Map<string, Finding>();
  const fit = cases.filter((it) => {
    const reason = skipReasonOf(it, conditions);
    if (reason !== undefined) findings.set(it.id, findingOf(it, 'skip', reason));
    return reason === undefined;
  });
  options.progress?.(0, fit.length);
  let done = 0;
  const run = async (it: Case): Promise<void> => {
    const finding = await runUnlessAborted(it, environment, options.signal);
    findings.set(it.id, finding);
    options.progress?.(++done, fit.length, finding);
  };
  const ordered = fit.toSorted((one, other) => rank(one) - rank(other));
  const alone = (it: Case): boolean =>
    it.role === 'outbound' || it.needs?.includes('clock') === true || isLarge(it, options.chain);
  await inLanes(
    ordered.filter((it) => !alone(it)),
    polite ? 1 : lanes,
    run,
  );
  await inLanes(ordered.filter(alone), 1, run);
  return cases.map((it) => findings.get(it.id)!);
}

const runUnlessAborted = (it: Case, environment: CaseEnvironment, signal?: AbortSignal): Promise<Finding> =>
  signal?.aborted ? Promise.resolve(findingOf(it, 'skip', 'interrupted')) : runCase(it, environment);

/** Runs `work` over the list, with `lanes` items at the same time. */
async function inLanes<T>(
  list: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...list];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Marks failures that are known differences, lists known differences that passed, and drops the transcripts of passed cases. */
function withKnownDifferences(
  findings: readonly Finding[],
  known: ReadonlyMap<string, string>,
  keepsTranscripts = false,
): Pick<Report, 'findings' | 'absent'> {
  const marked = findings.map((finding): Finding => {
    const reason = reasonFor(known, finding.id);
    if (finding.verdict !== 'fail' || reason === undefined) return finding;
    return { ...finding, verdict: 'known', seen: `${finding.seen} (known: ${reason})` };
  });
  const absent = [...known.keys()].filter((pattern) => {
    const run = findings.filter(({ id, verdict }) => verdict !== 'skip' && matchesId(id, pattern));
    return run.length > 0 && run.every(({ verdict }) => verdict === 'pass');
  });
  return { findings: keepsTranscripts ? marked : marked.map(withoutTranscript), absent };
}

const withoutTranscript = (finding: Finding): Finding => {
  if (finding.verdict === 'fail' || finding.verdict === 'known') return finding;
  const { transcript, ...rest } = finding;
  void transcript;
  return rest;
};
