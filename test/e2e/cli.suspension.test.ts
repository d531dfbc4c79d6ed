/** The built program, suspended for longer than a deadline: bytes that arrived meanwhile are read before the deadline is checked. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { NETWORKS } from '../../src/networks.js';
import { encodeFrame } from '../../src/wire/index.js';
import { endAll, Program } from '../support/cli-process.js';
import { VERSION } from '../support/scripted-node.js';

const { magic } = NETWORKS.regtest;
const frame = (command: string, payload = new Uint8Array(0)) => encodeFrame(magic, command, payload);
/** Seconds. It counts from the connection on, and the program must be suspended before its end. */
const LIMIT_S = 10;

afterEach(endAll);

test('a verack that was already in the socket completes the handshake', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const flags = ['--regtest', '--once', '--json', '--no-v2transport', '--peertimeout', String(LIMIT_S)];
  const program = new Program(['connect', ...flags, `127.0.0.1:${port}`]);
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => undefined);
  await once(socket, 'data');
  socket.write(frame('version', VERSION));
  // The program is at work on it: a process that is stopped while it waits for its sockets reads them first in any case.
  await pause(1);
  program.kill('SIGSTOP');
  socket.write(frame('verack'));
  await pause((LIMIT_S + 1) * 1_000);
  program.kill('SIGCONT');
  await program.until('stdout', /"event":"(established|ended)"/);
  program.kill('SIGINT');
  await program.exit;
  socket.destroy();
  server.close();
  expect(program.events[0]).toMatchObject({ event: 'established', state: 'established' });
});
