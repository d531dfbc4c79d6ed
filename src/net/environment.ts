/**
 * Everything a node takes from the world: time, chance and the net. Hand in other ones and a run becomes repeatable.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { hexOf } from '../wire/display-text.js';
import type { Lookup } from './dns.js';
import type { Net } from './link.js';
import { systemTimers } from './timers.js';

/** A clock that never goes back, the wall clock beside it, and timers. XState's `Clock` is a part of it. */
export interface Clock {
  /** Milliseconds since some fixed moment; never decreases. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC. May jump. */
  wall(): number;
  /** Calls `fn` once after `ms` milliseconds; returns a handle for `clearTimeout`. */
  setTimeout(fn: () => void, ms: number): unknown;
  /** Cancels a timer; nothing happens when it has run. */
  clearTimeout(timer: unknown): void;
  /** CPU that this process has used so far, all threads together, milliseconds; absent when time is not that of a process. */
  cpu?(): number;
}

/** Clock, random source, links and look-ups of a node. */
export interface Env {
  readonly clock: Clock;
  /** `count` fresh random bytes. */
  readonly random: (count: number) => Uint8Array;
  readonly net: Net;
  readonly lookup: Lookup;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  ...systemTimers,
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
};

/** Drawn from the system at a time, because a call costs more than the bytes do. */
const POOL_SIZE = 4_096;
const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;

/** The operating system's random source. Nothing is handed out twice, and nothing handed out stays here. */
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

/** Throws as an uncaught exception of the process, not into the running call. */
export const throwLater = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });
