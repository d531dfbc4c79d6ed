/**
 * Records the transcript of one connection: its messages with their bytes, and the transitions of the machines.
 *
 * Bounded: all entries from the start to the first pong are kept, at most {@link HEAD}, which is more than a handshake has.
 * After that, only changes of state are recorded, or everything while a page shows the transcript; the latest {@link TAIL}
 * of these entries are kept. {@link PAYLOAD} bytes of a payload are kept. Bytes are decoded when the transcript is read.
 */
import type { AnyEventObject } from 'xstate';
import { annotatePayload } from '../decode/annotate.js';
import { factsOf, HEADER_SIZE, hexOf } from '../wire/index.js';
import type {
  TransitionEntry,
  MessageEntry,
  MachineName,
  TranscriptEntry,
  Reason,
  Transcript,
} from './page/feed-messages.js';

/** The number of first entries that are always kept. */
export const HEAD = 48;
/** The number of later entries that are kept. */
export const TAIL = 400;
/** Most bytes of a payload that are kept, and most fields of a message. */
export const PAYLOAD = 1_024;
const FIELDS = 200;
const PINGS = 120;

/** The members of a transition in an inspected microstep that are read here. */
export interface TakenTransition {
  readonly eventType: string;
  readonly description?: string | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

/** A message whose fields have not been decoded. */
interface Kept {
  readonly kind: 'sent' | 'received';
  readonly n: number;
  readonly at: number;
  readonly command: string;
  readonly size: number;
  readonly payload: Uint8Array;
  /** The reason code of a message that was dropped undecoded. */
  readonly dropped?: string;
  /** Replaces the text for its command. */
  readonly about?: string;
}

/** An incomplete transition entry: its target is known only at the end of the step. */
type Draft = { -readonly [K in keyof TransitionEntry]: TransitionEntry[K] };

/** The recorder of one connection. */
export class TranscriptRecorder {
  #entries: (Kept | Draft)[] = [];
  #count = 0;
  /** By machine, the index of the first entry that its current event caused. An event of a key exchange can cause one of the peer. */
  readonly #marks = { peer: 0, transport: 0 };
  readonly #transitions: Record<MachineName, Draft | undefined> = { peer: undefined, transport: undefined };
  /** The latest transition, whether it was kept or not. */
  #last: TakenTransition | undefined;
  readonly #pings: [number, number][] = [];
  /** Whether a page shows the transcript. */
  watched = false;

  /** `now` is the clock of the node, in milliseconds. */
  constructor(
    readonly key: string,
    readonly inbound: boolean,
    readonly startedat: number,
    private readonly now: () => number,
    private readonly begunat = now(),
  ) {}

  /** Call this before a machine handles an event. The bytes of `wire.broken` are not a message, so they are recorded here. */
  begin(machine: MachineName, event: AnyEventObject): void {
    if (event.type === 'wire.broken') this.#recordBroken(String(event.code));
    this.#last = undefined;
    this.#marks[machine] = this.#entries.length;
    this.#transitions[machine] = undefined;
  }

  /** Records a transition of a machine; the messages that it sends follow its entry. */
  recordTransition(machine: MachineName, state: string, taken: TakenTransition): void {
    this.#last = taken;
    if (!this.isFull) this.#write(machine, state, taken);
  }

  #write(machine: MachineName, state: string, taken: TakenTransition): void {
    const draft: Draft = {
      kind: 'transition',
      n: 0,
      // The messages that the transition sends have been recorded already, before the microstep is inspected.
      at: this.#entries[this.#marks[machine]]?.at ?? this.#at(),
      machine,
      state,
      ...transitionFactsOf(machine, taken),
    };
    this.#entries.splice(this.#marks[machine], 0, draft);
    this.#marks[machine] += 1;
    this.#transitions[machine] = draft;
    this.#added();
  }

  /** Completes the transition of the current step with its target, and returns it. */
  recordTarget(
    machine: MachineName,
    from: string,
    to: string,
    reason: Reason | undefined,
  ): TransitionEntry | undefined {
    if (!this.#transitions[machine] && this.#last) this.#write(machine, from, this.#last);
    const transition = this.#transitions[machine];
    if (!transition) return undefined;
    transition.to = to;
    if (reason) transition.reason = reason;
    return transition;
  }

  recordMessage(kind: 'sent' | 'received', command: string, payload: Uint8Array): void {
    if (this.isFull) return;
    const kept = payload.slice(0, PAYLOAD);
    this.#entries.push({ kind, n: 0, at: this.#at(), command, size: payload.length, payload: kept });
    this.#added();
  }

  /** Records a received message that was dropped before it was decoded. */
  recordDropped(code: string, command: string): void {
    if (this.isFull) return;
    const entry = { kind: 'received', n: 0, at: this.#at(), command, size: 0, dropped: code } as const;
    this.#entries.push({ ...entry, payload: new Uint8Array(0) });
    this.#added();
  }

  /** Records the bytes that broke the stream: a v1 header, or a v2 packet, whose size is not known. */
  #recordBroken(code: string): void {
    if (this.isFull) return;
    const [command, size] = code.startsWith('ERR_FRAME_') ? ['header', HEADER_SIZE] : ['packet', 0];
    const about = 'invalid bytes, after which no message can be read';
    const entry = { kind: 'received', n: 0, at: this.#at(), command, size, dropped: code, about } as const;
    this.#entries.push({ ...entry, payload: new Uint8Array(0) });
    this.#added();
  }

  recordPong(ms: number): void {
    this.#pings.push([Math.round(this.#at()), ms]);
    if (this.#pings.length > PINGS) this.#pings.shift();
  }

  /** The transcript from entry `from` on. */
  read(facts: Transcript['facts'], from = 0): Transcript {
    const { key, inbound, startedat } = this;
    const entries = this.#entries.filter(({ n }) => n >= from).map(entryOf);
    return { key, inbound, startedat, facts, pings: [...this.#pings], entries };
  }

  /** Deletes the entries. */
  clear(): void {
    this.#entries = [];
    this.#pings.length = 0;
  }

  /** Whether messages are currently not recorded. */
  get isFull(): boolean {
    return !this.watched && (this.#pings.length > 0 || this.#count >= HEAD);
  }

  #at(): number {
    return Math.round((this.now() - this.begunat) * 1_000) / 1_000;
  }

  /** Numbers the entries in their order, also after an insertion. */
  #added(): void {
    this.#count += 1;
    const { length } = this.#entries;
    for (let place = length - 1, n = this.#count - 1; place >= 0; place -= 1, n -= 1) {
      const entry = this.#entries[place]!;
      if (entry.n === n && place < length - 1) break;
      Object.assign(entry, { n });
    }
    if (length > HEAD + TAIL) this.#entries.splice(HEAD, 1);
  }
}

const entryOf = (entry: Kept | Draft): TranscriptEntry =>
  entry.kind === 'transition' ? { ...entry } : messageEntryOf(entry);

function messageEntryOf({ payload, ...rest }: Kept): MessageEntry {
  if (rest.dropped !== undefined) return { ...rest, hex: '', fields: [], faults: [rest.dropped] };
  const { fields, verdicts } = annotatePayload(rest.command, payload);
  const isWhole = payload.length === rest.size;
  const { bip, about } = factsOf(rest.command) ?? {};
  return {
    ...rest,
    hex: hexOf(payload),
    fields: fields.slice(0, FIELDS),
    faults: isWhole ? verdicts.map(({ says }) => says) : [],
    ...(bip !== undefined && { bip }),
    ...(about !== undefined && { about }),
  };
}

type Written = Pick<TransitionEntry, 'event' | 'description' | 'actions' | 'guard' | 'bip'>;

/** The texts of a transition, computed once per transition. */
const transitionFacts = new WeakMap<TakenTransition, Written>();

function transitionFactsOf(machine: MachineName, taken: TakenTransition): Written {
  const known = transitionFacts.get(taken);
  if (known) return known;
  const { eventType, description = '', guard, actions } = taken;
  const event = eventOf(eventType);
  const bip = bipOf(machine, event, description);
  const written: Written = {
    event,
    description,
    actions: actions.map(wordOf),
    ...(guard !== undefined && { guard: nameOf(guard) }),
    ...(bip !== undefined && { bip }),
  };
  transitionFacts.set(taken, written);
  return written;
}

/** The name of an event; `after NAME` for a deadline: `xstate.after.handshakeTimeout.peer.handshaking`. */
export function eventOf(type: AnyEventObject['type']): string {
  const [first, second, name] = type.split('.');
  return first === 'xstate' && second === 'after' ? `after ${name}` : type;
}

const nameOf = (what: unknown): string =>
  typeof what === 'string'
    ? what
    : typeof what === 'object' && what && 'type' in what
      ? String(what.type)
      : '';

/** The name and parameters of an action: `effect.send negotiation`, `recordVersion`, `setReason ERR_PROTO_SELF`. */
function wordOf(action: unknown): string {
  const params = typeof action === 'object' && action && 'params' in action ? action.params : undefined;
  const values = typeof params === 'object' && params ? Object.values(params) : [];
  return [nameOf(action), ...values.map(String)].join(' ');
}

/** The BIP that the description names; otherwise the BIP of the message. */
function bipOf(machine: MachineName, event: string, description: string): number | undefined {
  const named = /BIP(\d+)/.exec(description)?.[1];
  if (named !== undefined) return Number(named);
  if (machine === 'transport') return 324;
  return event.startsWith('wire.') ? factsOf(event.slice('wire.'.length))?.bip : undefined;
}
