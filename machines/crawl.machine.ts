/**
 * One crawl: looks up the first addresses, contacts the queued ones, and waits between rounds.
 *
 *   seeding → preparing → crawling → waiting → preparing → … → resting → seeding …
 *                             └────→ draining → done
 *
 * The machine holds counts only; the addresses are in the frontier. A round is over when nothing is queued and no contact is open. Later rounds
 * are repeat contacts. `every` above 0 starts the next crawl after that many milliseconds.
 */
import { assign, setup } from 'xstate';

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
  /** Rounds of contacts; the second and later ones repeat contacts. At least 1. */
  readonly rounds: number;
  /** Milliseconds between two rounds. */
  readonly roundDelay: number;
  /** Milliseconds that open contacts get after a stop. */
  readonly cancelTimeout: number;
  /** Milliseconds between two crawls; 0 for one crawl only. */
  readonly every: number;
  /** The round that a resumed crawl continues with; 1 for a new one. */
  readonly round: number;
}

/** The context of the crawl machine: its options and the counts of the frontier. */
export interface CrawlContext extends CrawlInput, FrontierCounts {
  /** Crawls begun, this one included. */
  readonly crawls: number;
  readonly end: CrawlEnd;
}

/** Every event of the crawl. */
export type CrawlEvent =
  | { readonly type: 'frontier.seeded' }
  | (FrontierCounts & { readonly type: 'contact.ended' })
  | (FrontierCounts & { readonly type: 'frontier.filled' })
  | { readonly type: 'user.stop' };

/** All of them. */
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
    noteCounts: assign(({ event, context }) => ({
      queued: 'queued' in event ? event.queued : context.queued,
      active: 'active' in event ? event.active : context.active,
    })),
    countRound: assign(({ context }) => ({ round: context.round + 1 })),
    beginAnew: assign(({ context }) => ({ round: 1, crawls: context.crawls + 1 })),
    noteInterruption: assign({ end: 'interrupted' }),
  },
  delays: {
    roundDelay: ({ context }) => context.roundDelay,
    cancelTimeout: ({ context }) => context.cancelTimeout,
    every: ({ context }) => context.every,
  },
});

/** The chart; effects are provided by the running program. */
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
        'user.stop': { target: 'interrupted', actions: 'noteInterruption', description: 'interrupted' },
      },
    },
    preparing: {
      description: 'a round begins: what it contacts is queued',
      entry: 'effect.beginRound',
      on: {
        'frontier.filled': { target: 'crawling', actions: 'noteCounts', description: 'the queue is ready' },
        'user.stop': { target: 'interrupted', actions: 'noteInterruption', description: 'interrupted' },
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
          actions: ['noteCounts', 'effect.fill'],
          description: 'a contact has ended; the next one begins',
        },
        'frontier.filled': { actions: 'noteCounts', description: 'contacts were begun' },
        'user.stop': {
          target: 'draining',
          actions: ['noteInterruption', 'effect.cancel'],
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
        'user.stop': { target: 'interrupted', actions: 'noteInterruption', description: 'interrupted' },
      },
    },
    finished: {
      description: 'the crawl is complete',
      entry: 'effect.finish',
      always: [
        { guard: 'isRepeated', target: 'resting', description: 'another crawl follows' },
        { target: 'done', description: 'one crawl was asked for' },
      ],
    },
    resting: {
      description: 'a pause before the next crawl',
      after: { every: { target: 'seeding', actions: 'beginAnew', description: 'the next crawl' } },
      on: { 'user.stop': { target: 'done', description: 'the last crawl is complete' } },
    },
    draining: {
      description: 'open contacts close',
      always: [{ guard: 'isDrained', target: 'interrupted', description: 'none is open' }],
      after: { cancelTimeout: { target: 'interrupted', description: 'time is up' } },
      on: {
        'contact.ended': { actions: 'noteCounts', description: 'a contact has ended' },
        'frontier.filled': { actions: 'noteCounts', description: 'counts of contacts begun before the stop' },
      },
    },
    interrupted: {
      description: 'what was contacted is kept; the crawl can be resumed',
      entry: 'effect.finish',
      always: { target: 'done', description: 'the end' },
    },
    done: { type: 'final', description: 'the crawl is over' },
  },
});
