/** Ctrl-C, SIGTERM and SIGHUP: the first interruption, and the second one. */
import { describe, expect, jest, test } from '@jest/globals';
import { interruptions } from '../src/cli/signals.js';

describe('interruptions', () => {
  test('the first stops the node, an echo of it is ignored, the second exits', () => {
    const listeners = new Map<string, () => void>();
    let [now, left] = [1_000, 0];
    const leave = (): void => void left++;
    const on = (signal: string, listener: () => void) => listeners.set(signal, listener);
    const signal = interruptions({ on }, leave, () => now);
    expect([...listeners.keys()]).toEqual(['SIGINT', 'SIGTERM', 'SIGHUP']);
    listeners.get('SIGTERM')?.();
    expect([signal.aborted, left]).toEqual([true, 0]);
    now += 50;
    listeners.get('SIGINT')?.();
    expect(left).toBe(0);
    now += 500;
    listeners.get('SIGINT')?.();
    expect(left).toBe(1);
  });

  test('the second exits too when the wall clock was set back in between', async () => {
    const listeners = new Map<string, () => void>();
    let left = 0;
    interruptions({ on: (signal, listener) => listeners.set(signal, listener) }, () => void left++);
    listeners.get('SIGINT')?.();
    const wall = jest.spyOn(Date, 'now').mockReturnValue(0);
    const start = performance.now();
    while (performance.now() - start <= 300) await new Promise((resolve) => setTimeout(resolve, 50));
    listeners.get('SIGINT')?.();
    wall.mockRestore();
    expect(left).toBe(1);
  });
});
