/** A node made with the public library that listens, and tells of itself: the tasks of a `Worker`. */
import { createNode } from '../../src/index.js';
import { censusOf } from './process-state.js';
import { lagTasks } from './lag-tasks.js';
import { serveTasks } from './tasks.js';

const ROOM = 100_000;
const node = createNode({ chain: 'regtest', maxinbound: ROOM, maxoutbound: 0, v2transport: true });

serveTasks({
  ...lagTasks,
  listen: async ({ port }: { port: number }) => {
    await node.listen({ host: '127.0.0.1', port });
  },
  census: () => censusOf(node),
});
