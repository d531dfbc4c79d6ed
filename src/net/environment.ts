/**
 * What a node needs from outside: a clock, a random source, a net and name look-ups. With deterministic ones a run can be
 * repeated exactly.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { hexOf } from '../wire/display-text.js';
import type { Lookup } from './dns.js';
import type { Net } from './link.js';
import { systemTimers } from './timers.js';

/** A monotonic clock, the wall clock, and timers. It can be used as XState's `Clock`. */
export interface Clock {
  /** The monotonic time, milliseconds since an arbitrary start; never decreases. */
  now(): number;
  /** The wall-clock time, milliseconds since 1970-01-01 UTC; may jump. */
  wall(): number;
  /** Calls `fn` once after `ms` milliseconds; returns a handle for `clearTimeout`. */
  setTimeout(fn: () => void, ms: number): unknown;
  /** Cancels a timer; has no effect when it has run. */
  clearTimeout(timer: unknown): void;
  /** CPU time of this process so far, all threads together, milliseconds; absent on clocks that do not measure real time. */
  cpu?(): number;
}

/** The clock, the random source, the net and the look-ups of a node. */
export interface Env {
  readonly clock: Clock;
  /** Returns `count` fresh random bytes. */
  readonly random: (count: number) => Uint8Array;
  readonly net: Net;
  readonly lookup: Lookup;
}

/** The clocks of the system. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  ...systemTimers,
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
};

/** Random bytes that are read from the system at once, because a call costs more than the bytes. */
const POOL_SIZE = 4_096;
const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;

/** `count` bytes of the operating system's random source. No byte is returned twice, and returned bytes are erased from the pool. */
export function systemRandom(count: number): Uint8Array {
  if (count > POOL_SIZE) return new Uint8Array(randomBytes(count));
  if (used + count > POOL_SIZE) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = pool.slice(used, used + count);
  pool.fill(0, used, used + count);
  used += count;
  return drawn;
}

/** 8 fresh random bytes as 16 hex digits. */
export const drawNonce = (env: Env): string => hexOf(env.random(8));

/** A random number in [0, 1), from 32 random bits. */
export const drawFraction = (env: Env): number => Buffer.from(env.random(4)).readUInt32LE(0) / 2 ** 32;

/** Throws the error as an uncaught exception of the process, outside the running call. */
export const throwLater = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });
