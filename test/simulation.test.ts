/**
 * A whole network in one process: real nodes, a hostile path between them, one virtual clock, one seed.
 *
 * `NIGHTLY=1` runs 1,000 seeds with up to 300 nodes, `SEED=n` one seed. A seed that breaks a rule is named, its plan cut down,
 * and the shortest plan that breaks the same rule printed with the end of its trace.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import { CORE_RULES } from '../machines/index.js';
import { BRISK_RULES, type Plan, planOf } from './simulation/plan.js';
import { describePlan, ruleOf, shrink } from './simulation/shrink.js';
import { type Outcome, run, type Sabotage } from './simulation/run.js';
import { nightly } from './support/nightly.js';

const SEEDS = nightly(1_000, 30);
const BATCH = 10;
const HOUR = 3_600_000;

/** Every 25th seed keeps Core's limits of 20 minutes; at night networks are larger, a few of them large. */
function plan(seed: number): Plan {
  const large = seed % 20 === 0 ? 300 : ([30, 45, 60, 90][seed % 4] ?? 30);
  const nodes = nightly(large, 14 + (seed % 13));
  const rules = seed % 25 === 0 ? CORE_RULES : BRISK_RULES;
  return planOf(seed, { nodes, minutes: nightly(5, 1), rules });
}

/** The shortest plan that breaks the rule that `whole` breaks, and what happens in it. */
async function cutDown(whole: Plan, { violation }: Outcome, sabotage?: Sabotage) {
  const rule = ruleOf(violation);
  const least = await shrink(whole, async (some) => ruleOf((await run(some, sabotage)).violation) === rule);
  return { least, outcome: await run(least, sabotage) };
}

/** The rule that was broken, and the shortest plan that breaks it. */
async function complaintOf(whole: Plan, outcome: Outcome): Promise<string> {
  const { least, outcome: again } = await cutDown(whole, outcome);
  return [`SEED=${whole.seed}: ${outcome.violation}`, describePlan(least), ...again.tail].join('\n');
}

const seen = {
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

function note(outcome: Outcome, { residents }: Plan, spent: number): void {
  for (const code of outcome.reasons.keys()) seen.reasons.add(code);
  for (const what of ['steps', 'ms', 'established', 'encrypted', 'fallbacks'] as const)
    seen[what] += outcome[what];
  seen.seeds += 1;
  seen.nodes += residents.length;
  seen.spent += spent;
}

const first = Number(process.env.SEED ?? 1);
const last = process.env.SEED === undefined ? SEEDS : first;
const batches = Array.from({ length: Math.ceil((last - first + 1) / BATCH) }, (_, n) => first + n * BATCH);

/** Runs the seeds of a batch up to the first that breaks a rule, and returns its complaint; empty when there is none. */
async function runBatch(from: number): Promise<string> {
  for (let seed = from; seed < from + BATCH && seed <= last; seed += 1) {
    const started = performance.now();
    const whole = plan(seed);
    const outcome = await run(whole);
    note(outcome, whole, performance.now() - started);
    if (outcome.violation !== undefined) return complaintOf(whole, outcome);
  }
  return '';
}

const complaints = new Map<number, Promise<string>>();

/** Each batch runs once, for the first test that needs it: any test can run alone, and in any order. */
function complaintFrom(from: number): Promise<string> {
  const complaint = complaints.get(from) ?? runBatch(from);
  complaints.set(from, complaint);
  return complaint;
}

describe('a network in trouble', () => {
  test.each(batches)(
    'keeps every rule, from seed %i on',
    async (from) => expect(await complaintFrom(from)).toBe(''),
    HOUR,
  );

  /** Without these ends the trouble would have been no trouble. */
  const TROUBLE = [
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
    'has met every kind of end, and peace',
    async () => {
      for (const from of batches) await complaintFrom(from);
      expect([...seen.reasons].sort()).toEqual(TROUBLE.toSorted());
      expect(seen.established / seen.nodes).toBeGreaterThan(2);
      expect(seen.encrypted / seen.nodes).toBeGreaterThan(0.1);
      expect(seen.fallbacks / seen.nodes).toBeGreaterThan(0.1);
    },
    HOUR,
  );
});

afterAll(() => {
  if (seen.seeds === 0) return;
  const { seeds, nodes, steps, ms, spent, established, encrypted, fallbacks } = seen;
  const hours = ms / HOUR;
  process.stdout.write(
    `simulation: ${seeds} seeds, ${nodes} nodes, ${established} handshakes (${encrypted} over v2), ` +
      `${fallbacks} fallbacks, ${steps} steps; ` +
      `${hours.toFixed(1)} network hours in ${(spent / 1_000).toFixed(1)} s: ` +
      `${(hours / (spent / 60_000)).toFixed(1)} simulated hours per real minute\n`,
  );
});

describe('a run', () => {
  const small = planOf(6, { nodes: 20, minutes: 1, rules: BRISK_RULES });

  test('is the same for the same seed, to the last line of its trace, and another for another', async () => {
    const [one, two] = [await run(small), await run(small)];
    const other = await run(planOf(5, { nodes: 20, minutes: 1, rules: BRISK_RULES }));
    expect(two).toEqual(one);
    expect(one.steps).toBeGreaterThan(1_000);
    expect(other.hash).not.toBe(one.hash);
  });

  test('is stopped by a forgotten deadline, and cut down to two nodes', async () => {
    const sabotage = { forgets: BRISK_RULES.handshakeTimeout };
    const outcome = await run(small, sabotage);
    expect(outcome.violation).toContain('handshake');
    const { least, outcome: again } = await cutDown(small, outcome, sabotage);
    expect(ruleOf(again.violation)).toBe('deadline');
    expect(least.acts.map(({ does }) => does)).toEqual(['start', 'start', 'dial']);
    expect(describePlan(least)).toMatch(/^seed 6, 2 nodes\n/);
  });

  test.each<[string, Sabotage]>([
    ['slots', { fewer: 1 }],
    ['half-open', { patience: -1 }],
    ['leftover', { leaks: true }],
    ['message', { forbids: 'sendaddrv2' }],
    ['transport', { demands: 'v2' }],
    ['fallback', { stubborn: true }],
  ])('is stopped when something breaks the rule of %s', async (rule, sabotage) => {
    expect(ruleOf((await run(small, sabotage)).violation)).toBe(rule);
  });
});
