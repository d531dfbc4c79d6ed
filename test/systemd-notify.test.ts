/** Messages to systemd: which are sent and when, and that a failure cannot end the node. The program is a shell script here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SystemdNotifier, watchdogInterval } from '../src/cli/systemd-notify.js';
import type { Timers } from '../src/net/timers.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-systemd-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A notifier whose program writes its arguments, one call per line, and timers that are run by hand. */
function notifier(env: NodeJS.ProcessEnv, script = 'echo "$NOTIFY_SOCKET $*" >> "$0.log"') {
  const program = join(folder, `program-${Math.random().toString(36).slice(2)}`);
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  writeFileSync(`${program}.log`, '');
  const armed = new Map<number, { run: () => void; ms: number }>();
  let timer = 0;
  const timers: Timers = {
    setTimeout: (run, ms) => {
      armed.set(++timer, { run, ms });
      return timer;
    },
    clearTimeout: (one) => void armed.delete(one as number),
  };
  const failures: string[] = [];
  const target = new SystemdNotifier({ env, program, timers, failed: (code) => failures.push(code) });
  return { target, armed, failures, program, sent: () => readFileSync(`${program}.log`, 'utf8') };
}

describe('the notifier', () => {
  test('sends nothing where systemd does not listen', async () => {
    const { target, sent, armed } = notifier({ WATCHDOG_USEC: '60000000' });
    await target.ready('listening');
    await target.stopping();
    expect([sent(), armed.size, target.isActive]).toEqual(['', 0, false]);
  });

  test('reports READY with one status line, and STOPPING', async () => {
    const { target, sent, armed } = notifier({ NOTIFY_SOCKET: '/run/s' });
    await target.ready('listening\non 1.2.3.4:8333');
    await target.stopping();
    expect(sent()).toBe('/run/s READY=1 STATUS=listening on 1.2.3.4:8333\n/run/s STOPPING=1\n');
    expect(armed.size).toBe(0);
  });

  test('sends WATCHDOG twice per interval, until it stops', async () => {
    const { target, armed } = notifier({ NOTIFY_SOCKET: '/run/s', WATCHDOG_USEC: '60000000' });
    await target.ready('');
    const [first] = armed.values();
    expect(first?.ms).toBe(30_000);
    armed.clear();
    first?.run();
    expect([...armed.values()].map(({ ms }) => ms)).toEqual([30_000]);
    await target.stopping();
    expect(armed.size).toBe(0);
  });

  test('sends STOPPING after a WATCHDOG that is still being sent', async () => {
    const script = 'case "$1" in WATCHDOG*) sleep 0.3;; esac; echo "$1" >> "$0.log"';
    const { target, armed, sent } = notifier({ NOTIFY_SOCKET: '/run/s', WATCHDOG_USEC: '60000000' }, script);
    await target.ready('');
    for (const { run } of [...armed.values()]) run();
    await target.stopping();
    expect(sent()).toBe('READY=1\nWATCHDOG=1\nSTOPPING=1\n');
  });

  test.each([
    ['fails', 'exit 3', '3'],
    ['is not there', undefined, 'ENOENT'],
  ])('reports once that the program %s, and continues', async (_, script, code) => {
    const { target, failures, program } = notifier({ NOTIFY_SOCKET: '/run/s' }, script);
    if (script === undefined) rmSync(program);
    await target.ready('');
    await target.stopping();
    expect(failures).toEqual([code]);
  });
});

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: '30000000' }, 30_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 30_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
  [{ WATCHDOG_USEC: 'soon' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
])('the watchdog interval of %j is %s', (env, ms) => {
  expect(watchdogInterval(env, 7)).toBe(ms);
});
