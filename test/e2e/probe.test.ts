/** The diagnosis of `verack probe`: for each of twelve faults, its last line names the failed step and what to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, type NodeOptions, networkOf } from '../../src/index.js';
import { faultyNet } from '../../src/net/faults/faulty-net.js';
import { parseFault } from '../../src/net/faults/faults.js';
import { tcpNet } from '../../src/net/tcp.js';
import { Program, endAll, type ProgramOptions } from '../support/cli-process.js';
import { dnsServer } from '../support/dns.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  endAll();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion';
/** Of regtest. */
const PORT = 18_444;

async function node(
  host: string,
  options: NodeOptions = {},
  port = 0,
): Promise<BitcoinNode & { at: string }> {
  const made = createNode({ chain: 'regtest', ...options });
  cleanups.push(() => made.stop());
  const { local } = await made.listen({ host, port });
  return Object.assign(made, { at: `${host}:${local.port}` });
}

async function server(host: string, serve: (socket: Socket) => void): Promise<string> {
  const made: Server = createServer((socket) => serve(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => made.listen(0, host, resolve));
  cleanups.push(() => made.close());
  return `${host}:${(made.address() as { port: number }).port}`;
}

const LISTENER = `
const server = require('node:net').createServer();
server.listen({ host: process.argv[1], port: 0, backlog: 1 }, () => console.log(server.address().port));
`;

/** A stopped process whose queue of connections is full: the system drops what else comes, as a firewall does. */
async function dropping(host: string): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, ['-e', LISTENER, host], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const port = Number(String(line));
  child.kill('SIGSTOP');
  for (let n = 0; n < 4; n += 1) {
    const filler = connect({ host, port }).on('error', () => undefined);
    cleanups.push(() => filler.destroy());
    await Promise.race([once(filler, 'connect'), new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return `${host}:${port}`;
}

/** A node of v1 that bans whoever sends anything else. */
async function banning(host: string): Promise<string> {
  const magic = Buffer.from(networkOf('regtest')!.magic);
  let isBanned = false;
  return server(host, (socket) => {
    if (isBanned) return void socket.destroy();
    socket.once('data', (bytes) => {
      isBanned = !bytes.subarray(0, 4).equals(magic);
      socket.destroy();
    });
  });
}

/** A node whose only slot is taken. */
async function full(host: string): Promise<string> {
  const { at } = await node(host, { maxinbound: 1 });
  const holder = createNode({ chain: 'regtest' });
  cleanups.push(() => holder.stop());
  await holder.dial(at).established();
  return at;
}

const DEAD_PORT = '127.77.1.9:1';

interface Obstacle {
  readonly what: string;
  /** Sets it up; the words of the command line behind `probe`. */
  readonly plant: () => Promise<string> | string;
  readonly step: string;
  readonly cause: string;
  readonly cure: RegExp;
  readonly exit: number;
}

const OBSTACLES: readonly Obstacle[] = [
  {
    what: 'a firewall that drops',
    plant: async () => `--regtest --timeout 500 ${await dropping('127.77.1.1')}`,
    ...{
      step: 'tcp',
      cause: 'dropped',
      cure: /firewall drops the packets.*Allow TCP port \d+ to the node/,
      exit: 4,
    },
  },
  {
    what: 'one that refuses',
    plant: () => `--regtest 127.77.1.2:${PORT}`,
    ...{
      step: 'tcp',
      cause: 'refused',
      cure: /Nothing listens on port \d+ of the host.*usually listen on 18444/,
      exit: 4,
    },
  },
  {
    what: 'wrong port',
    plant: async () => {
      await node('127.77.1.3', {}, PORT);
      return '--regtest 127.77.1.3:18555';
    },
    ...{
      step: 'tcp',
      cause: 'wrong-port',
      cure: /The port 18555 is wrong: a node of regtest answers on port 18444/,
      exit: 4,
    },
  },
  {
    what: 'wrong chain',
    plant: async () => (await node('127.77.1.4', { chain: 'signet', v2transport: true })).at,
    ...{ step: 'transport', cause: 'wrong-chain', cure: /another chain: use --chain signet/, exit: 6 },
  },
  {
    what: 'v1 only',
    plant: async () => `--regtest --v2only ${(await node('127.77.1.5')).at}`,
    ...{ step: 'transport', cause: 'v1-only', cure: /omit --v2only/, exit: 4 },
  },
  {
    what: 'v2 only',
    plant: async () => `--regtest --no-v2transport ${(await node('127.77.1.6', { v2only: true })).at}`,
    ...{ step: 'transport', cause: 'v2-only', cure: /omit --no-v2transport/, exit: 4 },
  },
  {
    what: 'full node',
    plant: async () => `--regtest ${await full('127.77.1.7')}`,
    ...{ step: 'tcp', cause: 'full', cure: /its slots are full/, exit: 4 },
  },
  {
    what: 'bans v2',
    plant: async () => `--regtest ${await banning('127.77.1.8')}`,
    ...{
      step: 'transport',
      cause: 'bans-v2',
      cure: /bans peers that try BIP324.*use --no-v2transport/,
      exit: 4,
    },
  },
  {
    what: 'obsolete',
    plant: async () => {
      const { at } = await node('127.77.1.10', { net: faultyNet(tcpNet(), parseFault('obsolete')) });
      return `--regtest ${at}`;
    },
    ...{ step: 'version', cause: 'obsolete', cure: /must be upgraded/, exit: 7 },
  },
  {
    what: 'slow DNS',
    plant: async () => {
      const zone = await dnsServer({ 'node.example': 'silent' });
      cleanups.push(() => zone.close());
      return `--regtest --timeout 500 --dns-server ${zone.address} node.example`;
    },
    ...{ step: 'name', cause: 'slow-dns', cure: /No DNS server answered.*--dns-server/, exit: 4 },
  },
  {
    what: 'proxy down',
    plant: () => `--regtest -proxy=${DEAD_PORT} 127.77.1.11`,
    ...{ step: 'proxy', cause: 'proxy-down', cure: /Is it running.*9050/, exit: 4 },
  },
  {
    what: 'Tor name without proxy',
    plant: () => ONION,
    ...{ step: 'proxy', cause: 'no-proxy', cure: /-onion=127\.0\.0\.1:9050/, exit: 4 },
  },
  // More than the twelve.
  {
    what: 'a port of another service',
    plant: async () => {
      const at = await server('127.77.1.12', (socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      });
      return `--regtest ${at}`;
    },
    ...{ step: 'transport', cause: 'no-bitcoin', cure: /An HTTP server answers.*18444/, exit: 4 },
  },
  {
    what: 'no verack',
    plant: async () => {
      const { at } = await node('127.77.1.13', { net: faultyNet(tcpNet(), parseFault('no-verack')) });
      return `--regtest --peertimeout 5 ${at}`;
    },
    ...{ step: 'verack', cause: 'no-verack', cure: /sent version but no verack/, exit: 5 },
  },
];

async function probed(line: string, options?: ProgramOptions): Promise<Program & { code: unknown }> {
  const program = new Program(['probe', ...line.split(' ')], options);
  return Object.assign(program, { code: await program.exit });
}

const lastLine = ({ stdout, stderr }: Program): string =>
  (stdout === '' ? stderr : stdout).trimEnd().split('\n').at(-1) ?? '';

const STEPS: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  name: 'the name',
  proxy: 'the proxy',
  transport: 'the transport',
};

test.each(OBSTACLES)('$what', async ({ plant, step, cure, exit }) => {
  const line = await plant();
  const started = Date.now();
  const text = await probed(line);
  expect(lastLine(text)).toMatch(cure);
  expect(lastLine(text)).toMatch(new RegExp(`^Failed at ${STEPS[step] ?? step}\\. `));
  expect(text.code).toBe(exit);
  // Long before the minute that a handshake may take.
  expect(Date.now() - started).toBeLessThan(40_000);
});

test.each(OBSTACLES.slice(1, 5))('$what, as JSON', async ({ plant, step, cause, exit }) => {
  const { events, code } = await probed(`--json ${await plant()}`);
  expect(events).toMatchObject([{ ok: false, diagnosis: { step, cause, cure: expect.any(String) } }]);
  expect(code).toBe(exit);
});

test('a healthy node needs no action', async () => {
  const { at } = await node('127.77.1.14', { v2transport: true });
  const { code, events } = await probed(`--regtest --json ${at}`);
  expect(code).toBe(0);
  expect(events[0]).not.toHaveProperty('diagnosis');
});

test('hosts come from a file and from standard input', async () => {
  const { at } = await node('127.77.1.15', { v2transport: true });
  const list = `# two hosts\n${at}\n\n127.77.1.2:1 # nobody\n`;
  const program = await probed('--regtest --json --from -', { input: list });
  expect(program.events.map(({ host, ok }) => [host, ok])).toEqual(
    expect.arrayContaining([
      [at, true],
      ['127.77.1.2:1', false],
    ]),
  );
  expect(program.code).toBe(3);
  const wrong = await probed('-', { input: '127.0.0.1\nnot a host\n' });
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('line 2, "not a host", is not a host'),
  ]);
});
