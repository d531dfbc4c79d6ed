/** How often the 95 % interval of a crawl holds the truth: whole crawls of a simulated population, seed by seed. */
import { Crawl } from '../../src/crawl/index.js';
import { VirtualClock } from '../../src/index.js';
import { classifyHost } from '../../src/crawl/index.js';
import { drive, optionsFor } from './in-memory-crawl.js';
import { SimulatedContacts } from './simulated-contacts.js';
import { planNetwork } from './simulated-network.js';

export interface CoverageOptions {
  readonly size: number;
  readonly reachable: number;
  /** Departures per hour. */
  readonly churn: number;
  readonly rounds: number;
  readonly sample: number;
  readonly advertises: number;
}

export interface Covered {
  readonly seed: number;
  /** Nodes that were up at some time between the first contact and the last. */
  readonly truth: number;
  readonly low: number;
  readonly estimate: number;
  readonly high: number;
  readonly observed: number;
  readonly contacts: number;
  /** Contacts of addresses that are not publicly routable. */
  readonly unroutable: number;
  readonly holds: boolean;
}

/** Addresses that a crawl begins with. */
const SEEDS = 10;

/** One crawl. */
export async function coverageOf(seed: number, options: CoverageOptions): Promise<Covered> {
  const { size, reachable, churn, rounds, sample, advertises } = options;
  const plan = planNetwork({ seed, size, reachable, advertises, addresses: 'public' });
  const clock = new VirtualClock();
  const contacts = new SimulatedContacts({ seed, plan, clock, churn });
  const limits = { rounds, sample, roundDelay: 600_000, parallel: 256, allowUnroutable: false };
  const seeds = () => Promise.resolve(plan.slice(0, SEEDS).map(({ addr }) => ({ addr, source: 'seednode' })));
  const crawl = await Crawl.open(optionsFor(plan, { contacts, clock, seeds, ...limits }, seed));
  const { estimate, contacts: count } = await drive(clock, crawl.run(), 30_000);
  const { truth } = contacts;
  const { low, high, observed } = estimate;
  const unroutable = contacts.contacted.filter(
    (addr) => classifyHost(hostOf(addr)).network === 'not_publicly_routable',
  ).length;
  const holds = low <= truth && truth <= high;
  return {
    seed,
    truth,
    low,
    estimate: estimate.estimate,
    high,
    observed,
    contacts: count,
    unroutable,
    holds,
  };
}

const hostOf = (addr: string): string => addr.slice(0, addr.lastIndexOf(':')).replace(/^\[|\]$/g, '');
