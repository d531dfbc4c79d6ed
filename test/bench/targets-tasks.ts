/** Many outbound targets, each with its machine and without a connection: the tasks of a `Worker`. */
import { setTimeout as wait } from 'node:timers/promises';
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import type { Connection } from '../../src/connection/connection.js';
import { environmentOf } from '../../src/node/options.js';
import { OutboundTarget, type TargetOwner } from '../../src/node/outbound-target.js';
import type { EndedPeer } from '../../src/node/tracker.js';
import { watchInspection } from '../../src/xstate/inspection.js';
import { keepTimersByActor } from '../../src/xstate/timers.js';
import { lagTasks } from './lag-tasks.js';
import { settledHeap } from './process-state.js';
import { serveTasks } from './tasks.js';

/** Targets created between two looks at the event loop. */
const BATCH = 200;

/** What is held, and for how long one dies in every millisecond. */
export interface Crowd {
  readonly targets: number;
  readonly seconds: number;
}

/** `lag`: the longest, milliseconds; `kilobytes`: of heap for each target; `died`: connections that ended; `cpu`: microseconds for each. */
export interface Cost {
  readonly lag: number;
  readonly kilobytes: number;
  readonly died: number;
  readonly cpu: number;
}

const parent = createActor(fromTransition((state: number) => state, 0));
keepTimersByActor(parent.system);
watchInspection(parent.system, false);
parent.start();

/** Every slot is granted, and every dial is established, in the next turn of the event loop. */
const owner: TargetOwner = {
  env: environmentOf({ chain: 'regtest' }),
  compiled: true,
  requestSlot: (target) => void setImmediate(() => target.answerSlot()),
  connect: (target) => void setImmediate(() => target.machine.send({ type: 'peer.established' })),
  ended: () => undefined,
  fallback: () => undefined,
  retry: () => undefined,
  abandoned: () => undefined,
  over: () => undefined,
};

/** What a target reads of a connection that ended. */
const CONNECTION = { context: { establishedat: -1 } } as unknown as Connection;
const ENDED = { reason: { code: 'ERR_LINK_RESET', facts: {} }, info: {} } as unknown as EndedPeer;

function targetOf(id: number): OutboundTarget {
  const addr = `127.${1 + (id >> 16)}.${(id >> 8) & 255}.${id & 255}:8333`;
  const rules = { connection_type: 'manual', persistent: true, v2: true, v2only: false } as const;
  const input = { id, name: '', addresses: [addr], ...rules };
  return new OutboundTarget({ input, port: 0, addr, automatic: false, parent: parent as AnyActorRef }, owner);
}

const targets: OutboundTarget[] = [];

/** Kilobytes for each. */
async function hold(count: number): Promise<number> {
  const before = await settledHeap();
  while (targets.length < count) {
    for (let i = 0; i < BATCH; i++) {
      const target = targetOf(targets.length);
      targets.push(target);
      target.dial();
    }
    await wait(1);
  }
  await wait(10);
  demandConnected();
  return ((await settledHeap()) - before) / count / 1_024;
}

function demandConnected(): void {
  const found = targets.filter(({ machine }) => machine.getSnapshot().value === 'connected').length;
  if (found !== targets.length) throw new Error(`${found} of ${targets.length} targets are connected`);
}

/** In every millisecond the connection of one target ends: it backs off, and is established anew. */
async function churn(seconds: number): Promise<number> {
  const began = performance.now();
  let died = 0;
  while (performance.now() < began + seconds * 1_000) {
    for (const due = performance.now() - began; died < due; died++)
      targets[died % targets.length]?.connectionEnded(CONNECTION, ENDED);
    await wait(1);
  }
  return died;
}

async function cost({ targets: count, seconds }: Crowd): Promise<Cost> {
  const kilobytes = await hold(count);
  await churn(2);
  const before = process.cpuUsage();
  lagTasks.watchLag();
  const died = await churn(seconds);
  const { user, system } = process.cpuUsage(before);
  return { lag: lagTasks.lag().max, kilobytes, died, cpu: (user + system) / died };
}

serveTasks({ cost });
