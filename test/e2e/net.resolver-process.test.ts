/** The system's resolver in a child process: its queue, its time limits, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { hostsFileAddresses } from '../../src/net/dns-servers.js';
import {
  MAX_QUESTIONS,
  type Query,
  RESOLVER_SCRIPT,
  ResolverProcess,
} from '../../src/net/resolver-process.js';
import { transpile } from '../support/transpile.js';

/** Replaces the resolver inside the child: `dead…` never gets an answer, `missing…` none, all others their child's process id. */
const SYSTEM = `
require('node:dns').lookup = (name, options, callback) => {
  if (name.startsWith('dead')) return;
  if (name.startsWith('crash')) process.exit(3);
  if (name.startsWith('missing')) return setImmediate(callback, Object.assign(new Error(), { code: 'EAI_AGAIN' }));
  setImmediate(callback, null, [{ address: name }, { address: 'pid ' + process.pid }]);
};
`;

const queries: Query[] = [];

afterEach(() => queries.splice(0).forEach((query) => query.abandon()));

interface Asked extends Query {
  readonly isStarted: boolean;
}

function ask(resolver: ResolverProcess, name: string): Asked {
  let isStarted = false;
  const query = resolver.ask({
    name,
    started: () => (isStarted = true),
    fallback: () => ({ answer: Promise.resolve([`fallback ${name}`]), abandon: () => undefined }),
  });
  query.answer.catch(() => undefined);
  queries.push(query);
  return {
    ...query,
    get isStarted() {
      return isStarted;
    },
  };
}

const pidOf = async ({ answer }: Query): Promise<number> => Number((await answer)[1]?.slice(4));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('queries', () => {
  test('one child process answers all of them', async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    const pids = await Promise.all(['a', 'b', 'c'].map((name) => pidOf(ask(resolver, name))));
    expect(new Set(pids).size).toBe(1);
    expect((await ask(resolver, 'd').answer)[0]).toBe('d');
  });

  test("a failure has the resolver's code", async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    await expect(ask(resolver, 'missing.test').answer).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  });

  test('names that get no answer do not hold up the others', async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    for (let n = 0; n < MAX_QUESTIONS - 1; n += 1) ask(resolver, `dead${n}`);
    expect((await ask(resolver, 'good').answer)[0]).toBe('good');
  });

  test('a query in the queue is started when another one ends', async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    const first = ask(resolver, 'first');
    expect(first.isStarted).toBe(false);
    await first.answer;
    const dead = Array.from({ length: MAX_QUESTIONS }, (_, n) => ask(resolver, `dead${n}`));
    const good = ask(resolver, 'good');
    expect([dead.every(({ isStarted }) => isStarted), good.isStarted]).toEqual([true, false]);
    // A child whose every question was given up is replaced: nothing else frees its threads.
    for (const query of dead) query.abandon();
    expect(await pidOf(good)).not.toBe(await pidOf(first));
    expect(good.isStarted).toBe(true);
    await gone(await pidOf(first));
  });

  test('a query that was cancelled in the queue is never started', async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    const given = ask(resolver, 'crash');
    given.abandon();
    expect((await ask(resolver, 'good').answer)[0]).toBe('good');
    expect(given.isStarted).toBe(false);
  });
});

describe('without a child', () => {
  test('when the child cannot start, the fallback answers its queries', async () => {
    const resolver = new ResolverProcess('process.exit(1)');
    expect(await ask(resolver, 'a').answer).toEqual(['fallback a']);
    expect(await ask(resolver, 'b').answer).toEqual(['fallback b']);
  });

  test('when the child exits, the fallback answers its queries; the next query starts a new child', async () => {
    const resolver = new ResolverProcess(SYSTEM + RESOLVER_SCRIPT);
    const before = await pidOf(ask(resolver, 'a'));
    expect(await ask(resolver, 'crash').answer).toEqual(['fallback crash']);
    expect(await pidOf(ask(resolver, 'b'))).not.toBe(before);
  });

  test.each([
    ['node.test', ['192.0.2.1', '2001:db8::1']],
    ['NODE.test.', ['192.0.2.1', '2001:db8::1']],
    ['alias', ['192.0.2.1']],
    ['hidden', []],
    ['192.0.2.1', []],
  ])('the hosts file: %s', (name, addresses) => {
    const text =
      '127.0.0.1 localhost\n192.0.2.1\tNode.Test alias # hidden\n#192.0.2.2 hidden\nbad node.test\n2001:DB8::1 node.test\r\n';
    expect(hostsFileAddresses(name, text)).toEqual(addresses);
  });
});

describe('the process', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verack-'));
    await transpile(folder, ['src/net/resolver-process.ts']);
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs `steps` in a program that has a resolver and its child; gives the child's id, which it prints first. */
  async function run(
    steps: string,
    flags: readonly string[] = [],
  ): Promise<[ChildProcess, Promise<string[]>]> {
    const program = `
      import { ResolverProcess, RESOLVER_SCRIPT } from './src/net/resolver-process.js';
      const resolver = new ResolverProcess(${JSON.stringify(SYSTEM)} + RESOLVER_SCRIPT);
      const fallback = () => ({ answer: Promise.resolve(['fallback', 'pid 0']), abandon: () => undefined });
      const ask = (name) => resolver.ask({ name, started: () => undefined, fallback });
      console.log((await ask('good').answer)[1].slice(4));
      ${steps}
    `;
    const path = join(folder, `program${Math.random()}.js`);
    await writeFile(path, program);
    const child = spawn(process.execPath, [...flags, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    return [child, once(child, 'close').then(([code]) => [...out.trim().split('\n'), `exit ${code}`])];
  }

  test('ends by itself when no caller waits for an answer, and its child with it', async () => {
    const [, ended] = await run(`ask('dead').abandon();`);
    const [pid, code] = await ended;
    expect(code).toBe('exit 0');
    await gone(Number(pid));
  });

  test('does not end while a caller waits', async () => {
    const [, ended] = await run(`await ask('late'); console.log((await ask('other').answer)[0]);`);
    expect((await ended).slice(1)).toEqual(['other', 'exit 0']);
  });

  test('process.exit does not wait for a name', async () => {
    const [, ended] = await run(`ask('dead'); setImmediate(() => process.exit(7));`);
    const [pid, code] = await ended;
    expect(code).toBe('exit 7');
    await gone(Number(pid));
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('its end by %s ends the child', async (signal) => {
    const [child, ended] = await run(`ask('dead');`);
    await once(child.stdout!, 'data');
    child.kill(signal);
    await gone(Number((await ended)[0]));
  });

  test('an interrupt that reaches the child too leaves it answering', async () => {
    const [, ended] = await run(`
      const pid = Number((await ask('good').answer)[1].slice(4));
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(pid, signal);
      console.log((await ask('still').answer)[1] === 'pid ' + pid);
    `);
    expect((await ended).slice(1)).toEqual(['true', 'exit 0']);
  });

  test('under the permission model, which forbids child processes, the fallback is used', async () => {
    const flags = ['--experimental-permission', '--allow-fs-read=*', '--no-warnings'];
    const [, ended] = await run(`console.log((await ask('a').answer)[0]);`, flags);
    expect(await ended).toEqual(['0', 'fallback', 'exit 0']);
  });
});
