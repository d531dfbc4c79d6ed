/** Real handshakes, recorded by the program and played again offline. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { endAll, Program } from '../support/cli-process.js';
import { bitcoind, describeNode } from './nodes/nodes.js';

const MAIN = 'dist/src/cli/main.js';
const run = promisify(execFile);

afterEach(endAll);

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
    const listening = new Program(['listen', '--regtest', '--port', '0', '--record', file]);
    const [, port] = await listening.until('stdout', /^listening on \S+:(\d+)$/m);
    await node.dial('127.0.0.1', Number(port), v2);
    await listening.until('stdout', /^established /m);
    listening.kill('SIGTERM');
    expect(await listening.exit).toBe(0);
    const { stdout } = await run(process.execPath, [MAIN, 'replay', file]);
    expect(stdout).toContain('versionReceived → established');
    expect(stdout).toMatch(/\n1 session, \d+ events, the same effects byte for byte\n$/);
  });
});

describeNode('bitcoind', 'what bitcoind captures with -capturemessages', () => {
  const CAPTURES = ['-capturemessages=1'];

  test.each(['--no-v2transport', '--v2transport'])(
    'when we dial with %s is what our node would have sent',
    async (transport) => {
      await using node = await bitcoind({ args: CAPTURES });
      const addr = `${node.host}:${node.port}`;
      const connected = new Program(['connect', '--regtest', transport, addr]);
      await node.handshaken(1);
      await connected.until('stdout', /^established /m);
      connected.kill('SIGTERM');
      expect(await connected.exit).toBe(0);
      await node.peersUntil((peers) => peers.length === 0, 'end of the connection');
      const { stdout } = await run(process.execPath, [MAIN, 'replay', capturesOf(node)]);
      expect(stdout).toMatch(/^→ Core 127\.0\.0\.1_\d+ session=1 inbound/);
      expect(stdout).toContain('verack: versionReceived → established');
      expect(stdout).toMatch(/\n1 session, \d+ messages, verack sends the same kinds of messages as Core\n/);
    },
  );

  test('when it dials twice is two sessions, as in our node', async () => {
    await using node = await bitcoind({ args: CAPTURES });
    const listening = new Program(['listen', '--regtest', '--port', '0']);
    const [, port = ''] = await listening.until('stdout', /^listening on \S+:(\d+)$/m);
    for (let n = 0; n < 2; n++) {
      await node.dial('127.0.0.1', Number(port), false);
      await node.handshaken(1);
      await node.rpc('disconnectnode', [`127.0.0.1:${port}`]);
      await node.peersUntil((peers) => peers.length === 0, 'end of the connection');
    }
    const { stdout } = await run(process.execPath, [
      MAIN,
      'replay',
      capturesOf(node),
      '--only',
      `127.0.0.1:${port}`,
    ]);
    expect(stdout.match(/^Core → 127\.0\.0\.1_\d+ session=[12] outbound/gm)).toHaveLength(2);
    expect(stdout).toMatch(/\n2 sessions, \d+ messages, verack sends the same kinds of messages as Core\n/);
  });
});

const capturesOf = ({ folder }: { folder: string }): string => join(folder, 'regtest', 'message_capture');
