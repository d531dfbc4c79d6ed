/** `--log`: the formats of stderr, on the built program. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, type NodeOptions } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';

const verack = (line: string): Program => new Program(line.split(' '));
const nodes: BitcoinNode[] = [];

async function listening(options: NodeOptions = {}): Promise<{ at: string; node: BitcoinNode }> {
  const node = createNode({ chain: 'regtest', ...options });
  nodes.push(node);
  const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
  return { node, at: `${local.host}:${local.port}` };
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const objectsOf = (text: string): Record<string, unknown>[] =>
  linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>);

beforeAll(() => build(), 120_000);
afterEach(endAll);
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

describe('--log json', () => {
  test('is one object per line on stderr, and leaves stdout to --json', async () => {
    const { at } = await listening();
    const both = verack(`connect --regtest --once --no-v2transport --log json --json ${at}`);
    expect(await both.exit).toBe(0);
    const log = objectsOf(both.stderr);
    expect(log.map(({ level, event }) => `${String(level)} ${String(event)}`)).toEqual([
      'info notice',
      'info established',
      'info ended',
    ]);
    for (const { time } of log) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(log[1]).toMatchObject({
      id: 1,
      addr: at,
      inbound: false,
      connection_type: 'manual',
      network: 'not_publicly_routable',
      transport: 'v1',
      state: 'established',
      version: 70017,
      subver: '/verack:0.1.0/',
    });
    expect(log[2]).toMatchObject({ id: 1, addr: at, state: 'closed', reason: 'ERR_LOCAL_CANCELLED' });
    expect(both.events.map(({ event }) => event)).toEqual(['established', 'ended']);
  });

  test('has failures with their reason, states with -v, messages with -vv', async () => {
    const { at } = await listening();
    const quiet = verack('connect --regtest --once --log json -q 127.0.0.1:1');
    const nowhere = verack(
      'connect --regtest --once --log json --dns-server 127.0.0.1:1 --timeout 100 a.invalid',
    );
    const wordy = verack(`connect --regtest --once --no-v2transport --log json -vv ${at}`);
    expect([await quiet.exit, await nowhere.exit, await wordy.exit]).toEqual([4, 4, 0]);
    expect(objectsOf(quiet.stderr)).toEqual([
      expect.objectContaining({
        level: 'warn',
        event: 'ended',
        addr: '127.0.0.1:1',
        reason: 'ERR_DIAL_REFUSED',
      }),
    ]);
    expect(objectsOf(nowhere.stderr)).toContainEqual(
      expect.objectContaining({ event: 'failed', addr: 'a.invalid', reason: 'ERR_DIAL_DNS' }),
    );
    const log = objectsOf(wordy.stderr);
    const states = log.filter(({ event }) => event === 'transition').map(({ state }) => state);
    expect(states).toEqual(['versionSent', 'versionReceived', 'established', 'closed']);
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        event: 'message',
        direction: 'received',
        command: 'verack',
        size: 0,
      }),
    );
  });
});

describe('--log core', () => {
  test('has the lines of debug.log, on either side', async () => {
    const listen = verack('listen --regtest --port 0 --no-v2transport --log core');
    const [, at = ''] = await listen.until('stdout', /^listening on (\S+)$/m);
    const connect = verack(`connect --regtest --no-v2transport --log core -vv ${at}`);
    // Both have read everything then: a program that exits with unread bytes resets its connection.
    await Promise.all([connect, listen].map((program) => program.until('stdout', /^established/m)));
    connect.kill('SIGTERM');
    expect(await connect.exit).toBe(0);
    await listen.until('stderr', /disconnecting/);
    listen.kill('SIGTERM');
    await listen.exit;
    for (const line of [...linesOf(connect.stderr), ...linesOf(listen.stderr)])
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [[\w]/);
    const timeless = (text: string): string[] => linesOf(text).map((line) => line.slice(21));
    expect(timeless(connect.stderr)).toEqual(
      expect.arrayContaining([
        `[net] Added connection peer=1, peeraddr=${at}`,
        '[net] received: verack (0 bytes) peer=1',
        `[net] receive version message: /verack:0.1.0/: version 70017, blocks=0, txrelay=0, peer=1, peeraddr=${at}`,
        `New manual v1 peer connected: version: 70017, blocks=0, peer=1, peeraddr=${at}`,
      ]),
    );
    expect(timeless(listen.stderr).map((line) => line.replace(/127\.0\.0\.1:\d+/g, 'ADDR'))).toEqual([
      'Bound to ADDR',
      '[net] connection from ADDR accepted, peer=1',
      '[net] receive version message: /verack:0.1.0/: version 70017, blocks=0, txrelay=0, peer=1, peeraddr=ADDR',
      '[net] New inbound v1 peer connected: version: 70017, blocks=0, peer=1, peeraddr=ADDR',
      expect.stringMatching(
        /^\[net\] socket closed, disconnecting peer=1, peeraddr=ADDR: the peer closed the connection \(ERR_LINK_EOF/,
      ),
    ]);
  });

  test('reports failures and refused connections', async () => {
    const dead = verack('connect --regtest --once --log core 127.0.0.1:1');
    expect(await dead.exit).toBe(4);
    expect(dead.stderr).toContain(
      '[net] connection to 127.0.0.1:1 failed: nothing listens there (ERR_DIAL_REFUSED',
    );
    const full = verack('listen --regtest --port 0 --maxconnections 1 --log core');
    const [, at = ''] = await full.until('stdout', /^listening on (\S+)$/m);
    const diallers = [createNode({ chain: 'regtest' }), createNode({ chain: 'regtest' })];
    nodes.push(...diallers);
    await diallers[0]!.dial(at).established();
    await diallers[1]!.dial(at).ended();
    await full.until('stderr', /connection from 127\.0\.0\.1:\d+ dropped: .*ERR_POLICY_FULL/);
  });
});

describe('every form', () => {
  const hostile = '/evil:\u001b[31m\u0007\n\u009b1/';

  test.each(['pretty', 'json', 'core'])('%s: a peer cannot forge a line or move the cursor', async (form) => {
    const { at } = await listening({ subver: hostile });
    const connect = verack(`connect --regtest --once --no-v2transport -vv --log ${form} ${at}`);
    expect(await connect.exit).toBe(0);
    expect(connect.stderr).not.toMatch(/[^\n -~→—·]/);
    if (form === 'json') expect(() => objectsOf(connect.stderr)).not.toThrow();
    if (form !== 'pretty') expect(connect.stderr).toContain('/evil:?[31m??');
  });

  test('demo supports it too, and its table stays on stdout', async () => {
    const demo = verack('demo --log json');
    expect(await demo.exit).toBe(0);
    const log = objectsOf(demo.stderr);
    expect(log).toContainEqual(expect.objectContaining({ event: 'ended', reason: 'ERR_PROTO_SELF' }));
    expect(demo.stdout).toMatch(/connections ended as expected\n$/);
  });

  test('an unknown one is refused', async () => {
    const listen = verack('listen --regtest --log xml');
    expect(await listen.exit).toBe(2);
    expect(listen.stderr).toContain('It takes one of pretty, json, core.');
  });
});
