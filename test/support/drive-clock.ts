/** Advances a virtual clock until work that waits on it is done, without waiting for real time. */
import type { VirtualClock } from '../../src/index.js';

export async function driven<T>(clock: VirtualClock, work: Promise<T>, step = 5): Promise<T> {
  let isDone = false;
  const end = (): void => void (isDone = true);
  work.then(end, end);
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(step);
  }
  return work;
}
