/** What a figure is, and how two things are compared on a machine that others use too: in turn, round by round. */
import type { Lab } from './lab.js';

/** Median, smallest and largest of the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The goal of a figure's value. `aim`: better than the goal, what it should be. */
export type Goal = { readonly atLeast: number; readonly aim?: number } | { readonly atMost: number };

/** One line of the table. */
export interface Row {
  /** Who was measured: `verack`, `raw Node`, `bitcoind`, … */
  readonly who: string;
  /** In the figure's unit. */
  readonly measured: Spread;
  /** Over the ceiling of the same round. */
  readonly ratio?: Spread;
  /** CPU microseconds of the measured process for one unit of work, all its threads. */
  readonly cpu?: Spread;
  /** The ceiling's CPU time over this one's: the ratio without other load on the cores. */
  readonly cpuratio?: Spread;
}

export interface Result {
  /** What the goal is compared with; its median counts. */
  readonly value: Spread;
  readonly rows: readonly Row[];
  /** What a reader must know beside the numbers: what failed, what was left out. */
  readonly notes: readonly string[];
}

export interface Figure {
  /** For `--only`. */
  readonly name: string;
  readonly about: string;
  /** What `value` is: a ratio to a ceiling, or a number with its unit. */
  readonly reading: string;
  /** Unit of the rows. */
  readonly unit: string;
  readonly goal?: Goal;
  /** Not part of a run of everything. */
  readonly long?: boolean;
  run(lab: Lab): Promise<Result>;
}

/** One measurement: the more `value` the better or the worse, as the figure has it. */
export interface Sample {
  readonly value: number;
  readonly cpu?: number;
}

export type Candidate = () => Promise<Sample> | Sample;

/** The spread of at least one number. */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const [min, max] = [sorted[0] ?? NaN, sorted.at(-1) ?? NaN];
  const half = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(half)] ?? NaN) + (sorted[Math.ceil(half)] ?? NaN)) / 2;
  return { median, min, max };
}

/** A spread of one number. */
export const exactly = (value: number): Spread => ({ median: value, min: value, max: value });

/** Measures the candidates in turn, A B A B, `rounds` times. */
export async function interleave(
  rounds: number,
  candidates: Readonly<Record<string, Candidate>>,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(Object.keys(candidates).map((who) => [who, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [who, measure] of Object.entries(candidates)) samples.get(who)?.push(await measure());
  }
  return samples;
}

/** A row for each candidate, with its ratios to `ceiling` round by round. */
export function rowsOf(samples: ReadonlyMap<string, readonly Sample[]>, ceiling: string): Row[] {
  const base = samples.get(ceiling) ?? [];
  return [...samples].map(([who, own]) => ({
    who,
    measured: spreadOf(own.map(({ value }) => value)),
    ratio: spreadOf(own.map(({ value }, round) => value / (base[round]?.value ?? NaN))),
    ...(own.every(({ cpu }) => cpu !== undefined) && {
      cpu: spreadOf(own.map(({ cpu = NaN }) => cpu)),
      cpuratio: spreadOf(own.map(({ cpu = NaN }, round) => (base[round]?.cpu ?? NaN) / cpu)),
    }),
  }));
}

/** The ratio of one candidate in such rows. */
export function ratioOf(rows: readonly Row[], who: string): Spread {
  const ratio = rows.find((row) => row.who === who)?.ratio;
  if (!ratio) throw new Error(`${who} was not measured`);
  return ratio;
}

/** Whether a value reaches a goal. */
export const isReached = (value: number, goal: Goal): boolean =>
  'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;

/** How a value stands to a goal, in a word or two. */
export function verdictOf(value: number, goal: Goal): string {
  if (!isReached(value, goal)) return 'missed';
  const aim = 'aim' in goal ? goal.aim : undefined;
  return aim !== undefined && value < aim ? `reached, but not ${aim}` : 'reached';
}

/** The goal in words. */
export const goalText = (goal: Goal): string =>
  'atMost' in goal ? `at most ${goal.atMost}` : `at least ${goal.atLeast}${goal.aim ? ` (${goal.aim})` : ''}`;

/** How far the ceiling itself spread between the rounds, percent of its median: differences below it mean nothing. */
export function noiseOf(rows: readonly Row[], ceiling: string): string | undefined {
  const row = rows.find(({ who }) => who === ceiling);
  if (!row) return undefined;
  const percent = ({ median, min, max }: Spread): string => `${Math.round((100 * (max - min)) / median)} %`;
  const cpu = row.cpu ? `, of its CPU time ${percent(row.cpu)}` : '';
  return `noise: from its slowest to its fastest round ${ceiling} spread by ${percent(row.measured)}${cpu}`;
}

/** In which order the candidates were measured. */
export const orderOf = (rows: readonly Row[]): string =>
  `interleaved: ${rows.map(({ who }) => who).join(', ')}, then from the start again`;
