/**
 * The crawl machine: looks up the first addresses, contacts the queued ones in rounds, and waits between rounds.
 *
 *   seeding → preparing → crawling → waiting → preparing → … → idle → seeding …
 *                             └────→ draining → done
 *
 * The machine stores only counts; the addresses are in the frontier (src/crawl/frontier.ts). A round is over when nothing is
 * queued and no contact is open. Later rounds repeat contacts. With `every` above 0, the next crawl starts after that many
 * milliseconds.
 */
import { assertEvent, assign, setup } from 'xstate';

/** The counts of the frontier after a change. */
export interface FrontierCounts {
  /** Addresses that wait for a contact. */
  readonly queued: number;
  /** Contacts that are open. */
  readonly active: number;
}

/** Why a crawl ended. */
export type CrawlEnd = 'complete' | 'interrupted';

/** The input of a crawl actor. */
export interface CrawlInput {
  /** Number of rounds, at least 1; the second and later ones repeat contacts. */
  readonly rounds: number;
  /** Milliseconds between two rounds. */
  readonly roundDelay: number;
  /** Milliseconds that open contacts may take to close after a stop. */
  readonly cancelTimeout: number;
  /** Milliseconds between two crawls; 0 for one crawl only. */
  readonly every: number;
  /** The round that a resumed crawl continues with; 1 for a new one. */
  readonly round: number;
}

/** The context of the crawl machine: its options and the counts of the frontier. */
export interface CrawlContext extends CrawlInput, FrontierCounts {
  /** Number of crawls so far, including this one. */
  readonly crawls: number;
  readonly end: CrawlEnd;
}

/** The events of the crawl machine. */
export type CrawlEvent =
  | { readonly type: 'frontier.seeded' }
  | (FrontierCounts & { readonly type: 'contact.ended' })
  | (FrontierCounts & { readonly type: 'frontier.filled' })
  | { readonly type: 'user.stop' };

/** Every event type of the crawl machine. */
export const CRAWL_EVENTS = [
  'frontier.seeded',
  'frontier.filled',
  'contact.ended',
  'user.stop',
] as const satisfies readonly CrawlEvent['type'][];

const crawlSetup = setup({
  types: {
    context: {} as CrawlContext,
    events: {} as CrawlEvent,
    input: {} as CrawlInput,
    output: {} as CrawlEnd,
  },
  guards: {
    isExhausted: ({ context }) => context.queued === 0 && context.active === 0,
    isDrained: ({ context }) => context.active === 0,
    isLastRound: ({ context }) => context.round >= context.rounds,
    isRepeated: ({ context }) => context.every > 0,
  },
  actions: {
    'effect.seed': () => undefined,
    'effect.beginRound': () => undefined,
    'effect.fill': () => undefined,
    'effect.cancel': () => undefined,
    'effect.finish': () => undefined,
    recordCounts: assign(({ event }) => {
      assertEvent(event, ['frontier.filled', 'contact.ended']);
      return { queued: event.queued, active: event.active };
    }),
    countRound: assign(({ context }) => ({ round: context.round + 1 })),
    startNextCrawl: assign(({ context }) => ({ round: 1, crawls: context.crawls + 1 })),
    recordInterruption: assign({ end: 'interrupted' }),
  },
  delays: {
    roundDelay: ({ context }) => context.roundDelay,
    cancelTimeout: ({ context }) => context.cancelTimeout,
    every: ({ context }) => context.every,
  },
});

/** The chart. Its output is the {@link CrawlEnd}; the running program provides the effects. */
export const crawlMachine = crawlSetup.createMachine({
  id: 'crawl',
  description: 'Contacts every known address, in rounds, until no round is left',
  context: ({ input }) => ({ ...input, queued: 0, active: 0, crawls: 1, end: 'complete' }),
  output: ({ context }) => context.end,
  initial: 'seeding',
  states: {
    seeding: {
      description: 'the first addresses are looked up',
      entry: 'effect.seed',
      on: {
        'frontier.seeded': { target: 'preparing', description: 'the frontier has its first addresses' },
        'user.stop': { target: 'interrupted', actions: 'recordInterruption', description: 'interrupted' },
      },
    },
    preparing: {
      description: 'a round begins: its addresses are queued',
      entry: 'effect.beginRound',
      on: {
        'frontier.filled': { target: 'crawling', actions: 'recordCounts', description: 'the queue is ready' },
        'user.stop': { target: 'interrupted', actions: 'recordInterruption', description: 'interrupted' },
      },
    },
    crawling: {
      description: 'contacts are open; when one ends, the next begins',
      entry: 'effect.fill',
      always: [
        { guard: 'isExhausted', target: 'roundOver', description: 'nothing is queued and none is open' },
      ],
      on: {
        'contact.ended': {
          actions: ['recordCounts', 'effect.fill'],
          description: 'a contact has ended; the next one begins',
        },
        'frontier.filled': { actions: 'recordCounts', description: 'contacts were opened' },
        'user.stop': {
          target: 'draining',
          actions: ['recordInterruption', 'effect.cancel'],
          description: 'open contacts are closed',
        },
      },
    },
    roundOver: {
      description: 'every address of this round has been contacted',
      always: [
        { guard: 'isLastRound', target: 'finished', description: 'it was the last round' },
        { target: 'waiting', description: 'repeat contacts follow' },
      ],
    },
    waiting: {
      description: 'a pause before contacts are repeated, so that a full node may have a free slot',
      after: {
        roundDelay: { target: 'preparing', actions: 'countRound', description: 'the next round' },
      },
      on: {
        'user.stop': { target: 'interrupted', actions: 'recordInterruption', description: 'interrupted' },
      },
    },
    finished: {
      description: 'the crawl is complete',
      entry: 'effect.finish',
      always: [
        { guard: 'isRepeated', target: 'idle', description: 'another crawl follows' },
        { target: 'done', description: 'only one crawl was requested' },
      ],
    },
    idle: {
      description: 'a pause before the next crawl',
      after: { every: { target: 'seeding', actions: 'startNextCrawl', description: 'the next crawl' } },
      on: { 'user.stop': { target: 'done', description: 'the last crawl is complete' } },
    },
    draining: {
      description: 'open contacts close',
      always: [{ guard: 'isDrained', target: 'interrupted', description: 'no contact is open' }],
      after: { cancelTimeout: { target: 'interrupted', description: 'the time for closing is over' } },
      on: {
        'contact.ended': { actions: 'recordCounts', description: 'a contact has ended' },
        'frontier.filled': {
          actions: 'recordCounts',
          description: 'contacts that were opened before the stop',
        },
      },
    },
    interrupted: {
      description: 'the results so far are kept; the crawl can be resumed',
      entry: 'effect.finish',
      always: { target: 'done', description: 'the crawl has ended' },
    },
    done: { type: 'final', description: 'the crawl is over' },
  },
});
