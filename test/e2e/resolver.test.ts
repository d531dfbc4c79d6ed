/**
 * The system's resolver and names whose server never answers, in a network namespace of its own. Needs `unshare` and user
 * namespaces: a counted skip without them, a failure under CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const UNSHARE = ['-r', '-m', '-n'];
const isPossible = spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const needsNamespaces = isPossible || process.env.CI ? test : test.skip;

const folder = mkdtempSync(join(tmpdir(), 'verack-resolver-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A name server that is silent, and a hosts file that knows good.test. `resolv.conf` makes getaddrinfo wait for a minute. */
const PROGRAM = `
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { resolveHost } from '${process.cwd()}/dist/src/index.js';
const server = createSocket('udp4').on('message', () => {});
await once(server.bind(53, '127.0.0.1'), 'listening');
server.unref();
const ask = (name, options) => resolveHost(name, options).catch(({ facts }) => facts.syscode);
const dead = Array.from({ length: 20 }, (_, n) => ask('dead' + n + '.test', { timeout: 1_000 }));
const good = ask('good.test', { timeout: 40_000 });
console.log(JSON.stringify([await good, [...new Set(await Promise.all(dead))]]));
`;

/** One getaddrinfo without an answer takes longer, the whole program much less. A program that is not done then is killed. */
const LIMIT_MS = 50_000;

/** Runs the program with these last lines. */
function run(ending: string): { stdout: string; stderr: string; status: number | null } {
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:30 attempts:2\n');
  writeFileSync(join(folder, 'hosts'), '192.0.2.7 good.test\n');
  writeFileSync(join(folder, 'program.mjs'), PROGRAM + ending);
  const steps = [
    'ip link set lo up',
    'mount --bind resolv.conf /etc/resolv.conf',
    'mount --bind hosts /etc/hosts',
    `exec "${process.execPath}" program.mjs`,
  ];
  const { stdout, stderr, status } = spawnSync('unshare', [...UNSHARE, 'sh', '-c', steps.join(' && ')], {
    cwd: folder,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  return { stdout, stderr, status };
}

needsNamespaces.each([
  ['by itself', '', 0],
  ['with process.exit', 'process.exit(7);', 7],
])(
  'twenty names without an answer delay neither other names nor the end of the process %s',
  (_, ending, code) => {
    const { stdout, stderr, status } = run(ending);
    expect([stderr, status]).toEqual(['', code]);
    expect(JSON.parse(stdout)).toEqual([['192.0.2.7'], ['ETIMEOUT']]);
  },
);
