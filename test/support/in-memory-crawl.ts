/** A crawl of a plan on a virtual clock: options with defaults for tests, and what drives the clock meanwhile. */
import { type CrawlOptions, Crawl, CRAWL_DEFAULTS, NodeContacts, OptOutList } from '../../src/crawl/index.js';
import { memoryNet, VirtualClock } from '../../src/index.js';
import { NETWORKS } from '../../src/networks.js';
import { Chance } from '../simulation/seeded-random.js';
import { type PlannedNode, SimulatedNetwork } from './simulated-network.js';

const ALL = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'] as const;

type Needed = Pick<CrawlOptions, 'contacts' | 'clock'>;

/** Everything that a crawl of that plan needs. */
export function optionsFor(
  plan: readonly PlannedNode[],
  more: Needed & Partial<CrawlOptions>,
  seed = 1,
): CrawlOptions {
  const chance = new Chance(seed);
  return {
    ...CRAWL_DEFAULTS,
    ...{ chain: NETWORKS.regtest, agent: '/verack:test/', vantage: 'test', networks: ALL },
    ...{ allowUnroutable: true, anyPort: false, optOut: new OptOutList(), v2transport: true, resume: false },
    seeds: () => Promise.resolve([{ addr: plan[0]!.addr, source: 'seednode' }]),
    random: (count) => chance.bytes(count),
    ...more,
  };
}

/** Moves a virtual clock until a promise settles. */
export async function drive<T>(clock: VirtualClock, work: Promise<T>, step = 1_000): Promise<T> {
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  over.catch(() => undefined);
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(step);
  }
  return over;
}

/** A plan served in memory, and contacts that a real node makes to it. */
export async function inMemory(plan: readonly PlannedNode[], seed = 1, inventions = 1_000) {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency: 20 });
  const network = await new SimulatedNetwork(plan, { net, clock, seed, inventions }).start();
  const chance = new Chance(seed + 1);
  const contactsOf = (parallel = 256): NodeContacts =>
    new NodeContacts({
      ...{ chain: 'regtest', net, clock, parallel, vantage: 'test', v2transport: true },
      ...{ random: (count) => chance.bytes(count), replyTimeout: 30_000, contactTimeout: 60_000 },
    });
  return { clock, network, contactsOf };
}

export { Crawl };
