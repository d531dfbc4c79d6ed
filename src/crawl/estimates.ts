/**
 * Estimates the number of reachable nodes, with a 95 % interval. METHOD.md explains the method and its assumptions.
 *
 * Pure functions of a {@link Snapshot}: the same file always gives the same numbers.
 */
import type { NodeRecord, Snapshot } from './snapshot.js';

/** An estimate with its 95 % interval, as numbers of addresses. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** The number of reachable addresses and its parts. */
export interface ReachableEstimate extends Interval {
  /** Addresses that answered at least once. */
  readonly observed: number;
  /** Estimated reachable addresses among those whose first contact failed, from the repeat contacts; 0 without repeats. */
  readonly missed: number;
  /** Estimated reachable addresses that answered in no round (Chao; the occasions are rounds); 0 without repeats. */
  readonly silent: number;
  /** Estimated reachable addresses that no node advertised (Chao; the occasions are the nodes that advertise). */
  readonly unadvertised: number;
  /** Probability that a reachable node answers one contact; undefined without repeats. */
  readonly answer_rate: number | undefined;
  /** `repeat`: repeat contacts and gossip; `gossip`: gossip only. */
  readonly method: 'repeat' | 'gossip';
}

/** Half width of a 95 % interval in standard deviations. */
const Z = 1.959964;

/** An estimated number and its variance. */
interface Part {
  readonly value: number;
  readonly variance: number;
}

const ZERO: Part = { value: 0, variance: 0 };

/**
 * Chao's estimate of how many individuals were never observed, from how many were observed once and twice. `occasions`: the
 * number of occasions on which each could be observed; Infinity when it is not fixed.
 */
export function unseen(once: number, twice: number, occasions: number): Part {
  const a = Number.isFinite(occasions) ? (occasions - 1) / occasions : 1;
  if (once === 0) return ZERO;
  if (twice === 0) {
    const value = (a * once * (once - 1)) / 2;
    return { value, variance: value + (a * once * (2 * once - 1) ** 2) / 4 };
  }
  const ratio = once / twice;
  const variance = twice * ((a / 2) * ratio ** 2 + a ** 2 * ratio ** 3 + (a ** 2 / 4) * ratio ** 4);
  return { value: (a * once ** 2) / (2 * twice), variance };
}

/** The 95 % interval of `observed` plus an estimate that cannot be negative (log-normal, Chao 1987). */
export function intervalOf(observed: number, { value, variance }: Part): Interval {
  if (value <= 0) return { estimate: observed, low: observed, high: observed };
  const spread = Math.exp(Z * Math.sqrt(Math.log(1 + variance / value ** 2)));
  return {
    estimate: Math.round(observed + value),
    low: Math.floor(observed + value / spread),
    high: Math.ceil(observed + value * spread),
  };
}

/** The addresses of one stratum (first contact answered, or failed), and those of them that were contacted again. */
interface Stratum {
  readonly size: number;
  readonly sample: readonly NodeRecord[];
}

/** The stratum contains only addresses of the first round, from which the sample was drawn. */
function stratumOf(nodes: readonly NodeRecord[], answered: boolean): Stratum {
  const own = nodes.filter(({ contacts: [first] }) => first?.round === 1 && first.answered === answered);
  return { size: own.length, sample: own.filter(({ contacts }) => contacts.length > 1) };
}

const answersOf = ({ contacts }: NodeRecord): number => contacts.filter(({ answered }) => answered).length;

/**
 * Whether a history is used. A node that answered only the first contacts may have left, one that answered only the last ones
 * may have arrived; such histories are not used, and {@link shareKept} corrects for that.
 */
function isSettled({ contacts }: NodeRecord, times: number): boolean {
  const first = contacts.slice(0, times).every(({ answered }) => answered);
  const last = contacts.slice(-times).every(({ answered }) => answered);
  return !first && !last;
}

/** The share of histories with `times` answers in `rounds` contacts that {@link isSettled} uses; 1 if it would use none. */
function shareKept(rounds: number, times: number): number {
  const all = times === 1 ? rounds : (rounds * (rounds - 1)) / 2;
  return all > 2 ? (all - 2) / all : 1;
}

/** The number of addresses of the stratum that answered exactly `times` times, projected from its sample. */
function projected({ size, sample }: Stratum, times: number, rounds: number): number {
  if (sample.length === 0) return 0;
  const kept = shareKept(rounds, times);
  const own = sample.filter((node) => answersOf(node) === times && (kept === 1 || isSettled(node, times)));
  return ((size / sample.length) * own.length) / kept;
}

/** The number of reachable addresses of the stratum, projected from a simple random sample without replacement. */
function total({ size, sample }: Stratum): Part {
  const n = sample.length;
  if (n === 0) return ZERO;
  const share = sample.filter((node) => answersOf(node) > 0).length / n;
  // Shrinkage of Agresti and Coull: a share of 0 in a small sample does not prove 0.
  const shrunk = (share * n + 2) / (n + 4);
  const variance = (size ** 2 * (1 - n / size) * shrunk * (1 - shrunk)) / n;
  return { value: size * share, variance };
}

/** The probability that a reachable node answers, from the repeat contacts after a first answer. */
function answerRate({ sample }: Stratum): number | undefined {
  const repeats = sample.flatMap(({ contacts }) => contacts.slice(1));
  return repeats.length === 0
    ? undefined
    : repeats.filter(({ answered }) => answered).length / repeats.length;
}

/** The number of reachable addresses that were never advertised; the occasions are the nodes that advertise. */
function unadvertisedOf(snapshot: Snapshot, nodes: readonly NodeRecord[]): Part {
  const counts = nodes
    .filter(({ lastAnswered, distance }) => lastAnswered !== undefined && distance > 0)
    .map(({ addr }) => snapshot.sources.get(addr) ?? 0);
  const times = (wanted: number): number => counts.filter((count) => count === wanted).length;
  return unseen(times(1), times(2), Infinity);
}

/** The number of reachable nodes that answered no contact, from those that answered once and twice. */
function silentOf(answered: Stratum, failed: Stratum, rounds: number): Part {
  const [once, twice] = [1, 2].map(
    (times) => projected(answered, times, rounds) + projected(failed, times, rounds),
  );
  const part = unseen(once ?? 0, twice ?? 0, rounds);
  const sampled = answered.sample.length + failed.sample.length;
  const weight = sampled === 0 ? 1 : (answered.size + failed.size) / sampled / shareKept(rounds, 1);
  return { value: part.value, variance: part.variance * weight };
}

/** Estimates the number of reachable addresses. */
export function estimateReachable(snapshot: Snapshot): ReachableEstimate {
  const nodes = [...snapshot.nodes.values()];
  const observed = nodes.filter(({ lastAnswered }) => lastAnswered !== undefined).length;
  const [answered, failed] = [stratumOf(nodes, true), stratumOf(nodes, false)];
  const rounds = Math.max(0, ...nodes.map(({ contacts }) => contacts.length));
  const unadvertised = unadvertisedOf(snapshot, nodes);
  const missed = rounds > 1 ? total(failed) : ZERO;
  const silent = rounds > 1 ? silentOf(answered, failed, rounds) : ZERO;
  const later = nodes.filter(
    ({ contacts: [first], lastAnswered }) => first?.round !== 1 && lastAnswered,
  ).length;
  const whole = answered.size + later + missed.value + silent.value + unadvertised.value;
  const hidden = {
    value: whole - observed,
    variance: missed.variance + silent.variance + unadvertised.variance,
  };
  return {
    ...intervalOf(observed, hidden),
    observed,
    missed: Math.round(missed.value),
    silent: Math.round(silent.value),
    unadvertised: Math.round(unadvertised.value),
    answer_rate: answerRate(answered),
    method: rounds > 1 ? 'repeat' : 'gossip',
  };
}
