/** The system's timers: bytes that have arrived are read before a deadline that passed meanwhile is checked. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { systemTimers } from '../src/net/timers.js';

/** Keeps the process from running, as a suspension does. */
const standStill = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

describe('a deadline that passes while the process does not run', () => {
  test('is checked after the bytes that were already in the socket', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const accepted = new Promise<{ write: (text: string) => void; end: () => void }>((resolve) =>
      server.once('connection', resolve),
    );
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [theirs] = await Promise.all([accepted, once(socket, 'connect')]);
    const order: string[] = [];
    socket.on('data', () => order.push('data'));
    const over = new Promise<void>((resolve) => {
      systemTimers.setTimeout(() => {
        order.push('deadline');
        resolve();
      }, 20);
    });
    theirs.write('verack');
    standStill(200);
    await over;
    theirs.end();
    socket.destroy();
    server.close();
    expect(order).toEqual(['data', 'deadline']);
  });

  test('can be cleared while it waits', async () => {
    let isJudged = false;
    const timer = systemTimers.setTimeout(() => (isJudged = true), 10);
    standStill(60);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 1));
    systemTimers.clearTimeout(timer);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isJudged).toBe(false);
    systemTimers.clearTimeout(timer);
    systemTimers.clearTimeout(undefined);
  });
});
