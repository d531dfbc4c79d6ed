/** `verack conform` as a command: exit codes, the table, the files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conformCommand } from '../src/cli/conform.js';
import { run } from '../src/cli/program.js';
import { loadCases } from '../src/conformance/case-files.js';
import { type BitcoinNode, createNode } from '../src/index.js';
import { formatEndpoint } from '../src/net/endpoint.js';
import type { Listener } from '../src/net/link.js';
import { tcpNet } from '../src/net/tcp.js';
import { CapturedOutput } from './support/command-line.js';
import { GOOD, play } from './support/scripted-node.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(...words: string[]): Promise<Ran> {
  const texts = { stdout: '', stderr: '' };
  const sheet = (name: 'stdout' | 'stderr') => ({ write: (text: string) => void (texts[name] += text) });
  const around = {
    stdout: sheet('stdout'),
    stderr: sheet('stderr'),
    env: {},
    interrupted: new AbortController().signal,
  };
  const code = await run(['conform', ...words], [conformCommand], around);
  return { code, ...texts };
}

describe('verack conform', () => {
  let node: BitcoinNode;
  let ours = '';
  let careless: Listener;
  const folder = mkdtempSync(join(tmpdir(), 'verack-conform-'));
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    node = createNode({ chain: 'regtest', rules: { relay: true } });
    ours = formatEndpoint((await node.listen(LOOPBACK)).local);
    careless = await tcpNet().listen(LOOPBACK, (link) => play(link, GOOD));
  });

  afterAll(async () => {
    await Promise.all([node.stop(), careless.close()]);
    rmSync(folder, { recursive: true });
  });

  test('exits 0 with a table when no must case failed', async () => {
    const { code, stdout } = await ran(
      '--regtest',
      ours,
      '--only',
      'in-seq-009',
      '--only',
      'in-ping-00?,in-fr-004',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/is \/verack:\S+, version 70017, v\d-\w+; run as d70017\n/);
    expect(stdout).toMatch(/\nin-seq-009 +pass +must +No request is answered before verack/);
    expect(stdout).toMatch(/\n7 passed, 0 failed \(0 must\), 0 known differences, 0 skipped\n$/);
  });

  test('fits a terminal of 80 columns, with the longest ids too', async () => {
    const stdout = new CapturedOutput(true, 80);
    const only = ['--only', 'in-established-getblocks-*'];
    const around = {
      stdout,
      stderr: new CapturedOutput(),
      env: {},
      interrupted: new AbortController().signal,
    };
    await run(['conform', '--regtest', ours, ...only], [conformCommand], around);
    const rows = stripVTControlCharacters(stdout.text)
      .split('\n')
      .filter((line) => line.includes(' pass '));
    expect(rows.length).toBeGreaterThan(10);
    expect(Math.max(...rows.map(({ length }) => length))).toBe(80);
  });

  test('counts the passed ones of many cases without a list; -v lists them', async () => {
    const many = ['--regtest', ours, '--only', 'in-established-reject-cut-*', '--lanes', '64'];
    const { stdout } = await ran(...many);
    expect(stdout.split('\n').slice(1)).toEqual([
      '41 passed, 0 failed (0 must), 0 known differences, 0 skipped',
      '',
    ]);
    const listed = await ran(...many, '-v');
    expect(listed.stdout.match(/^in-established-reject-cut-\d+ +pass /gm)).toHaveLength(41);
  });

  test('exits 6 when a must case failed, and shows what was observed', async () => {
    const { code, stdout } = await ran('--regtest', formatEndpoint(careless.local), '--only', 'in-seq-009');
    expect(code).toBe(6);
    expect(stdout).toContain('step 4 (expect_quiet): pong instead of silence');
  });

  test('exits 77 when no case could run', async () => {
    const { code, stderr } = await ran('--regtest', '127.0.0.1:1');
    expect([code, stderr]).toEqual([
      77,
      '127.0.0.1:1: no case could run: could not connect: nothing listens there\n',
    ]);
    expect((await ran('--regtest', ours, '--only', 'in-v2-*')).code).toBe(77);
  });

  test('says why a name cannot be reached', async () => {
    const { code, stderr } = await ran('--regtest', '--dns-server', '127.0.0.1:1', 'nobody.example');
    expect([code, stderr]).toEqual([
      77,
      expect.stringContaining(
        'nobody.example:18444: no case could run: could not connect: the name has no address',
      ),
    ]);
  });

  test.each([
    [[], 'give a host'],
    [['--only', 'nothing'], 'no case has the id nothing'],
    [
      ['--compare', 'missing.json', '--html', 'x.html'],
      '"missing.json" cannot be read: there is no such file',
    ],
  ])('exits 2 for %j', async (words, sentence) => {
    const { code, stderr } = await ran(...words);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
  });

  test('keeps a report as JSON, JUnit and HTML, and compares it later', async () => {
    const only = ['--only', 'in-hs-001'];
    const { code, stdout } = await ran(
      '--regtest',
      ours,
      ...only,
      '--json',
      '--junit',
      file('r.xml'),
      '--html',
      file('r.html'),
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'verack-conform/2',
      findings: [{ id: 'in-hs-001', verdict: 'pass' }],
    });
    expect(readFileSync(file('r.xml'), 'utf8')).toContain('tests="1" failures="0"');
    writeFileSync(file('r.json'), stdout);
    expect((await ran('--compare', file('r.json'), file('r.json'), '--html', file('c.html'))).code).toBe(0);
    expect(readFileSync(file('c.html'), 'utf8').match(/<td class="pass">/g)).toHaveLength(2);
  });

  test('runs a command that makes the node dial', async () => {
    const command = `true {host} {port} {type} {v2}`;
    const { stdout } = await ran('--regtest', ours, '--only', 'in-hs-001', '--dial-command', command);
    expect(stdout).toContain('1 passed');
  });

  test('prints a case as expected and as observed', async () => {
    const script = await ran('--explain', 'in-seq-009');
    expect(script.stdout).toContain('◄── nothing for 400 ms');
    const transcript = await ran('--regtest', ours, '--explain', 'in-seq-009');
    expect(transcript.stdout).toMatch(/ping\(0100000000000000\) +──►\n(verack +──►\n)/);
    expect([script.code, transcript.code]).toEqual([0, 0]);
  });

  test('lists every case, and the reasons for skipped ones', async () => {
    const { code, stdout } = await ran('--list');
    expect(code).toBe(0);
    expect(stdout.match(/^(in|out)-/gm)).toHaveLength(loadCases().length);
    expect(stdout).toContain('skipped when only a host is given: needs the node started with other options');
  });
});
