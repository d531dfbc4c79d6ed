/** `verack conform` and `verack matrix` as programs: the printed example, a node that floods, the page in a browser. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chromium } from 'playwright-core';
import { conformCommand } from '../../src/cli/conform.js';
import type { Matrix } from '../../src/conformance/matrix/matrix.js';
import type { Report } from '../../src/conformance/report.js';
import { build, Program } from '../support/cli-process.js';
import { print } from '../support/print.js';
import { program } from './nodes/installed.js';
import { cliFolder } from './nodes/bitcoin-cli.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

const MAIN = 'dist/src/cli/main.js';
let folder: string;
beforeAll(() => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'verack-conform-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command of the example of `conform --help` that makes the node dial, as it is printed. */
function printedDialCommand(): string {
  const lines = (conformCommand.examples ?? []).map(([line]) => line);
  const [, command] = lines.flatMap((line) => [...(/--dial-command '(.*)'$/.exec(line) ?? [])]);
  return command!;
}

const onPath = (first: string): Record<string, string> => ({ PATH: `${first}:${process.env.PATH ?? ''}` });

describeNode('bitcoind', 'the example of conform --help', () => {
  test('makes bitcoind dial, and it passes', async () => {
    await using node = await bitcoind();
    const args = ['--dial-command', printedDialCommand(), '--only', 'out-*', '--json'];
    const run = new Program(['conform', '--regtest', `127.0.0.1:${node.port}`, ...args], {
      env: onPath(cliFolder(node, folder)),
    });
    expect(await run.exit).toBe(0);
    const [report] = run.events as unknown as Report[];
    const verdicts = report!.findings.map(({ verdict }) => verdict);
    expect(verdicts).not.toContain('fail');
    expect(verdicts.filter((verdict) => verdict === 'pass').length).toBeGreaterThan(15);
  });
});

describe('a node that floods', () => {
  let node: ChildProcess;
  afterAll(() => void node.kill('SIGKILL'));

  /** Most memory that a process had so far, MB (Linux); 0 for one that has ended. */
  const peakOf = (pid: number): number => {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? 0) / 1_024;
  };

  test('fills no memory of a polite tester', async () => {
    node = spawn(process.execPath, ['test/support/flooding-node.mjs'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let port = '';
    for await (const text of createInterface(node.stdout!)) {
      port = text;
      break;
    }
    const only = ['--only', 'in-hs-001,in-hs-002,in-ping-001,in-seq-002,in-seq-009'];
    const args = ['conform', '--regtest', '--polite', '--json', ...only, `127.0.0.1:${port}`];
    const tester = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exit = new Promise((resolve) => tester.once('exit', resolve));
    let peak = 0;
    const timer = setInterval(() => {
      if (tester.exitCode === null) peak = Math.max(peak, peakOf(tester.pid!));
    }, 100);
    expect([0, 6]).toContain(await exit);
    clearInterval(timer);
    print(`a polite tester against a flooding node: ${Math.round(peak)} MB at most`);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(300);
  });
});

describeNode(['bitcoind', 'litecoind', 'bcoin', 'chromium'], 'verack matrix', () => {
  /** Cases of each kind; the whole suite is run against the same nodes elsewhere. */
  const ONLY = 'in-hs-*,in-ping-*,in-version-received-*,out-00*';

  async function matrixOf(nodes: Readonly<Record<string, RealNode>>): Promise<Program> {
    const dial = ['--dial-command', `bitcoind=${printedDialCommand()}`];
    const named = Object.entries(nodes).map(([name, { port }]) => `${name}=127.0.0.1:${port}`);
    const args = ['matrix', '--regtest', '--output', folder, '--only', ONLY, ...dial, ...named];
    const run = new Program(args, { env: onPath(cliFolder(nodes.bitcoind!, folder)) });
    expect(await run.exit).toBe(0);
    return run;
  }

  test('writes a page on which each cell shows what was sent, expected and seen', async () => {
    await using core = await bitcoind();
    await using litecoin = await litecoind();
    await using old = await bcoin({ args: ['--ban-score=1000000000'] });
    const { stdout } = await matrixOf({ bitcoind: core, litecoind: litecoin, bcoin: old });
    expect(stdout).toMatch(/^bitcoind +\S+Knots\S* +\d+ +0 +0 /m);
    const matrix = JSON.parse(readFileSync(join(folder, 'matrix.json'), 'utf8')) as Matrix;
    expect(matrix.nodes.map(({ name }) => name)).toEqual([
      ...['bitcoind', 'litecoind', 'bcoin', 'verack', 'verack-v1'],
    ]);
    for (const { name, listener, dialler } of matrix.nodes) {
      expect([name, listener.fail, dialler.fail]).toEqual([name, 0, 0]);
      expect(listener.pass).toBeGreaterThan(50);
    }
    for (const { name, dialler } of matrix.nodes.filter(({ name: one }) => /bitcoind|verack/.test(one)))
      expect([name, dialler.pass > 2]).toEqual([name, true]);
    await look(matrix);
  });

  async function look(matrix: Matrix): Promise<void> {
    const browser = await chromium.launch({ executablePath: program('chromium')!, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('console', (message) => problems.push(message.text()));
      page.on('pageerror', ({ message }) => problems.push(message));
      await page.goto(`file://${join(folder, 'matrix.html')}`);
      const shown = page.locator('#cases tbody tr:visible');
      expect(await shown.count()).toBe(matrix.cases.length);
      await page.getByLabel('command').selectOption('getaddr');
      const about = matrix.cases.filter(({ commands }) => commands.includes('getaddr')).length;
      expect(await shown.count()).toBe(about);
      await page.getByLabel('command').selectOption('');
      await page.getByLabel('verdict of a node').selectOption('known');
      const known = page.locator('button.known:visible').first();
      await known.click();
      const detail = await page.locator('tr.detail').textContent();
      for (const text of ['sent and expected', 'observed at', 'A → version', 'known:'])
        expect(detail).toContain(text);
      // On a narrow screen the tables scroll, not the page, and an open cell is in view.
      await page.setViewportSize({ width: 420, height: 900 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(420);
      const box = await page.locator('tr.detail td > div').boundingBox();
      expect([box!.x >= 0, box!.x + box!.width <= 420]).toEqual([true, true]);
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  }
});
