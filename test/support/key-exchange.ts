/**
 * One end of a key exchange as a finite automaton: the transport machine, and what its bytes are called. Messages between the
 * ends are tokens: `k1` (16 bytes of a key), `k2` (the rest), `t` (garbage and terminator), `d` (a decoy), `v` (the
 * version packet), `V1` (the first 16 bytes of a v1 version), `x` (a packet that does not decrypt), `END` and `RESET`.
 */
import type { SnapshotFrom } from 'xstate';

import { type TransportEvent, transportMachine } from '../../machines/index.js';
import { armedAfter, type Action, leafOf, Stepper } from './step.js';

export type Role = 'initiator' | 'responder';

/** How an end turns effects into tokens and tokens into events; a test may hand in a worse one. */
export interface Habits {
  /** What an effect (`sendKey`, `sendTerminator`) puts on the wire. */
  readonly sends: (effect: string, role: Role) => readonly string[];
  /** What is sent besides, when a token has come. */
  readonly answers: (token: string, role: Role) => readonly string[];
  /** The events of the machine. */
  readonly reads: (token: string, role: Role) => readonly TransportEvent[];
}

const SENDS: Readonly<Record<string, readonly string[]>> = {
  sendKey: ['k1', 'k2'],
  sendTerminator: ['t', 'd', 'v'],
};

const BYTE: TransportEvent = { type: 'bytes.arrived' };
const READS: Readonly<Record<string, readonly TransportEvent[]>> = {
  k2: [{ type: 'bytes.key' }],
  t: [{ type: 'bytes.garbage', size: 7 }],
  d: [{ type: 'packet.decoy' }],
  v: [{ type: 'packet.version' }],
  x: [{ type: 'bytes.broken', code: 'ERR_V2_AUTH', facts: {} }],
  END: [{ type: 'link.closed', code: 'ERR_LINK_EOF' }],
  RESET: [{ type: 'link.closed', code: 'ERR_LINK_RESET' }],
};

/** First bytes: v1 or a key; an initiator expects a key. */
function readToken(token: string, role: Role): readonly TransportEvent[] {
  if (token !== 'k1' && token !== 'V1') return READS[token] ?? [];
  if (role === 'initiator' && token === 'k1') return [BYTE];
  return [BYTE, { type: token === 'k1' ? 'bytes.v2' : 'bytes.v1' }];
}

/** As src/run does it. */
export const REAL_HABITS: Habits = {
  sends: (effect) => SENDS[effect] ?? [],
  answers: () => [],
  reads: readToken,
};

/** One end at one moment. `over`: it has ended; `code`: why, empty while it has not. */
export interface End {
  readonly leaf: string;
  readonly key: string;
  readonly over: boolean;
  readonly code: string;
  readonly armed: readonly string[];
  readonly react: (token: string) => Reaction;
}

export interface Reaction {
  readonly end: End;
  readonly sends: readonly string[];
}

/** An end that is over for a reason outside its machine. */
const endedIn = (leaf: string, code: string): End => ({
  ...{ leaf, key: `${leaf} ${code}`, over: true, code, armed: [] },
  react: () => ({ end: endedIn(leaf, code), sends: [] }),
});

/** The caller closes the connection. */
export const quit = (end: End): Reaction => ({ end: endedIn(end.leaf, 'user.close'), sends: ['END'] });

type Snapshot = SnapshotFrom<typeof transportMachine>;

/** An end that runs the machine. */
export function machineEnd(role: Role, v2only: boolean, habits: Habits = REAL_HABITS): End {
  const stepper = new Stepper(transportMachine, { id: 1, role, v2only, handshakeTimeout: 60_000 });
  const { snapshot, actions } = stepper.begin();
  return new MachineEnds(stepper, role, habits).endOf(snapshot, armedAfter(new Map(), actions));
}

class MachineEnds {
  constructor(
    readonly stepper: Stepper<typeof transportMachine>,
    readonly role: Role,
    readonly habits: Habits,
  ) {}

  endOf(snapshot: Snapshot, armed: ReadonlyMap<string, number>): End {
    const leaf = leafOf(snapshot.value);
    const { context } = snapshot;
    // Decoys are counted, and nothing else is made of their number.
    const key = JSON.stringify([leaf, { ...context, decoys: 0 }, [...armed.keys()]]);
    return {
      ...{ leaf, key, over: leaf === 'failed' || leaf === 'fallback', code: context.reason?.code ?? '' },
      armed: [...armed.keys()],
      react: (token) => this.#react(snapshot, armed, token),
    };
  }

  /** Behind the exchange only the end of the link is of interest here. */
  #react(snapshot: Snapshot, armed: ReadonlyMap<string, number>, token: string): Reaction {
    const ends = token === 'END' || token === 'RESET';
    const { status, value } = snapshot as { status: string; value: unknown };
    if (status === 'done')
      return { end: ends ? endedIn(leafOf(value), token) : this.endOf(snapshot, armed), sends: [] };
    const events = token.startsWith('xstate.') || token === 'open' ? [own(token)] : this.#read(token);
    const actions: Action[] = [];
    let now = snapshot;
    for (const event of events) {
      const step = this.stepper.next(now, event);
      now = step.snapshot;
      actions.push(...step.actions);
    }
    const sends = actions.flatMap(({ type }) => this.#sent(type));
    return { end: this.endOf(now, armedAfter(armed, actions)), sends: [...sends, ...this.#answers(token)] };
  }

  #read(token: string): readonly TransportEvent[] {
    return this.habits.reads(token, this.role);
  }

  #answers(token: string): readonly string[] {
    return this.habits.answers(token, this.role);
  }

  #sent(type: string): readonly string[] {
    if (type === 'effect.giveUp' || type === 'effect.fallBack') return ['END'];
    return type.startsWith('effect.') ? this.habits.sends(type.slice(7), this.role) : [];
  }
}

const own = (token: string): { readonly type: string } => ({
  type: token === 'open' ? 'link.connected' : token,
});

/** An end with v1 only: `closes` on other bytes, is `mute`, or `greets` before it reads. */
export function v1Responder(manner: 'closes' | 'mute' | 'greets', state = 'waiting'): End {
  const stay = (to: string, sends: readonly string[] = []): Reaction => ({
    end: v1Responder(manner, to),
    sends,
  });
  const react = (token: string): Reaction => {
    if (token === 'open') return stay(state, manner === 'greets' ? ['V1'] : []);
    if (token === 'END' || token === 'RESET') return { end: endedIn(state, token), sends: [] };
    if (token === 'V1') return stay('v1');
    const isAccepted = manner === 'mute' || state === 'v1';
    return isAccepted ? stay(state) : { end: endedIn('failed', 'ERR_FRAME_MAGIC'), sends: ['END'] };
  };
  return { leaf: state, key: `${manner} ${state}`, over: false, code: '', armed: [], react };
}

/** An end that dials with v1. */
export function v1Initiator(state = 'waiting'): End {
  const react = (token: string): Reaction => {
    if (token === 'open') return { end: v1Initiator('v1'), sends: ['V1'] };
    const ends = token === 'END' || token === 'RESET';
    return { end: ends ? endedIn(state, token) : v1Initiator(state), sends: [] };
  };
  return { leaf: state, key: `v1 ${state}`, over: false, code: '', armed: [], react };
}
