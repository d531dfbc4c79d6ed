/**
 * One contact of a crawl: one connection that asks a node for addresses, BIP324 first where the node advertises it.
 *
 *   idle → connecting (v2 | v1) → awaitingAddresses → receiving → closing → done | cancelled
 *               └→ fallingBack → released → connecting (v1)
 *
 * A contact ends when the node has advertised addresses other than its own and has answered a ping after them, when no addresses
 * arrived in time, or when the connection ends. One deadline covers the whole contact. Received messages are stored outside the machine,
 * whose events contain only the facts it needs.
 *
 * Effects are empty here; src/crawl/open-contact.ts provides them.
 */
import { assertEvent, assign, setup } from 'xstate';
import type { Reason } from '../src/reasons.js';

/** Limits of the time without addresses after which a contact ends, milliseconds. It is twice the round trip of the ping, if that was answered. */
const [SHORTEST_SILENCE, LONGEST_SILENCE] = [20, 2_000];
/** That time for a node that has not answered the ping; four times the duration of the handshake is added. */
const SILENCE_WITHOUT_PONG = 250;
/** Interval at which a contact that waits for addresses is checked, milliseconds. The limit changes with the answers of other nodes. */
const LOOK_INTERVAL = 200;
/** Milliseconds after which a key exchange is abandoned and v1 is tried; four times the time to connect is added. */
const KEY_EXCHANGE = 1_000;

/** The input of a contact actor. */
export interface ContactInput {
  readonly addr: string;
  /** Try BIP324 first. */
  readonly v2: boolean;
  /** Milliseconds for the whole contact, from the first dial on. */
  readonly contactTimeout: number;
}

/** The context of the contact machine. */
export interface ContactContext extends ContactInput {
  /** Delay of the last timer effect, milliseconds: until the connection is checked, or until the silence has passed. */
  readonly delay: number;
  /** Duration of the handshake, milliseconds. */
  readonly handshake: number;
  /** Round trip of our ping, milliseconds; -1 before its answer. */
  readonly pingtime: number;
  /** A message has brought addresses other than the node's own. */
  readonly hasAddresses: boolean;
  /** How the connection ended; null before. */
  readonly reason: Reason | null;
}

/** Every event of a contact. */
export type ContactEvent =
  | { readonly type: 'user.begin' }
  /** The key exchange is incomplete. `elapsed`: milliseconds since the start of the contact; `connect`: milliseconds until TCP was open, -1 before. */
  | { readonly type: 'exchange.pending'; readonly elapsed: number; readonly connect: number }
  /** The handshake is complete. `handshake`: its duration, milliseconds; `limit`: milliseconds to wait for addresses. */
  | { readonly type: 'connection.established'; readonly handshake: number; readonly limit: number }
  /** No addresses have arrived in the `waited` milliseconds since the handshake; they are awaited for `limit` milliseconds. */
  | { readonly type: 'addresses.pending'; readonly waited: number; readonly limit: number }
  /** An `addr` or `addrv2` message. `others`: it contains more than the node's own address, that is, not exactly one. */
  | { readonly type: 'addresses.received'; readonly others: boolean }
  /** More bytes or messages were received than one contact may send. */
  | { readonly type: 'addresses.exceeded' }
  /** No further addresses have arrived for the time of `effect.awaitSilence`. */
  | { readonly type: 'silence.passed' }
  | { readonly type: 'pong.received'; readonly pingtime: number }
  /** The connection has ended, or it could not be dialled. */
  | { readonly type: 'connection.ended'; readonly reason: Reason }
  | { readonly type: 'user.cancel' };

/** The types of all events. */
export const CONTACT_EVENTS = [
  'user.begin',
  'exchange.pending',
  'connection.established',
  'addresses.pending',
  'addresses.received',
  'addresses.exceeded',
  'silence.passed',
  'pong.received',
  'connection.ended',
  'user.cancel',
] as const satisfies readonly ContactEvent['type'][];

/** Milliseconds since the start of the contact at which the key exchange is abandoned. */
const exchangeLimit = (connect: number): number => connect * 5 + KEY_EXCHANGE;

function silenceOf({ pingtime, handshake }: ContactContext): number {
  const silence = pingtime < 0 ? SILENCE_WITHOUT_PONG + 4 * handshake : 2 * pingtime;
  return Math.min(LONGEST_SILENCE, Math.max(SHORTEST_SILENCE, silence));
}

const contactSetup = setup({
  types: {
    context: {} as ContactContext,
    events: {} as ContactEvent,
    input: {} as ContactInput,
  },
  guards: {
    usesV2: ({ context }) => context.v2,
    isExchangeOverdue: ({ event }) => {
      assertEvent(event, 'exchange.pending');
      return event.connect >= 0 && event.elapsed >= exchangeLimit(event.connect);
    },
    hasAddresses: ({ context }) => context.hasAddresses,
    areOverdue: ({ event }) => {
      assertEvent(event, 'addresses.pending');
      return event.waited >= event.limit;
    },
    areOthers: ({ event }) => {
      assertEvent(event, 'addresses.received');
      return event.others;
    },
  },
  actions: {
    'effect.dial': (_, _params: { v2: boolean }) => undefined,
    'effect.inspectExchange': () => undefined,
    'effect.inspectDelay': () => undefined,
    'effect.awaitSilence': () => undefined,
    'effect.recordDelay': () => undefined,
    'effect.disconnect': () => undefined,
    'effect.report': (_, _params: { cancelled: boolean }) => undefined,
    recordExchange: assign(({ event }) => {
      assertEvent(event, 'exchange.pending');
      const left = exchangeLimit(event.connect) - event.elapsed;
      return { delay: event.connect < 0 ? KEY_EXCHANGE : left };
    }),
    recordEstablished: assign(({ event }) => {
      assertEvent(event, 'connection.established');
      return { handshake: event.handshake, delay: Math.min(event.limit, LOOK_INTERVAL) };
    }),
    recordWait: assign(({ event }) => {
      assertEvent(event, 'addresses.pending');
      return { delay: Math.min(event.limit - event.waited, LOOK_INTERVAL) };
    }),
    recordAddresses: assign({ hasAddresses: true }),
    recordSilence: assign(({ context }) => ({ delay: silenceOf(context) })),
    recordPong: assign(({ event }) => {
      assertEvent(event, 'pong.received');
      return { pingtime: event.pingtime };
    }),
    recordReason: assign(({ event }) => {
      assertEvent(event, 'connection.ended');
      return { reason: event.reason };
    }),
  },
  delays: {
    contactTimeout: ({ context }) => context.contactTimeout,
    nextTurn: 0,
  },
});

/** The chart; output is the `Reason` of the end of its last connection. */
export const contactMachine = contactSetup.createMachine({
  id: 'contact',
  description: 'One contact of a crawl',
  context: ({ input }) => ({
    addr: input.addr,
    v2: input.v2,
    contactTimeout: input.contactTimeout,
    delay: KEY_EXCHANGE,
    handshake: 0,
    pingtime: -1,
    hasAddresses: false,
    reason: null,
  }),
  output: ({ context }) => context.reason,
  initial: 'idle',
  states: {
    idle: {
      description: 'not begun yet',
      on: {
        'user.begin': [
          { guard: 'usesV2', target: '#contact.open.connecting.v2', description: 'BIP324 first' },
          { target: '#contact.open.connecting.v1', description: 'v1 only' },
        ],
      },
    },
    open: {
      description: 'one deadline for all of it',
      initial: 'connecting',
      after: { contactTimeout: { target: '#contact.closing', description: 'it takes too long' } },
      on: {
        'addresses.exceeded': {
          target: '#contact.closing',
          description: 'more bytes or messages than one contact may bring',
        },
        'connection.ended': {
          target: '#contact.done',
          actions: 'recordReason',
          description: 'it has ended by itself, or could not be dialled',
        },
        'user.cancel': { target: '#contact.cancelling', description: 'the crawl is interrupted' },
      },
      states: {
        connecting: {
          description: 'a connection is being opened',
          initial: 'v1',
          on: {
            'connection.established': [
              {
                guard: 'hasAddresses',
                target: '#contact.open.receiving',
                actions: ['recordEstablished', 'recordSilence'],
                description: 'addresses have come already',
              },
              {
                target: '#contact.open.awaitingAddresses',
                actions: 'recordEstablished',
                description: 'the handshake is complete',
              },
            ],
            'addresses.received': {
              guard: 'areOthers',
              actions: 'recordAddresses',
              description: 'before the handshake is complete',
            },
          },
          states: {
            v2: {
              description: 'with BIP324',
              entry: [{ type: 'effect.dial', params: { v2: true } }, 'effect.inspectExchange'],
              on: {
                'exchange.pending': [
                  {
                    guard: 'isExchangeOverdue',
                    target: '#contact.open.fallingBack',
                    description: 'some v1 nodes wait for the rest of a message when they receive a key',
                  },
                  {
                    actions: ['recordExchange', 'effect.inspectExchange'],
                    description: 'it may still be answered',
                  },
                ],
              },
            },
            v1: {
              description: 'without BIP324',
              entry: { type: 'effect.dial', params: { v2: false } },
            },
          },
        },
        fallingBack: {
          description: 'the connection closes, and v1 follows',
          entry: 'effect.disconnect',
          on: {
            'connection.ended': {
              target: '#contact.open.released',
              description: 'the connection has closed',
            },
          },
        },
        released: {
          description: 'the address is free in the next turn',
          after: { nextTurn: { target: '#contact.open.connecting.v1', description: 'v1 is tried' } },
        },
        awaitingAddresses: {
          description: 'the handshake is complete, waiting for addresses',
          entry: 'effect.inspectDelay',
          on: {
            'addresses.received': {
              guard: 'areOthers',
              target: '#contact.open.receiving',
              actions: ['recordAddresses', 'recordSilence', 'effect.recordDelay'],
              description: 'addresses other than its own',
            },
            'addresses.pending': [
              { guard: 'areOverdue', target: '#contact.closing', description: 'no addresses in time' },
              { actions: ['recordWait', 'effect.inspectDelay'], description: 'they may still come' },
            ],
            'pong.received': { actions: 'recordPong', description: 'its round trip bounds the silence' },
          },
        },
        receiving: {
          description: 'addresses have come, more may follow',
          entry: 'effect.awaitSilence',
          on: {
            'addresses.received': {
              actions: 'effect.awaitSilence',
              description: 'the silence begins again',
            },
            'pong.received': {
              target: '#contact.closing',
              description: 'the ping was sent after getaddr: nothing more follows',
            },
            'silence.passed': { target: '#contact.closing', description: 'nothing more follows' },
          },
        },
      },
    },
    closing: {
      description: 'the connection closes',
      entry: 'effect.disconnect',
      on: {
        'connection.ended': {
          target: '#contact.done',
          actions: 'recordReason',
          description: 'the connection has closed',
        },
        'user.cancel': { target: '#contact.cancelling', description: 'the crawl is interrupted' },
      },
    },
    cancelling: {
      description: 'the connection closes, and nothing is reported',
      entry: 'effect.disconnect',
      on: { 'connection.ended': { target: '#contact.cancelled', description: 'the connection has closed' } },
    },
    done: {
      type: 'final',
      entry: { type: 'effect.report', params: { cancelled: false } },
      description: 'reported',
    },
    cancelled: {
      type: 'final',
      entry: { type: 'effect.report', params: { cancelled: true } },
      description: 'as if it had not begun',
    },
  },
});
