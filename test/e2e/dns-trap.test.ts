/**
 * With a proxy for names no name reaches a resolver: the program runs in a network namespace of its own, whose only DNS server
 * counts the questions. Needs `unshare` and user namespaces: a counted skip without them, a failure under CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const UNSHARE = ['-r', '-m', '-n'];
const isPossible = spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const needsNamespaces = isPossible || process.env.CI ? test : test.skip;

const folder = mkdtempSync(join(tmpdir(), 'verack-dns-trap-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Only ends what hangs. */
const LIMIT_MS = 110_000;

/**
 * The trap, a SOCKS5 proxy that leads every host to one node, a node of main, and then the program, once for each run.
 * Prints, for each run, the questions, the hosts that the proxy was asked for, the exit code and the output.
 */
const PROGRAM = `
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createNode } from '${process.cwd()}/dist/src/index.js';

let questions = 0;
const trap = createSocket('udp4').on('message', (bytes) => {
  if (bytes.toString() === 'end') trap.emit('end');
  else questions += 1;
});
await once(trap.bind(53, '127.0.0.1'), 'listening');
const node = createNode({ chain: 'main', v2transport: true });
const { local } = await node.listen({ host: '127.0.0.1', port: 0 });

let hosts = [];
let hasAsked = () => {};
const proxy = createServer((socket) => {
  let step = 0;
  socket.on('error', () => {});
  socket.on('data', function serve(bytes) {
    step += 1;
    if (step === 1) return socket.write(Uint8Array.of(5, bytes.includes(2) ? 2 : 0), () => (step += bytes.includes(2) ? 0 : 1));
    if (step === 2) return socket.write(Uint8Array.of(1, 0));
    socket.off('data', serve);
    hosts.push(bytes.subarray(5, 5 + bytes[4]).toString());
    hasAsked();
    const to = connect(local.port, '127.0.0.1', () => {
      socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
      socket.pipe(to).pipe(socket);
    });
    to.on('error', () => socket.destroy());
    socket.on('close', () => to.destroy());
  });
});
await new Promise((resolve) => proxy.listen(9050, '127.0.0.1', resolve));

for (const { line, until } of JSON.parse(process.argv[2])) {
  [questions, hosts] = [0, []];
  const child = spawn(process.execPath, ['${process.cwd()}/dist/src/cli/main.js', ...line.split(' ')]);
  const isEnough = ([host, count]) => hosts.filter((each) => each === host).length >= count;
  hasAsked = () => {
    if (!until || !Object.entries(until).every(isEnough)) return;
    hasAsked = () => {};
    child.kill('SIGINT');
  };
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  // What it asked is in the socket of the trap, before this.
  trap.send('end', 53, '127.0.0.1');
  await once(trap, 'end');
  console.log(JSON.stringify({ line, questions, hosts: [...new Set(hosts)].sort(), code, output }));
}
process.exit(0);
`;

interface Ran {
  readonly questions: number;
  readonly hosts: readonly string[];
  readonly code: number;
  readonly output: string;
}

interface Run {
  readonly line: string;
  /** Interrupts the program when the proxy was asked so often for these hosts: one that goes on for ever, or for minutes. */
  readonly until?: Readonly<Record<string, number>>;
}

function ran(...runs: readonly (string | Run)[]): Ran[] {
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  const steps = [
    'ip link set lo up',
    'mount --bind resolv.conf /etc/resolv.conf',
    'mount --bind hosts /etc/hosts',
    `exec "${process.execPath}" program.mjs '${JSON.stringify(runs.map((run) => (typeof run === 'string' ? { line: run } : run)))}'`,
  ];
  const { stdout, stderr } = spawnSync('unshare', [...UNSHARE, 'sh', '-c', steps.join(' && ')], {
    cwd: folder,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, ALL_PROXY: '', all_proxy: '' },
  });
  expect(stderr).toBe('');
  return stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Ran);
}

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion';
const PROXY = '-proxy=127.0.0.1:9050';

needsNamespaces('with -proxy no question is asked, whatever the verb does', () => {
  const [connect, probe, wrongChain, automatic, crawl] = ran(
    `connect ${PROXY} --once node.example ${ONION}`,
    `probe ${PROXY} node.example`,
    `probe ${PROXY} --regtest node.example`,
    {
      line: `connect ${PROXY} --datadir none --seednode seed.example -vv`,
      until: { 'seed.example': 1, 'seed.bitcoin.sprovoost.nl': 1 },
    },
    `crawl ${PROXY} --from /dev/null --contact a@b.example --replytimeout 1 --peertimeout 3 --timeout 500`,
  );
  expect(connect).toMatchObject({ questions: 0, code: 0, hosts: ['node.example', ONION] });
  expect(probe).toMatchObject({ questions: 0, code: 0, hosts: ['node.example'] });
  expect(wrongChain).toMatchObject({ questions: 0, hosts: ['node.example'] });
  expect(wrongChain?.output).toContain('The node is on another chain: use --chain main.');
  expect(automatic?.questions).toBe(0);
  // The DNS seeds are asked as nodes, by name, through the proxy.
  expect(automatic?.hosts).toEqual(expect.arrayContaining(['seed.example', 'seed.bitcoin.sprovoost.nl']));
  expect(crawl?.questions).toBe(0);
});

needsNamespaces('nor by the verbs that examine a node, which are served by the proxy as well', () => {
  const [conform, matrix, identify, probe, learn] = ran(
    `conform ${PROXY} --only in-hs-006 node.example`,
    `matrix ${PROXY} --only in-hs-006 --output . node=node.example`,
    `identify ${PROXY} node.example`,
    `probe ${PROXY} --identify node.example`,
    { line: `learn ${PROXY} node.example`, until: { 'node.example': 5 } },
  );
  for (const each of [conform, matrix, identify, probe, learn])
    expect(each).toMatchObject({ questions: 0, hosts: ['node.example'] });
  expect([conform, matrix, identify, probe, learn].map((each) => each?.code)).toEqual([0, 0, 0, 0, 130]);
  expect(conform?.output).toContain('1 passed, 0 failed');
  expect(identify?.output).toContain('node.example: verack');
});

needsNamespaces('without it the trap sees questions; with -dns=0, and for .onion, none', () => {
  const [plain, refused, onion] = ran('probe node.example', 'probe -dns=0 node.example', `probe ${ONION}`);
  expect(plain?.questions).toBeGreaterThan(0);
  expect(refused).toMatchObject({ questions: 0, code: 4 });
  expect(refused?.output).toContain('Failed at the name.');
  expect(onion).toMatchObject({ questions: 0, code: 4 });
});
