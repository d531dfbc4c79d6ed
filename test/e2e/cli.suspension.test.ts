/** The built program, suspended for longer than a deadline: what came meanwhile is read before the deadline is judged. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { encodeFrame } from '../../src/wire/index.js';
import { NETWORKS } from '../../src/networks.js';
import { endAll, Program } from '../support/cli-process.js';
import { VERSION } from '../support/scripted-node.js';

const { magic } = NETWORKS.regtest;
const frame = (command: string, payload = new Uint8Array(0)) => encodeFrame(magic, command, payload);
const LIMIT_S = 3;

afterEach(endAll);

/** Resolves when the program has sent its verack; the peer has then sent no more than its version. */
function untilVerack(socket: Socket): Promise<void> {
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      const isFirst = received.length === 0;
      received = Buffer.concat([received, chunk]);
      if (isFirst) socket.write(frame('version', VERSION));
      if (received.includes('verack')) resolve();
    });
  });
}

test('a verack that lay in the socket completes the handshake', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const flags = ['--regtest', '--once', '--json', '--no-v2transport', '--peertimeout', String(LIMIT_S)];
  const program = new Program(['connect', ...flags, `127.0.0.1:${port}`]);
  const socket = (await connection).on('error', () => undefined);
  await untilVerack(socket);
  program.kill('SIGSTOP');
  socket.write(frame('verack'));
  await pause((LIMIT_S + 1) * 1_000);
  program.kill('SIGCONT');
  await program.until('stdout', /"event":"(established|ended)"/);
  program.kill('SIGINT');
  await program.exit;
  expect(program.events[0]).toMatchObject({ event: 'established', state: 'established' });
  socket.destroy();
  server.close();
});
