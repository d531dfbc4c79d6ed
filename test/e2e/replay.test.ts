/** Real handshakes, recorded by the program and played again offline. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { bitcoind, describeNode } from './nodes/nodes.js';

const MAIN = 'dist/src/cli/main.js';
const run = promisify(execFile);

describeNode('bitcoind', 'recordings of sessions with bitcoind', () => {
  test.each(['--no-v2transport', '--v2transport'])(
    'when we dial with %s are played the same',
    async (transport) => {
      await using node = await bitcoind();
      const file = join(node.folder, 'ours.ndjson');
      const addr = `${node.host}:${node.port}`;
      await run(process.execPath, [
        MAIN,
        'connect',
        '--regtest',
        '--once',
        transport,
        '--record',
        file,
        addr,
      ]);
      const { stdout } = await run(process.execPath, [MAIN, 'replay', file]);
      expect(stdout).toMatch(/version 7\d{4} "\/Satoshi:/);
      expect(stdout).toContain('versionReceived → established');
      expect(stdout.includes('v2, session')).toBe(transport === '--v2transport');
      expect(stdout).toMatch(/\n1 session, \d+ events, the same effects byte for byte\n$/);
    },
  );

  test.each([false, true])('when it dials, v2 %s, are played the same', async (v2) => {
    await using node = await bitcoind();
    const file = join(node.folder, 'ours.ndjson');
    const child = spawn(process.execPath, [MAIN, 'listen', '--regtest', '--port', '0', '--record', file]);
    const text = await new Promise<string>((told) => child.stdout.setEncoding('utf8').once('data', told));
    await node.dial('127.0.0.1', Number(/:(\d+)/.exec(text)?.[1]), v2);
    await node.handshaken(1);
    const over = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await over).toBe(0);
    const { stdout } = await run(process.execPath, [MAIN, 'replay', file]);
    expect(stdout).toContain('versionReceived → established');
    expect(stdout).toMatch(/\n1 session, \d+ events, the same effects byte for byte\n$/);
  });
});
