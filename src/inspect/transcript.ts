/**
 * The story of one connection: the messages that crossed, with their bytes, and what the machines made of each event.
 *
 * Bounded: it is kept from birth to the first pong, {@link HEAD} moments at most, which is more than a handshake has; after
 * that only changes of state are, unless somebody looks: then everything, the latest {@link TAIL} moments. Of a payload
 * {@link PAYLOAD} bytes are kept. Bytes are decoded when they are asked for.
 */
import type { AnyEventObject } from 'xstate';
import { annotatePayload } from '../decode/annotate.js';
import { factsOf, hexOf } from '../wire/index.js';
import type {
  TransitionEntry,
  MessageEntry,
  MachineName,
  TranscriptEntry,
  Reason,
  Transcript,
} from './page/feed-messages.js';

/** Moments that are kept of every connection. */
export const HEAD = 48;
/** Moments behind those that are kept while somebody looks. */
export const TAIL = 400;
/** Bytes that are kept of a payload, and fields that are told. */
export const PAYLOAD = 1_024;
const FIELDS = 200;
const PINGS = 120;

/** A transition of a machine's table, as an inspected microstep names it; the parts that are read here. */
export interface TakenTransition {
  readonly eventType: string;
  readonly description?: string | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

/** A message before anybody has asked for its fields. */
interface Kept {
  readonly kind: 'sent' | 'received';
  readonly n: number;
  readonly at: number;
  readonly command: string;
  readonly size: number;
  readonly payload: Uint8Array;
}

/** A cell while it is being written: where it leads is known when the step is over. */
type Draft = { -readonly [K in keyof TransitionEntry]: TransitionEntry[K] };

export class TranscriptRecorder {
  #moments: (Kept | Draft)[] = [];
  #count = 0;
  /** Where what follows from the event under way begins, and its cell. A key exchange can set off its peer. */
  readonly #marks = { peer: 0, transport: 0 };
  readonly #cells: Partial<Record<MachineName, Draft>> = {};
  /** What was decided last, whether it is kept or not. */
  #last: TakenTransition | undefined;
  readonly #pings: [number, number][] = [];
  /** Somebody looks. */
  watched = false;

  /** `now` gives milliseconds of the clock by which the node goes. */
  constructor(
    readonly key: string,
    readonly inbound: boolean,
    readonly bornat: number,
    private readonly now: () => number,
    private readonly begunat = now(),
  ) {}

  /** A machine is about to handle an event. */
  begin(lane: MachineName): void {
    this.#last = undefined;
    this.#marks[lane] = this.#moments.length;
    delete this.#cells[lane];
  }

  /** A machine takes a transition; what it sends on the way stands behind it. */
  decided(lane: MachineName, state: string, taken: TakenTransition): void {
    this.#last = taken;
    if (!this.isFull) this.#write(lane, state, taken);
  }

  #write(lane: MachineName, state: string, taken: TakenTransition): void {
    const draft: Draft = { kind: 'cell', n: 0, at: this.#at(), lane, state, ...cellOf(lane, taken) };
    this.#moments.splice(this.#marks[lane], 0, draft);
    this.#marks[lane] += 1;
    this.#cells[lane] = draft;
    this.#added();
  }

  /** Where the step under way has led, from where; returns its cell. */
  moved(
    lane: MachineName,
    from: string,
    to: string,
    reason: Reason | undefined,
  ): TransitionEntry | undefined {
    if (!this.#cells[lane] && this.#last) this.#write(lane, from, this.#last);
    const cell = this.#cells[lane];
    if (!cell) return undefined;
    cell.to = to;
    if (reason) cell.reason = reason;
    return cell;
  }

  crossed(kind: 'sent' | 'received', command: string, payload: Uint8Array): void {
    if (this.isFull) return;
    const kept = payload.slice(0, PAYLOAD);
    this.#moments.push({ kind, n: 0, at: this.#at(), command, size: payload.length, payload: kept });
    this.#added();
  }

  ponged(ms: number): void {
    this.#pings.push([Math.round(this.#at()), ms]);
    if (this.#pings.length > PINGS) this.#pings.shift();
  }

  /** The story from moment `from` on. */
  tell(facts: Transcript['facts'], from = 0): Transcript {
    const { key, inbound, bornat } = this;
    const moments = this.#moments.filter(({ n }) => n >= from).map(momentOf);
    return { key, inbound, bornat, facts, pings: [...this.#pings], moments };
  }

  /** Makes room: nobody will be told this story any more. */
  forget(): void {
    this.#moments = [];
    this.#pings.length = 0;
  }

  /** Nothing more is kept for now. */
  get isFull(): boolean {
    return !this.watched && (this.#pings.length > 0 || this.#count >= HEAD);
  }

  #at(): number {
    return Math.round((this.now() - this.begunat) * 1_000) / 1_000;
  }

  /** Numbers follow the order in which things stand, also when one was put between others. */
  #added(): void {
    this.#count += 1;
    const { length } = this.#moments;
    for (let place = length - 1, n = this.#count - 1; place >= 0; place -= 1, n -= 1) {
      const moment = this.#moments[place]!;
      if (moment.n === n && place < length - 1) break;
      Object.assign(moment, { n });
    }
    if (length > HEAD + TAIL) this.#moments.splice(HEAD, 1);
  }
}

const momentOf = (moment: Kept | Draft): TranscriptEntry =>
  moment.kind === 'cell' ? { ...moment } : crossingOf(moment);

function crossingOf({ payload, ...rest }: Kept): MessageEntry {
  const { fields, verdicts } = annotatePayload(rest.command, payload);
  const isWhole = payload.length === rest.size;
  const { bip, about } = factsOf(rest.command) ?? {};
  return {
    ...rest,
    hex: hexOf(payload),
    fields: fields.slice(0, FIELDS),
    verdicts: isWhole ? verdicts.map(({ says }) => says) : [],
    ...(bip !== undefined && { bip }),
    ...(about !== undefined && { about }),
  };
}

type Written = Pick<TransitionEntry, 'event' | 'says' | 'actions' | 'guard' | 'bip'>;

/** What a transition says, read once per transition. */
const cells = new WeakMap<TakenTransition, Written>();

function cellOf(lane: MachineName, taken: TakenTransition): Written {
  const known = cells.get(taken);
  if (known) return known;
  const { eventType, description = '', guard, actions } = taken;
  const event = eventOf(eventType);
  const bip = bipOf(lane, event, description);
  const written: Written = {
    event,
    says: description,
    actions: actions.map(wordOf),
    ...(guard !== undefined && { guard: nameOf(guard) }),
    ...(bip !== undefined && { bip }),
  };
  cells.set(taken, written);
  return written;
}

/** `xstate.after.handshakeTimeout.peer.handshaking` is a deadline, by its name. */
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

/** `effect.send negotiation`, `recordVersion`, `setReason ERR_PROTO_SELF`. */
function wordOf(action: unknown): string {
  const params = typeof action === 'object' && action && 'params' in action ? action.params : undefined;
  const values = typeof params === 'object' && params ? Object.values(params) : [];
  return [nameOf(action), ...values.map(String)].join(' ');
}

/** The BIP that the cell names, else that of the message. */
function bipOf(lane: MachineName, event: string, says: string): number | undefined {
  const named = /BIP(\d+)/.exec(says)?.[1];
  if (named !== undefined) return Number(named);
  if (lane === 'transport') return 324;
  return event.startsWith('wire.') ? factsOf(event.slice('wire.'.length))?.bip : undefined;
}
