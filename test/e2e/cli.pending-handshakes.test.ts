/** `--maxpending` and `--pendingloopback`, on the built program. */
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build, endAll, Program } from '../support/cli-process.js';

describe('the program', () => {
  beforeAll(build, 60_000);
  afterEach(endAll);

  test('refuses the third silent connection with a limit of two that includes loopback', async () => {
    const program = new Program([
      'listen',
      '--regtest',
      '--port',
      '0',
      '--maxpending',
      '2',
      '--pendingloopback',
    ]);
    const [, port] = await program.until('stdout', /listening on 127\.0\.0\.1:(\d+)/);
    const sockets = [1, 2, 3].map(() => connect(Number(port), '127.0.0.1').on('error', () => undefined));
    const [, facts] = await program.until('stderr', /ERR_POLICY_PENDING 127\.0\.0\.1:\d+ — .*\[(.*)\]/);
    expect(facts).toBe('source=127.0.0.0/24 limit=2');
    for (const socket of sockets) socket.destroy();
  });
});
