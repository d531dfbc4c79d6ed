/**
 * The series of a crawl: addresses by state, contacts by outcome, reachable addresses by network and transport, and the age
 * of the data. No label contains text from a peer.
 */
import { Gauge, type Registry } from 'prom-client';

type Counts = Readonly<Record<string, number>>;

/** The figures of a crawl, which are read at each scrape. */
export interface CrawlFigures {
  readonly known: number;
  readonly queued: number;
  readonly active: number;
  readonly attempted: number;
  readonly reachable: number;
  /** Contacts by outcome. */
  readonly outcomes: Counts;
  /** Reachable addresses. */
  readonly networks: Counts;
  readonly transports: Counts;
  /** Seconds since the last result of a fleet; 0 while no result is outstanding. */
  readonly resultAge: number;
}

/** Adds the series of a crawl to a registry of prom-client; throws when they exist already. */
export function crawlMetrics(read: () => CrawlFigures, registry: Registry): void {
  const by = (label: string, name: string, help: string, counts: (figures: CrawlFigures) => Counts): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        for (const [key, count] of Object.entries(counts(read()))) this.set({ [label]: key }, count);
      },
    });
  by(
    'state',
    'verack_crawl_addresses',
    'Addresses by state: known, queued, open, contacted, reachable.',
    addresses,
  );
  by('outcome', 'verack_crawl_contacts', 'Contacts by outcome.', ({ outcomes }) => outcomes);
  by('network', 'verack_crawl_networks', 'Reachable addresses by network.', ({ networks }) => networks);
  by(
    'transport',
    'verack_crawl_transports',
    'Reachable addresses by transport.',
    ({ transports }) => transports,
  );
  new Gauge({
    name: 'verack_crawl_result_age_seconds',
    help: 'Seconds since the last result of a fleet; 0 while no result is outstanding.',
    registers: [registry],
    collect() {
      this.set(read().resultAge);
    },
  });
}

const addresses = ({ known, queued, active, attempted, reachable }: CrawlFigures): Counts => ({
  known,
  queued,
  reachable,
  open: active,
  contacted: attempted,
});
