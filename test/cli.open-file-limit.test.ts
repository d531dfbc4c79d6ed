/** Open files: the limit is found, what does not fit is said, and the program lives with what is left. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { limitIn, openFilesLimit, RESERVED, slotsThatFit } from '../src/cli/open-file-limit.js';
import { Output } from '../src/cli/output.js';
import { createNode } from '../src/index.js';
import { build, endAll, Program } from './support/cli-process.js';

const LINUX = [
  'Limit                     Soft Limit           Hard Limit           Units     ',
  'Max processes             7                    8                    processes ',
  'Max open files            1024                 524288               files     ',
].join('\n');

describe('the limit on open files', () => {
  test.each([
    [LINUX, 1024],
    [LINUX.replace('1024', 'unlimited'), Infinity],
    [LINUX.replace('1024', 'nonsense'), undefined],
    ['', undefined],
  ])('is read from what Linux says (%#)', (text, limit) => expect(limitIn(text)).toBe(limit));

  test('is known here', () => expect(openFilesLimit()).toBeGreaterThan(RESERVED));
});

describe('the connections that fit', () => {
  const fit = (wanted: number, limit: number | undefined) => {
    let said = '';
    const stream = { write: (text: string) => (said += text) };
    const silent = { stdout: stream, stderr: stream, env: {}, json: false, quiet: true, verbose: 0 };
    const slots = slotsThatFit(wanted, new Output({ ...silent, color: 'never' }), limit);
    return { slots, said };
  };

  test.each([
    [114, 114 + RESERVED],
    [114, Infinity],
  ])('%d are all, and nothing is said, of %d files', (wanted, limit) =>
    expect(fit(wanted, limit)).toEqual({ slots: wanted, said: '' }),
  );

  test.each([
    [114, 114 + RESERVED - 1, 113],
    [114, 64, 24],
    [8, 10, 1],
  ])('of %d with %d files are %d, and what to type is said', (wanted, limit, slots) => {
    const { slots: got, said } = fit(wanted, limit);
    expect(got).toBe(slots);
    expect(said).toContain(`open ${limit} files`);
    expect(said).toContain(`${slots} of ${wanted} connections`);
    expect(said).toContain(`ulimit -n ${wanted + RESERVED}`);
  });
});

describe('a program that may open 64 files', () => {
  beforeAll(build, 60_000);
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    endAll();
  });

  const starved = (...args: string[]): Program => {
    const shell = ['sh', '-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, 'dist/src/cli/main.js'];
    return new Program(args, {}, shell);
  };
  /** Calls so many times; resolves when so many calls were ended by the other side. */
  const calls = (port: number, count: number, endings: number): Promise<void> =>
    new Promise((resolve) => {
      let closed = 0;
      const end = () => ++closed === endings && resolve();
      while (sockets.length < count) {
        const socket = connect(port, '127.0.0.1');
        sockets.push(socket.on('error', () => undefined).on('close', end));
      }
    });

  test('is reported: listen takes 24 connections, refuses the others by its own reason, and goes on', async () => {
    const program = starved('listen', '--regtest', '--port', '0');
    const [, port] = await program.until('stdout', /listening on 127\.0\.0\.1:(\d+)/);
    expect(program.stderr).toMatch(/open 64 files, .* 24 of 114 connections; .*ulimit -n 154/);
    await calls(Number(port), 60, 36);
    sockets.find(({ closed }) => !closed)!.destroy();
    await program.until('stderr', /ERR_LINK_(EOF|RESET)/);
    expect(program.stderr.match(/ERR_POLICY_FULL/g)).toHaveLength(36);
    const node = createNode({ chain: 'regtest' });
    await node.dial(`127.0.0.1:${port}`).established();
    await node.stop();
  }, 30_000);

  test('is reported by connect, too', async () => {
    const node = createNode({ chain: 'regtest' });
    const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
    const established = once(node, 'established');
    const to = `127.0.0.1:${local.port}`;
    const program = starved('connect', '--regtest', '--once', '--maxconnections', '200', to);
    await established;
    expect(await program.exit).toBe(0);
    expect(program.stderr).toMatch(/open 64 files, .* 24 of 200 connections; .*ulimit -n 240/);
    await node.stop();
  }, 30_000);
});
