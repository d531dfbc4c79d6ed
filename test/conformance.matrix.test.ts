/** The matrix: reports side by side as data and as a page, and the command line of the verb. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { matrixCommand } from '../src/cli/matrix.js';
import { run } from '../src/cli/program.js';
import type { Case } from '../src/conformance/case.js';
import { loadCaseFiles } from '../src/conformance/case-files.js';
import { commandsOf } from '../src/conformance/matrix/commands.js';
import { type Matrix, matrixOf } from '../src/conformance/matrix/matrix.js';
import { matrixPage } from '../src/conformance/matrix/page.js';
import { findingOf, FORMAT, type Report, type Verdict } from '../src/conformance/report.js';
import { caseOf } from './support/scripted-node.js';

const FACTS = { tester: 'verack 0', began: '2026-01-02T03:04:05.000Z', seconds: 1, chain: 'regtest' };
const listener = caseOf([{ op: 'send', messages: ['version', 'getaddr'] }, { op: 'ping_pong' }], {
  id: 'in-a',
  rule: 'BIP155 and BIP339: a rule',
});
const dialler = caseOf([{ op: 'listen' }], { id: 'out-b', role: 'outbound', connection_type: 'manual' });
const transcript = [{ at: 3, conn: 'A', side: 'tester' as const, text: '<script>ping' }];

const reportOf = (verdicts: Readonly<Record<string, Verdict>>, cases: readonly Case[]): Report => ({
  ...{ format: FORMAT, tester: 'verack 0', began: FACTS.began, node: '127.0.0.1:1', absent: [] },
  findings: cases.map((it) => ({ ...findingOf(it, verdicts[it.id]!, '</script><b>', 5), transcript })),
});

const both = [listener, dialler];
const matrix = matrixOf(
  both,
  [
    { name: 'one', report: reportOf({ 'in-a': 'pass', 'out-b': 'skip' }, both) },
    { name: 'two', report: reportOf({ 'in-a': 'fail', 'out-b': 'known' }, both) },
    { name: 'gone', report: { ...reportOf({}, []), error: 'could not connect' } },
  ],
  FACTS,
);

describe('a matrix', () => {
  test('counts by role, and contains what was expected and observed of each node', () => {
    expect(
      matrix.nodes.map(({ listener: one, dialler: other }) => [one.pass, one.fail, other.known]),
    ).toEqual([
      [1, 0, 0],
      [0, 1, 1],
      [0, 0, 0],
    ]);
    const [first] = matrix.cases;
    expect(first).toMatchObject({ bips: [155, 339], commands: ['getaddr'], evidence: 'source' });
    expect(first?.expected.slice(0, 2)).toEqual(['A → connects', 'A → version']);
    expect(first?.results.two).toEqual({
      ...{ verdict: 'fail', seen: '</script><b>', ms: 5 },
      log: ['3 ms A → <script>ping'],
    });
    expect(first?.results.gone).toBeUndefined();
  });

  test('is a page that makes no requests, and whose data cannot end an element', () => {
    const page = matrixPage(matrix);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).toContain('title="&lt;/script&gt;&lt;b&gt;"');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/ src=| href=|url\(|@import/);
    expect(page).toContain('no case could run: could not connect');
    const [, data = ''] = /id="matrix">(.*)<\/script>/.exec(page) ?? [];
    expect(JSON.parse(data)).toEqual(matrix);
  });

  test('every case of the files is about some command, or sends none', () => {
    const silent = loadCaseFiles().filter((it) => commandsOf(it).length === 0);
    for (const { steps } of silent) expect(steps.map(({ op }) => op)).not.toContain('send');
  });
});

describe('verack matrix', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'verack-matrix-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function ran(...args: string[]): Promise<{ code: number; text: string }> {
    let text = '';
    const sink = () => ({ write: (part: string) => ((text += part), true), columns: 160, isTTY: false });
    const around = {
      ...{ stdout: sink(), stderr: sink(), env: {} },
      interrupted: new AbortController().signal,
    };
    const code = await run(['matrix', '--regtest', ...args], [matrixCommand], around);
    return { code, text };
  }

  test('includes our own node, and reports one that cannot be reached', async () => {
    const { code, text } = await ran('--output', folder, '--only', 'in-seq-009', 'none=127.0.0.1:1');
    expect(code).toBe(77);
    expect(text).toContain('none: no case could run: could not connect: nothing listens there');
    const { nodes, cases } = JSON.parse(readFileSync(join(folder, 'matrix.json'), 'utf8')) as Matrix;
    expect(nodes.map(({ name, listener: { pass } }) => [name, pass])).toEqual([
      ['none', 0],
      ['verack', 1],
      ['verack-v1', 1],
    ]);
    expect(cases.map(({ id }) => id)).toEqual(['in-seq-009']);
    expect(readFileSync(join(folder, 'matrix.html'), 'utf8')).toContain('1 cases about the handshake');
  });

  test.each([
    [['a=127.0.0.1'], 'give a directory with --output'],
    [['--output', 'x', '127.0.0.1'], '"127.0.0.1" is not NAME=VALUE'],
    [['--output', 'x', 'a=127.0.0.1', 'a=127.0.0.2'], 'two nodes have the name a'],
    [['--output', 'x', 'verack=127.0.0.1'], 'two nodes have the name verack'],
    [['--output', 'x', 'a=127.0.0.1', '--dial-command', 'b=dial {port}'], 'no node has the name b'],
    [['--output', 'x', 'a=127.0.0.1', '--dial-command', 'a=dial'], '--dial-command has no {port}'],
    [['--output', 'x', '--dial-command', 'dial'], 'NAME=VALUE'],
    [['--output', 'x', '--only', 'moon'], 'no case has the id moon'],
  ])('%j cannot be used: %s', async (args, sentence) => {
    const { code, text } = await ran(...args);
    expect([code, text]).toEqual([2, expect.stringContaining(sentence)]);
  });
});
