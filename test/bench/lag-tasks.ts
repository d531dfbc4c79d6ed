/** The tasks of a process whose event loop is watched. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

/** How late a timer of 1 ms ran, in milliseconds, from `watchLag` to `lag`. */
export interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
/** What is recorded is the whole time between two runs of the timer. */
const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);

export const lagTasks = {
  watchLag: (): void => {
    delay.reset();
    delay.enable();
  },
  lag: (): Lag => {
    delay.disable();
    return { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) };
  },
};
