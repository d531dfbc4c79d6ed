/**
 * What lives: one entry per actor, with its registration and its last state, so that a page opened late sees what a
 * page opened early sees. Entries hold plain data, never an actor: the relay keeps nothing alive.
 *
 * Bounded: at most {@link LIVE_LIMIT} live actors, whose contexts are the very objects that the actors hold anyway, and
 * the latest {@link ENDED_LIMIT} that ended; key exchanges are counted by themselves, for every peer's ends early. Definitions are kept once per machine, however many actors run it.
 */
import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate';

/** Live actors beyond these are taken up when others have ended. */
export const LIVE_LIMIT = 10_000;
/** Actors that ended stay to be read: the latest of them, and as many key exchanges. */
export const ENDED_LIMIT = 100;

/** How the names of key exchanges begin: `transport.7` is that of `peer.7`. */
export const EXCHANGE = 'transport.';

/** Actors that a reader is told of in full at a time; a page that draws each of them bears no more. */
export const FULL_LIMIT = 200;

/** The parts of a snapshot that a reader wants, by reference. */
export interface PlainSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: string;
}

/** One actor as the ledger knows it. */
export interface Entry {
  readonly sessionId: string;
  readonly name: string;
  readonly rootId: string;
  readonly parentId: string | undefined;
  /** Its machine's config as JSON; absent for logic that has none. */
  readonly definition: string | undefined;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly bornat: number;
  snapshot: PlainSnapshot;
  /** What led to that snapshot. */
  event: AnyEventObject;
  ended: boolean;
}

/** Something to tell: an actor got an event, or came out of one with a snapshot. */
export interface Change {
  readonly kind: 'event' | 'snapshot';
  readonly entry: Entry;
  readonly event: AnyEventObject;
  readonly sourceId?: string | undefined;
  /** The first that is told of this actor. */
  readonly born: boolean;
}

export interface Limits {
  readonly live?: number;
  readonly ended?: number;
}

const NOTHING: AnyEventObject = { type: '' };

export class ActorRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #ended: Entry[] = [];
  readonly #exchanged: Entry[] = [];
  readonly #definitions = new WeakMap<object, string>();
  readonly #limits: Required<Limits>;

  /** `forgotten` hears of every entry that makes room. */
  constructor(
    private readonly forgotten: (entry: Entry) => void,
    limits: Limits = {},
  ) {
    this.#limits = { live: LIVE_LIMIT, ended: ENDED_LIMIT, ...limits };
  }

  /** Live actors and the latest ended ones. */
  get size(): number {
    return this.#entries.size;
  }

  get(sessionId: string): Entry | undefined {
    return this.#entries.get(sessionId);
  }

  /** In the order of their birth; entries that come while somebody walks are walked too. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Files an inspection event and says what there is to tell. Microsteps and actions are not looked at. */
  take(inspected: InspectionEvent): readonly Change[] {
    if (inspected.type === '@xstate.event') return this.#heard(inspected);
    if (inspected.type !== '@xstate.snapshot') return [];
    const { event, snapshot, actorRef } = inspected;
    const born = !this.#entries.has(actorRef.sessionId);
    const entry = this.#entryOf(actorRef, inspected.rootId);
    return entry ? [this.#moved(entry, event, plainOf(snapshot), born)] : [];
  }

  clear(): void {
    this.#entries.clear();
    this.#ended.length = this.#exchanged.length = 0;
  }

  /** The first event is `xstate.init`: an actor is registered when it starts, not when it is merely made. */
  #heard(inspected: InspectionEvent & { type: '@xstate.event' }): readonly Change[] {
    const { actorRef, sourceRef, rootId, event } = inspected;
    const crash = event.type.startsWith('xstate.error.actor.')
      ? this.#crashed(sourceRef?.sessionId, event)
      : [];
    const born = !this.#entries.has(actorRef.sessionId);
    const entry = this.#entryOf(actorRef, rootId);
    if (!entry) return crash;
    const change: Change = { kind: 'event', entry, event, born, sourceId: sourceRef?.sessionId };
    return crash.length === 0 ? [change] : [...crash, change];
  }

  /** An actor that throws sends no snapshot of its end; its parent is told, so we tell what it would have said. */
  #crashed(sessionId = '', event: AnyEventObject): readonly Change[] {
    const entry = this.#entries.get(sessionId);
    if (!entry || entry.ended) return [];
    const snapshot = { ...entry.snapshot, status: 'error', error: wordsOf(event.error) } as const;
    return [this.#moved(entry, event, snapshot, false)];
  }

  #moved(entry: Entry, event: AnyEventObject, snapshot: PlainSnapshot, born: boolean): Change {
    Object.assign(entry, { event, snapshot });
    if (snapshot.status !== 'active' || event.type === 'xstate.stop') this.#end(entry);
    return { kind: 'snapshot', entry, event, born };
  }

  /** Events also go to actors that have ended: those are not taken up again. */
  #entryOf(ref: InspectionEvent['actorRef'], rootId: string): Entry | undefined {
    const known = this.#entries.get(ref.sessionId);
    if (known) return known;
    const actor = ref as AnyActorRef & { readonly logic?: unknown };
    const snapshot = plainOf(actor.getSnapshot());
    if (snapshot.status !== 'active' || this.#live >= this.#limits.live) return undefined;
    const entry = { ...this.#identify(actor, rootId), snapshot, event: NOTHING, ended: false };
    this.#entries.set(entry.sessionId, entry);
    return entry;
  }

  get #live(): number {
    return this.#entries.size - this.#ended.length - this.#exchanged.length;
  }

  #identify(actor: AnyActorRef & { readonly logic?: unknown }, rootId: string) {
    const { sessionId, id, logic } = actor;
    const parentId = actor._parent?.sessionId;
    return { sessionId, name: id, rootId, parentId, definition: this.#define(logic), bornat: Date.now() };
  }

  #define(logic: unknown): string | undefined {
    const { config } = (logic ?? {}) as { config?: unknown };
    if (typeof config !== 'object' || config === null) return undefined;
    const definition = this.#definitions.get(config) ?? definitionOf(config);
    this.#definitions.set(config, definition);
    return definition;
  }

  #end(entry: Entry): void {
    if (entry.ended) return;
    entry.ended = true;
    const ended = entry.name.startsWith(EXCHANGE) ? this.#exchanged : this.#ended;
    ended.push(entry);
    const oldest = ended.length > this.#limits.ended ? ended.shift() : undefined;
    if (!oldest) return;
    this.#entries.delete(oldest.sessionId);
    this.forgotten(oldest);
  }
}

/** As the package writes it: a function is its name. A config that is no JSON is told by its id alone. */
function definitionOf(config: object): string {
  const named = (_: string, value: unknown) => (typeof value === 'function' ? { type: value.name } : value);
  try {
    return JSON.stringify(config, named);
  } catch {
    return JSON.stringify({ id: 'id' in config ? String(config.id) : '' });
  }
}

/** Without the machine, the children and the methods that a machine's snapshot carries. */
function plainOf(snapshot: unknown): PlainSnapshot {
  const { status = 'active', value, context, output, error } = (snapshot ?? {}) as Partial<PlainSnapshot>;
  if (output === undefined && error === undefined) return { status, value, context };
  return { status, value, context, output, ...(error !== undefined && { error: wordsOf(error) }) };
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : typeof error);
