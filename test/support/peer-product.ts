/**
 * Two peer machines, dialler and acceptor, with a queue of messages in each direction: every order in which messages, ends,
 * timeouts, resets and a few hostile messages can happen, breadth first.
 *
 * Time does not pass (all times are 0), so contexts are finite and are compared completely; timers may fire at any moment.
 */
import type { SnapshotFrom } from 'xstate';

import {
  CORE_RULES,
  type MessageSequence,
  messagesOf,
  type PeerContext,
  type PeerEvent,
  peerMachine,
} from '../../machines/index.js';
import { armedAfter, leafOf, type Step, Stepper } from './step.js';

/** The messages of a sequence by name; a test may hand in others. */
export type Sequences = (
  sequence: MessageSequence,
  context: PeerContext,
  event: PeerEvent,
) => readonly string[];

export const realSequences: Sequences = (sequence, context, event) =>
  messagesOf(sequence, context, event).map(({ command }) => command);

const NONCE = '00000000000000aa';
const VERSION = {
  ...{
    type: 'wire.version',
    at: 0,
    version: 70017,
    services: '0000000000000009',
    timeoffset: 0,
    nonce: NONCE,
  },
  ...{ subver: '', startingheight: 0, relaytxes: false, addrlocal: '', ownnonce: false },
} as const satisfies PeerEvent;

/** The messages between the machines, and their events. `alert` and similar messages are not events. */
const HONEST: Readonly<Record<string, PeerEvent>> = {
  version: VERSION,
  verack: { type: 'wire.verack', at: 0, nonce: NONCE },
  wtxidrelay: { type: 'wire.wtxidrelay' },
  sendaddrv2: { type: 'wire.sendaddrv2' },
  getaddr: { type: 'wire.getaddr' },
  sendcmpct: { type: 'wire.sendcmpct', announce: 0, version: '0000000000000002' },
  feefilter: { type: 'wire.feefilter', feerate: '00000000000003e8' },
  ping: { type: 'wire.ping', nonce: NONCE },
  pong: { type: 'wire.pong', at: 0, nonce: NONCE },
  END: { type: 'link.closed', code: 'ERR_LINK_EOF' },
  RESET: { type: 'link.closed', code: 'ERR_LINK_RESET' },
};

/** What no honest peer would send then; `verack!` and `version!` are the honest ones at the wrong time. */
export const HOSTILE: Readonly<Record<string, PeerEvent>> = {
  'verack!': HONEST.verack!,
  'version!': VERSION,
  'version 31799': { ...VERSION, version: 31799 },
  'version garbled': { ...VERSION, fault: 'ERR_CODEC_SHORT' },
  'wtxidrelay!': { type: 'wire.wtxidrelay' },
  'feature bad': { type: 'wire.feature', id: '', valid: false },
  'ping!': { type: 'wire.ping', nonce: NONCE },
  'pong 0': { type: 'wire.pong', at: 0, nonce: '0000000000000000' },
  'sendcmpct 2': { type: 'wire.sendcmpct', announce: 2, version: '0000000000000002' },
  'addr 1001': { type: 'wire.excess', command: 'addr', count: 1001, limit: 1000 },
  mempool: { type: 'wire.unoffered', command: 'mempool' },
  checksum: { type: 'wire.dropped', code: 'ERR_FRAME_CHECKSUM', command: 'verack' },
  magic: { type: 'wire.broken', code: 'ERR_FRAME_MAGIC', facts: {} },
};

type Snapshot = SnapshotFrom<typeof peerMachine>;

/** One side at one moment. Of an end only the state is kept: nothing comes after it. */
export interface Local {
  readonly id: number;
  readonly leaf: string;
  readonly done: boolean;
  readonly armed: ReadonlyMap<string, number>;
  readonly snapshot: Snapshot;
}

export interface Reaction {
  readonly local: Local;
  readonly sends: readonly string[];
  readonly closes: boolean;
}

/** One side as a finite automaton: what it becomes and sends on each event, worked out once. */
export class Side {
  readonly #stepper: Stepper<typeof peerMachine>;
  readonly #locals = new Map<string, Local>();
  readonly #memory = new Map<string, Reaction>();

  constructor(
    readonly type: 'manual' | 'inbound',
    readonly sequences: Sequences,
  ) {
    this.#stepper = new Stepper(peerMachine, { id: 1, connection_type: type, rules: CORE_RULES });
  }

  begin(): Local {
    const { snapshot, actions } = this.#stepper.begin();
    return this.#intern(snapshot, armedAfter(new Map(), actions));
  }

  /** `name` of a message, or of an armed timer. */
  react(local: Local, name: string): Reaction {
    const key = `${local.id} ${name}`;
    const known = this.#memory.get(key);
    if (known) return known;
    const event = EVENTS[name] ?? { type: name };
    const step = this.#stepper.next(local.snapshot, event);
    const reaction = this.#reaction(local, step, event as PeerEvent);
    this.#memory.set(key, reaction);
    return reaction;
  }

  #reaction(local: Local, { snapshot, actions }: Step<Snapshot>, event: PeerEvent): Reaction {
    const sequences = actions.filter(({ type }) => type === 'effect.send');
    return {
      local: this.#intern(snapshot, armedAfter(local.armed, actions)),
      closes: actions.some(({ type }) => type === 'effect.close'),
      sends: sequences
        .flatMap(({ params, info }) =>
          this.sequences(
            (params as { sequence: MessageSequence }).sequence,
            info.context as PeerContext,
            event,
          ),
        )
        .filter((name) => name in EVENTS),
    };
  }

  #intern(snapshot: Snapshot, armed: Map<string, number>): Local {
    const done = snapshot.status === 'done';
    const leaf = leafOf(snapshot.value);
    const key = done ? leaf : JSON.stringify([leaf, snapshot.context, [...armed]]);
    const known = this.#locals.get(key);
    if (known) return known;
    const local = { id: this.#locals.size, leaf, done, armed, snapshot };
    this.#locals.set(key, local);
    return local;
  }
}

const EVENTS: Readonly<Record<string, PeerEvent>> = {
  ...HONEST,
  ...HOSTILE,
  open: { type: 'link.open', at: 0, elapsed: 0 },
  refused: { type: 'link.failed', code: 'ERR_DIAL_REFUSED', facts: {} },
  close: { type: 'user.close' },
};
