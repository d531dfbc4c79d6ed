/** The packed program, installed into an empty folder: the bin runs, each subpath imports, with types. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const ROOT = resolve('.');
const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const USER = `
import { createNode, REASONS, VirtualClock, type PeerInfo } from 'verack';
import { peerMachine, CONNECTION_TYPES } from 'verack/machines';
import { createActor } from 'xstate';
import { decodeMessage, encodeFrame, encodeMessage } from 'verack/wire';
import { createAddressBook, DETERMINISTIC_KEY, rawAddrman } from 'verack/addresses';
import { formatEndpoint, memoryNet } from 'verack/net';
import { V1Transport } from 'verack/connection';
import type { NodeObserver } from 'verack/node';
import { compile, interpreted } from 'verack/compile';
import { nodeMetrics } from 'verack/metrics';
import { Registry } from 'prom-client';

const node = createNode({ chain: 'regtest', clock: new VirtualClock() });
const peers: PeerInfo[] = node.peers.list();
const context = createActor(peerMachine, {
  input: { id: 1, connection_type: CONNECTION_TYPES[0], rules: (await import('verack/machines')).CORE_RULES },
}).getSnapshot().context;
const ping = encodeMessage({ command: 'ping', nonce: '0102030405060708' });
const decoded = decodeMessage('ping', ping);
const frame = encodeFrame(node.chain.magic, 'ping', ping);
console.log(peers.length, context.id, decoded.ok, frame.length, REASONS.ERR_LINK_EOF.family);
const book = createAddressBook({ key: DETERMINISTIC_KEY, clock: new VirtualClock(), random: () => new Uint8Array(4) });
console.log(Object.keys(rawAddrman(book)).join());
nodeMetrics(node, new Registry()).stop();
console.log(interpreted(compile(peerMachine)).length);
const observer: NodeObserver = { input: (_input, run) => run(), emit: (_event, _payload, run) => run() };
const observed = createNode({ chain: 'regtest', observer, net: memoryNet({ timers: new VirtualClock() }).at('10.0.0.1') });
await observed.stop();
console.log(formatEndpoint({ host: '::1', port: 1 }), [...new V1Transport(node.chain).feed(frame)].length);
await node.stop();
`;

const BUNDLED = `
import { createNode, memoryNet, VirtualClock } from 'verack';
const clock = new VirtualClock();
const net = memoryNet({ timers: clock });
const [server, client] = ['10.0.0.1', '10.0.0.2'].map((host) =>
  createNode({ chain: 'regtest', v2transport: true, clock, net: net.at(host) }));
await server.listen({ host: '10.0.0.1', port: 18444 });
client.on('established', () => console.log('established'));
client.dial('10.0.0.1:18444');
clock.advance(1_000);
`;

const MANY_DIALS = `
import { createNode, memoryNet, VirtualClock } from 'verack';
process.on('warning', ({ name }) => console.log(name));
const clock = new VirtualClock();
const net = memoryNet({ timers: clock }).at('10.0.0.1');
const { signal } = new AbortController();
const node = createNode({ chain: 'regtest', clock, net });
for (let n = 1; n < 30; n++) node.dial('10.0.0.2:' + n, { signal });
for (let n = 1; n < 30; n++) createNode({ chain: 'regtest', clock, net, signal });
setTimeout(() => { console.log('done'); process.exit(); }, 50);
`;

/** The files of the package, without those that are built from `machines` and `src`. */
const LIST = 'test/data/packed-files.txt';
const isNotBuilt = (path: string): boolean => !/^dist\/.*\.(js|d\.ts|map)$/.test(path);

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verack-package-'));
  const bin = join(folder, 'node_modules', '.bin', 'verack');

  const tarball = (): string =>
    join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? 'no tarball');

  beforeAll(() => {
    run(ROOT, 'npm', 'pack', '--pack-destination', folder);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
    run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('its bin runs', () => {
    expect(run(folder, bin, '--version')).toMatch(/^verack \d+\.\d+\.\d+\n$/);
    expect(run(folder, bin, 'diagram', 'peer', '--format', 'mermaid')).toContain('stateDiagram-v2');
  });

  test('its demo ends as expected', () => {
    expect(run(folder, bin, 'demo', '--quiet')).toContain('ERR_PROTO_SELF');
  });

  test('each subpath imports, and its types compile', () => {
    mkdirSync(join(folder, 'user'));
    writeFileSync(join(folder, 'user', 'main.ts'), USER);
    const options = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      outDir: 'out',
      rootDir: 'user',
      types: [],
    };
    const compilerOptions = { ...options, lib: ['es2023', 'esnext.disposable', 'dom'], skipLibCheck: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['user'] }));
    for (const at of [ROOT, join(ROOT, 'test', 'typescript-minimum')])
      run(folder, 'node', join(at, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
    expect(run(folder, 'node', join('out', 'main.js'))).toBe('0 1 true 32 link\nnew,tried\n0\n[::1]:1 1\n');
  });

  test('one abort signal for many dials and nodes gives no warning', () => {
    writeFileSync(join(folder, 'signals.js'), MANY_DIALS);
    expect(run(folder, 'node', 'signals.js')).toBe('done\n');
  });

  test('publint and attw find nothing', () => {
    const tool = (name: string): string => join(ROOT, 'node_modules', '.bin', name);
    expect(run(ROOT, tool('publint'), 'run', '--strict', tarball())).toContain('All good!');
    run(ROOT, tool('attw'), tarball(), '--profile', 'esm-only');
  });

  test('CommonJS can require it', () => {
    const code =
      "console.log(typeof require('verack').createNode, require('verack/machines').peerMachine.id)";
    expect(run(folder, 'node', '--no-warnings', '--input-type=commonjs', '-e', code)).toBe('function peer\n');
  });

  test('a bundle of it runs without its files', () => {
    writeFileSync(join(folder, 'bundled.js'), BUNDLED);
    const esbuild = join(ROOT, 'node_modules', '.bin', 'esbuild');
    run(
      folder,
      esbuild,
      'bundled.js',
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--outfile=alone/main.mjs',
      '--log-level=error',
    );
    expect(run(join(folder, 'alone'), 'node', 'main.mjs')).toBe('established\n');
  });

  test('every link of its README leads to a file in it', () => {
    const root = join(folder, 'node_modules', 'verack');
    const links = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)];
    expect(links.length).toBeGreaterThan(10);
    expect(links.map(([, link = '']) => link).filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });

  test(`it contains what ${LIST} lists`, () => {
    const [{ files }] = JSON.parse(run(ROOT, 'npm', 'pack', '--dry-run', '--json', '--ignore-scripts')) as [
      { files: { path: string }[] },
    ];
    const text = `${files
      .map(({ path }) => path)
      .filter(isNotBuilt)
      .sort()
      .join('\n')}\n`;
    if (process.env.UPDATE_PACKED) writeFileSync(LIST, text);
    expect(text).toBe(readFileSync(LIST, 'utf8'));
  });
});
