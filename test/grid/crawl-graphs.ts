/** Every state of the crawl machine and of the contact machine, explored from their starts by sample events. */
import type { SnapshotFrom } from 'xstate';

import { type ContactEvent, contactMachine, type CrawlEvent, crawlMachine } from '../../machines/index.js';
import { explore, type Graph, type Trial } from '../support/explore.js';
import { leafOf, Stepper } from '../support/step.js';

const named = (events: Readonly<Record<string, { readonly type: string }>>): Trial[] =>
  Object.entries(events).map(([name, event]) => ({ name, event }));

const CONTACT: Readonly<Record<string, ContactEvent>> = {
  begin: { type: 'user.begin' },
  'not open yet': { type: 'exchange.pending', elapsed: 1_000, connect: -1 },
  'key exchange in time': { type: 'exchange.pending', elapsed: 1_099, connect: 20 },
  'key exchange overdue': { type: 'exchange.pending', elapsed: 1_100, connect: 20 },
  established: { type: 'connection.established', handshake: 40, limit: 300 },
  'addresses may come': { type: 'addresses.pending', waited: 299, limit: 300 },
  'addresses overdue': { type: 'addresses.pending', waited: 300, limit: 300 },
  'its own address': { type: 'addresses.received', others: false },
  addresses: { type: 'addresses.received', others: true },
  silence: { type: 'silence.passed' },
  'too many': { type: 'addresses.exceeded' },
  pong: { type: 'pong.received', pingtime: 20 },
  ended: { type: 'connection.ended', reason: { code: 'ERR_LINK_EOF', facts: {} } },
  cancel: { type: 'user.cancel' },
};

/** The delays do not change which transition is taken. */
const contactKey = ({ value, context }: SnapshotFrom<typeof contactMachine>): string =>
  [leafOf(value), context.hasAddresses].join(' ');

export const CONTACT_GRAPHS: readonly Graph[] = [true, false].map((v2) =>
  explore(new Stepper(contactMachine, { addr: '10.0.0.1:18444', v2, contactTimeout: 60_000 }), {
    key: contactKey,
    trials: () => named(CONTACT),
  }),
);

const CRAWL: Readonly<Record<string, CrawlEvent>> = {
  seeded: { type: 'frontier.seeded' },
  'nothing queued': { type: 'frontier.filled', queued: 0, active: 0 },
  'one queued': { type: 'frontier.filled', queued: 1, active: 0 },
  'one open': { type: 'frontier.filled', queued: 0, active: 1 },
  'one ended, another open': { type: 'contact.ended', queued: 0, active: 1 },
  'the last ended': { type: 'contact.ended', queued: 0, active: 0 },
  stop: { type: 'user.stop' },
};

/** How many crawls there were does not change which transition is taken. */
const crawlKey = ({ value, context }: SnapshotFrom<typeof crawlMachine>): string =>
  [leafOf(value), context.queued, context.active, Math.min(context.round, context.rounds), context.end].join(
    ' ',
  );

export const CRAWL_GRAPHS: readonly Graph[] = [0, 60_000].map((every) =>
  explore(
    new Stepper(crawlMachine, { rounds: 2, roundDelay: 1_000, cancelTimeout: 2_000, every, round: 1 }),
    { key: crawlKey, trials: () => named(CRAWL) },
  ),
);
