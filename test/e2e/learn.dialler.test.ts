/**
 * bitcoind learned in the role of the dialler, over v1 and v2: every difference from our chart must be explained. Over v2 by the
 * program, with the dial command that a user would give.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { ExplainedDifference, Model } from '../../src/learn/index.js';
import { figuresOf, learnedDialler, unexplained } from '../models/learned-roles.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { print } from '../support/print.js';
import { cliFolder } from './nodes/bitcoin-cli.js';
import { bitcoind, describeNode } from './nodes/nodes.js';

// A close that comes later than the settle time of a busy machine is read as silence; the run is repeated then.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const MINUTES = 180_000;
const folder = mkdtempSync(join(tmpdir(), 'verack-learn-dialler-'));
beforeAll(build);
afterAll(() => {
  endAll();
  rmSync(folder, { recursive: true });
});

/** What `verack learn --json` prints. */
interface Printed extends Model {
  readonly words: number;
  readonly symbols: number;
  readonly seconds: number;
  readonly states: number;
  readonly differences: readonly ExplainedDifference[];
}

describeNode('bitcoind', 'the dialler of bitcoind', () => {
  test(
    'over v1 differs from our chart only as it is known to',
    async () => {
      await using node = await bitcoind();
      const result = await learnedDialler(node, 'v1');
      print(`the dialler of bitcoind over v1: ${figuresOf(result)}`);
      expect(unexplained(result)).toEqual([]);
      expect(result.words).toBeLessThanOrEqual(3_000);
    },
    MINUTES,
  );

  test(
    'over v2 differs from our chart only as it is known to, learned with --dial-command',
    async () => {
      await using node = await bitcoind();
      const command = `${cliFolder(node, folder)}/bitcoin-cli addnode {host}:{port} onetry {v2}`;
      const args = ['--transport', 'v2', '--dial-command', command, '--parallel', '16', '--json'];
      const run = new Program(['learn', '--regtest', ...args, `127.0.0.1:${node.port}`]);
      expect(await run.exit).toBe(0);
      const [result] = run.events as unknown as Printed[];
      const { words, symbols, seconds, states, differences } = result!;
      expect([result!.connection_type, result!.transport]).toEqual(['manual', 'v2']);
      expect([words <= 3_000, symbols >= words, seconds > 0, states]).toEqual([
        true,
        true,
        true,
        result!.machine.states.length,
      ]);
      for (const { word, expected, actual, explanation } of differences)
        expect({ word, expected, actual, explanation }).toMatchObject({
          explanation: expect.stringMatching(/\.$/),
        });
      print(
        `the dialler of bitcoind over v2: ${words} words, ${symbols} symbols, ${seconds} s, ${states} states`,
      );
    },
    MINUTES,
  );
});
