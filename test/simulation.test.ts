/**
 * A network in one process: real nodes, unreliable paths between them, one virtual clock, one seed.
 *
 * `NIGHTLY=1` runs 1,000 seeds with up to 300 nodes, `SEED=n` one seed. For a seed that breaks a rule, the plan is shortened,
 * and the shortest plan that breaks the same rule is printed with the end of its trace.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import { CORE_RULES } from '../machines/index.js';
import { SHORT_RULES, type Plan, planOf } from './simulation/plan.js';
import { describePlan, ruleOf, shrink } from './simulation/shrink.js';
import { type Outcome, run, type InjectedFaults } from './simulation/run.js';
import { nightly } from './support/nightly.js';

const SEEDS = nightly(1_000, 30);
const BATCH = 10;
const HOUR = 3_600_000;

/** Every 25th seed keeps Core's limits of 20 minutes; at night networks are larger, a few of them large. */
function plan(seed: number): Plan {
  const large = seed % 20 === 0 ? 300 : ([30, 45, 60, 90][seed % 4] ?? 30);
  const nodes = nightly(large, 14 + (seed % 13));
  const rules = seed % 25 === 0 ? CORE_RULES : SHORT_RULES;
  return planOf(seed, { nodes, minutes: nightly(5, 1), rules });
}

/** The shortest plan that breaks the same rule as `whole`, and its outcome. */
async function shortened(whole: Plan, { violation }: Outcome, injected?: InjectedFaults) {
  const rule = ruleOf(violation);
  const least = await shrink(whole, async (some) => ruleOf((await run(some, injected)).violation) === rule);
  return { least, outcome: await run(least, injected) };
}

/** The rule that was broken, and the shortest plan that breaks it. */
async function violationReport(whole: Plan, outcome: Outcome): Promise<string> {
  const { least, outcome: again } = await shortened(whole, outcome);
  return [`SEED=${whole.seed}: ${outcome.violation}`, describePlan(least), ...again.tail].join('\n');
}

const totals = {
  reasons: new Set<string>(),
  steps: 0,
  ms: 0,
  spent: 0,
  established: 0,
  encrypted: 0,
  fallbacks: 0,
  nodes: 0,
  seeds: 0,
};

function addTotals(outcome: Outcome, { nodePlans }: Plan, spent: number): void {
  for (const code of outcome.reasons.keys()) totals.reasons.add(code);
  for (const what of ['steps', 'ms', 'established', 'encrypted', 'fallbacks'] as const)
    totals[what] += outcome[what];
  totals.seeds += 1;
  totals.nodes += nodePlans.length;
  totals.spent += spent;
}

const first = Number(process.env.SEED ?? 1);
const last = process.env.SEED === undefined ? SEEDS : first;
const batches = Array.from({ length: Math.ceil((last - first + 1) / BATCH) }, (_, n) => first + n * BATCH);

/** Runs the seeds of a batch up to the first that breaks a rule, and returns the report; empty when there is none. */
async function runBatch(from: number): Promise<string> {
  for (let seed = from; seed < from + BATCH && seed <= last; seed += 1) {
    const started = performance.now();
    const whole = plan(seed);
    const outcome = await run(whole);
    addTotals(outcome, whole, performance.now() - started);
    if (outcome.violation !== undefined) return violationReport(whole, outcome);
  }
  return '';
}

const violations = new Map<number, Promise<string>>();

/** Each batch runs once, for the first test that needs it: any test can run alone, and in any order. */
function violationFrom(from: number): Promise<string> {
  const violation = violations.get(from) ?? runBatch(from);
  violations.set(from, violation);
  return violation;
}

describe('a network with resets, partitions and faulty nodes', () => {
  test.each(batches)(
    'keeps every rule in ten runs from seed %i on',
    async (from) => expect(await violationFrom(from)).toBe(''),
    HOUR,
  );

  /** Reasons that the runs must produce; without them the network was not hostile enough. */
  const EXPECTED_REASONS = [
    'ERR_DIAL_REFUSED',
    'ERR_DIAL_UNREACHABLE',
    'ERR_TIME_CONNECT',
    'ERR_TIME_HANDSHAKE',
    'ERR_TIME_PONG',
    'ERR_TIME_IDLE',
    'ERR_LINK_EOF',
    'ERR_LINK_RESET',
    'ERR_FRAME_MAGIC',
    'ERR_FRAME_OVERSIZE',
    'ERR_PROTO_SELF',
    'ERR_PROTO_LATE_FEATURE',
    'ERR_V2_AUTH',
    'ERR_V2_GARBAGE',
    'ERR_V2_OTHER_NETWORK',
    'ERR_POLICY_FULL',
    'ERR_POLICY_SERVICES',
    'ERR_POLICY_TRANSPORT',
    'ERR_POLICY_VERSION',
    'ERR_LOCAL_CANCELLED',
    'END_DONE',
  ];

  const everySeed = process.env.SEED === undefined ? test : test.skip;
  everySeed(
    'produced every expected reason, handshakes, v2 connections and fallbacks',
    async () => {
      for (const from of batches) await violationFrom(from);
      expect([...totals.reasons].sort()).toEqual(EXPECTED_REASONS.toSorted());
      expect(totals.established / totals.nodes).toBeGreaterThan(2);
      expect(totals.encrypted / totals.nodes).toBeGreaterThan(0.1);
      expect(totals.fallbacks / totals.nodes).toBeGreaterThan(0.1);
    },
    HOUR,
  );
});

afterAll(() => {
  if (totals.seeds === 0) return;
  const { seeds, nodes, steps, ms, spent, established, encrypted, fallbacks } = totals;
  const hours = ms / HOUR;
  process.stdout.write(
    `simulation: ${seeds} seeds, ${nodes} nodes, ${established} handshakes (${encrypted} over v2), ` +
      `${fallbacks} fallbacks, ${steps} steps; ` +
      `${hours.toFixed(1)} network hours in ${(spent / 1_000).toFixed(1)} s: ` +
      `${(hours / (spent / 60_000)).toFixed(1)} simulated hours per real minute\n`,
  );
});

describe('a run', () => {
  const small = planOf(6, { nodes: 20, minutes: 1, rules: SHORT_RULES });

  test('has the same trace for the same seed, and a different one for another seed', async () => {
    const [one, two] = [await run(small), await run(small)];
    const other = await run(planOf(5, { nodes: 20, minutes: 1, rules: SHORT_RULES }));
    expect(two).toEqual(one);
    expect(one.steps).toBeGreaterThan(1_000);
    expect(other.hash).not.toBe(one.hash);
  });

  test('fails on a dropped deadline, and its plan is shortened to two nodes', async () => {
    const injected = { droppedTimeout: SHORT_RULES.handshakeTimeout };
    const outcome = await run(small, injected);
    expect(outcome.violation).toContain('handshake');
    const { least, outcome: again } = await shortened(small, outcome, injected);
    expect(ruleOf(again.violation)).toBe('deadline');
    expect(least.actions.map(({ kind }) => kind)).toEqual(['start', 'start', 'dial']);
    expect(describePlan(least)).toMatch(/^seed 6, 2 nodes\n/);
  });

  test.each<[string, InjectedFaults]>([
    ['slots', { missingSlots: 1 }],
    ['half-open', { maxDisagreement: -1 }],
    ['leftover', { leaks: true }],
    ['message', { forbiddenCommand: 'sendaddrv2' }],
    ['transport', { onlyTransport: 'v2' }],
    ['fallback', { forbidsFallback: true }],
  ])('fails when the rule "%s" is broken', async (rule, injected) => {
    expect(ruleOf((await run(small, injected)).violation)).toBe(rule);
  });
});
