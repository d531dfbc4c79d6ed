/** bitcoind learned over v2, litecoind and bcoin in the role of the dialler: every difference from our chart must be explained. */
import { expect, jest, test } from '@jest/globals';
import type { LearnResult } from '../../src/learn/index.js';
import {
  figuresOf,
  learnedDialler,
  learnedListener,
  type Transport,
  unexplained,
} from '../models/learned-roles.js';
import { print } from '../support/print.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

// A close that comes later than the settle time of a busy machine is read as silence; the run is repeated then.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

type Learn = (node: RealNode, transport: Transport) => Promise<LearnResult>;
const RUNS: readonly [string, () => Promise<RealNode>, Transport, Learn][] = [
  ['the listener of bitcoind over v2', bitcoind, 'v2', learnedListener],
  ['the dialler of litecoind', litecoind, 'v1', learnedDialler],
  ['the dialler of bcoin', () => bcoin({ args: ['--ban-score=1000000000'] }), 'v1', learnedDialler],
];

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'real nodes', () => {
  test.each(RUNS)(
    '%s differs from our chart only as it is known to',
    async (name, start, transport, learn) => {
      await using node = await start();
      const result = await learn(node, transport);
      print(`${name}: ${figuresOf(result)}`);
      expect(unexplained(result)).toEqual([]);
      expect(result.words).toBeLessThanOrEqual(3_000);
    },
    180_000,
  );
});
