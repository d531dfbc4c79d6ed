/** What a node holds at one moment: what must be the same before the first peer and after the last one. */
import { getActiveResourcesInfo, memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { BitcoinNode } from '../../src/index.js';

export interface Census {
  /** Bytes after two full garbage collections. */
  readonly heap: number;
  readonly rss: number;
  /** Live connections of the node. */
  readonly peers: number;
  /** Slots that the supervisor has given away. */
  readonly slots: number;
  /** What keeps the event loop busy, by kind: sockets, timers, servers. */
  readonly resources: Readonly<Record<string, number>>;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Sockets that have ended are freed in the turns behind a collection. */
async function settle(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Bytes of the heap after two full garbage collections. */
export async function settledHeap(): Promise<number> {
  await settle();
  return memoryUsage().heapUsed;
}

/** Collects garbage first. */
export async function censusOf(node: BitcoinNode): Promise<Census> {
  await settle();
  const { heapUsed: heap, rss } = memoryUsage();
  const { inbound, outbound } = node.supervisor.getSnapshot().context;
  const resources: Record<string, number> = {};
  for (const kind of getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heap, rss, peers: node.peers.size, slots: inbound + outbound, resources };
}

/** The slope of the line through the points, by least squares. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const rise = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return rise / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}
