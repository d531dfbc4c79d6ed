/** Open files: the built program works with a low limit, and reports it. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createNode } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';

describe('a program that may open 100 files', () => {
  beforeAll(build, 60_000);
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    endAll();
  });

  const starved = (...args: string[]): Program => {
    const shell = ['sh', '-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, 'dist/src/cli/main.js'];
    return new Program(args, {}, shell);
  };
  /** Opens a number of connections; resolves when a number of them was closed by the other side. */
  const calls = (port: number, count: number, endings: number): Promise<void> =>
    new Promise((resolve) => {
      let closed = 0;
      const end = () => ++closed === endings && resolve();
      while (sockets.length < count) {
        const socket = connect(port, '127.0.0.1');
        sockets.push(socket.on('error', () => undefined).on('close', end));
      }
    });

  test('listen reports the limit, accepts 60 connections, and refuses the others with a reason', async () => {
    const program = starved('listen', '--regtest', '--port', '0');
    const [, port] = await program.until('stdout', /listening on 127\.0\.0\.1:(\d+)/);
    expect(program.stderr).toMatch(
      /limit of 100 open files allows only 60 of 114 connections; .*ulimit -n 154/,
    );
    await calls(Number(port), 96, 36);
    sockets.find(({ closed }) => !closed)!.destroy();
    await program.until('stderr', /ERR_LINK_(EOF|RESET)/);
    // Ten lines of a kind and source a minute; the others are counted.
    expect(program.stderr.match(/ERR_POLICY_FULL/g)).toHaveLength(10);
    const node = createNode({ chain: 'regtest' });
    await node.dial(`127.0.0.1:${port}`).established();
    await node.stop();
  });

  test('connect reports the limit, too', async () => {
    const node = createNode({ chain: 'regtest' });
    const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
    const established = once(node, 'established');
    const to = `127.0.0.1:${local.port}`;
    const program = starved('connect', '--regtest', '--once', '--maxconnections', '200', to);
    await established;
    expect(await program.exit).toBe(0);
    expect(program.stderr).toMatch(
      /limit of 100 open files allows only 60 of 200 connections; .*ulimit -n 240/,
    );
    await node.stop();
  });
});
