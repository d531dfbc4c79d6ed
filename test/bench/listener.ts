/** A listening node, made with the public library, that reports its state: the tasks of a `Worker`. */
import { createNode } from '../../src/index.js';
import { censusOf } from './process-state.js';
import { lagTasks } from './lag-tasks.js';
import { serveTasks } from './tasks.js';

const ROOM = 100_000;
const node = createNode({ chain: 'regtest', maxinbound: ROOM, maxoutbound: 0, v2transport: true });

serveTasks({
  ...lagTasks,
  /** On 127.0.0.1 and the `addresses` - 1 behind it. */
  listen: async ({ port, addresses = 1 }: { port: number; addresses?: number }) => {
    for (let i = 1; i <= addresses; i++) await node.listen({ host: `127.0.0.${i}`, port });
  },
  census: () => censusOf(node),
});
