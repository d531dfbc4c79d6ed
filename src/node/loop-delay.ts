/**
 * Measures how late the event loop is, and distinguishes a busy loop from a suspended machine.
 *
 * Both make a timer late. A busy process has used CPU meanwhile, a suspended one has not. Only a suspension may
 * move deadlines; otherwise a peer could move those of all others by keeping the loop busy.
 */

/**
 * From this share of the time on, a process was busy. The time around a suspension includes up to one interval of normal
 * work; a process that shares its processor with many others may get little of it.
 */
const BUSY_SHARE = 0.1;

/** What made something late. */
export type DelayCause = 'busy' | 'suspended';

/** The cause, from the time that passed and the CPU that was used in it, both in milliseconds. */
export const causeOfDelay = (elapsed: number, cpu: number): DelayCause =>
  cpu >= elapsed * BUSY_SHARE ? 'busy' : 'suspended';
