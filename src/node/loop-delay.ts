/**
 * Distinguishes a busy event loop from a suspended process when a timer fires late.
 *
 * A busy process has used CPU time meanwhile, a suspended one has not. Only a suspension may move deadlines: otherwise a
 * peer could move the deadlines of all peers by keeping the loop busy.
 */

/**
 * A process that used at least this share of the elapsed time was busy. The share is not lower, because the time around a
 * suspension includes up to one interval of normal work; not higher, because a process may get little of a shared processor.
 */
const BUSY_SHARE = 0.1;

/** Why a timer fired late. */
export type DelayCause = 'busy' | 'suspended';

/** Decides the cause from the elapsed time and the CPU time used in it, both in milliseconds. */
export const causeOfDelay = (elapsed: number, cpu: number): DelayCause =>
  cpu >= elapsed * BUSY_SHARE ? 'busy' : 'suspended';
