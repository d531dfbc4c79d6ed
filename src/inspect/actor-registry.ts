/**
 * Keeps one entry per actor, with its registration and its last state, so that a page shows the same whenever it is opened.
 * Entries contain plain data, never an actor, so the inspector does not keep actors in memory.
 *
 * Bounded: at most {@link LIVE_LIMIT} live actors, whose contexts are the objects of the actors themselves, and the latest
 * {@link ENDED_LIMIT} ended ones of each kind. A definition is stored once per machine.
 */
import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate';

/** Most live actors; further ones are not added until others have ended. */
export const LIVE_LIMIT = 10_000;
/** Ended actors that are kept, of peers, key exchanges and targets each. */
export const ENDED_LIMIT = 100;

/** Most actors that one client receives in full at a time, since more make the Stately page slow. */
export const FULL_LIMIT = 200;

/** The parts of a snapshot that are shown, by reference. */
export interface PlainSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: string;
}

/** One actor. */
export interface Entry {
  readonly sessionId: string;
  readonly name: string;
  readonly rootId: string;
  readonly parentId: string | undefined;
  /** Its machine's config as JSON; absent for logic that has none. */
  readonly definition: string | undefined;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly createdat: number;
  snapshot: PlainSnapshot;
  /** The event that led to the snapshot. */
  event: AnyEventObject;
  ended: boolean;
}

/** A change of an actor: it received an event, or has a new snapshot. */
export interface Change {
  readonly kind: 'event' | 'snapshot';
  readonly entry: Entry;
  readonly event: AnyEventObject;
  readonly sourceId?: string | undefined;
  /** Whether this is the first change of the actor. */
  readonly isNew: boolean;
}

/** Limits that differ from {@link LIVE_LIMIT} and {@link ENDED_LIMIT}. */
export interface Limits {
  readonly live?: number;
  readonly ended?: number;
}

const NOTHING: AnyEventObject = { type: '' };

/** The entries by session id. */
export class ActorRegistry {
  readonly #entries = new Map<string, Entry>();
  /** Ended actors by kind, so that many of one kind do not replace those of another. */
  readonly #ended = { peer: [] as Entry[], transport: [] as Entry[], outbound: [] as Entry[] };
  readonly #definitions = new WeakMap<object, string>();
  readonly #limits: Required<Limits>;

  /** `removed` is called with each entry that is removed because of a limit. */
  constructor(
    private readonly removed: (entry: Entry) => void,
    limits: Limits = {},
  ) {
    this.#limits = { live: LIVE_LIMIT, ended: ENDED_LIMIT, ...limits };
  }

  /** The number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  get(sessionId: string): Entry | undefined {
    return this.#entries.get(sessionId);
  }

  /** The entries in the order of creation, including those that are added during the iteration. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Records an inspection event and returns the changes. Microsteps and actions are ignored. */
  record(inspected: InspectionEvent): readonly Change[] {
    if (inspected.type === '@xstate.event') return this.#recordEvent(inspected);
    if (inspected.type !== '@xstate.snapshot') return [];
    const { event, snapshot, actorRef } = inspected;
    const isNew = !this.#entries.has(actorRef.sessionId);
    const entry = this.#entryOf(actorRef, inspected.rootId);
    return entry ? [this.#recordSnapshot(entry, event, plainOf(snapshot), isNew)] : [];
  }

  clear(): void {
    this.#entries.clear();
    for (const entries of Object.values(this.#ended)) entries.length = 0;
  }

  /** The first event of an actor is `xstate.init`, so it is registered when it starts, not when it is created. */
  #recordEvent(inspected: InspectionEvent & { type: '@xstate.event' }): readonly Change[] {
    const { actorRef, sourceRef, rootId, event } = inspected;
    const crash = event.type.startsWith('xstate.error.actor.')
      ? this.#recordError(sourceRef?.sessionId, event)
      : [];
    const isNew = !this.#entries.has(actorRef.sessionId);
    const entry = this.#entryOf(actorRef, rootId);
    if (!entry) return crash;
    const change: Change = { kind: 'event', entry, event, isNew, sourceId: sourceRef?.sessionId };
    return crash.length === 0 ? [change] : [...crash, change];
  }

  /** An actor that throws sends no last snapshot; its parent receives an event, from which the snapshot is made. */
  #recordError(sessionId = '', event: AnyEventObject): readonly Change[] {
    const entry = this.#entries.get(sessionId);
    if (!entry || entry.ended) return [];
    const snapshot = { ...entry.snapshot, status: 'error', error: messageOf(event.error) } as const;
    return [this.#recordSnapshot(entry, event, snapshot, false)];
  }

  #recordSnapshot(entry: Entry, event: AnyEventObject, snapshot: PlainSnapshot, isNew: boolean): Change {
    entry.event = event;
    entry.snapshot = snapshot;
    if (snapshot.status !== 'active' || event.type === 'xstate.stop') this.#end(entry);
    return { kind: 'snapshot', entry, event, isNew };
  }

  /** The entry of an actor. Actors that have ended also receive events, but are not added again. */
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
    const ended = Object.values(this.#ended).reduce((sum, { length }) => sum + length, 0);
    return this.#entries.size - ended;
  }

  #identify(actor: AnyActorRef & { readonly logic?: unknown }, rootId: string) {
    const { sessionId, id, logic } = actor;
    const parentId = actor._parent?.sessionId;
    return { sessionId, name: id, rootId, parentId, definition: this.#define(logic), createdat: Date.now() };
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
    const ended = this.#ended[kindOf(entry)];
    ended.push(entry);
    const oldest = ended.length > this.#limits.ended ? ended.shift() : undefined;
    if (!oldest) return;
    this.#entries.delete(oldest.sessionId);
    this.removed(oldest);
  }
}

/** By its name: `transport.7` is the key exchange of `peer.7`, `outbound.3` a target; all other actors count as peers. */
function kindOf({ name }: Entry): 'peer' | 'transport' | 'outbound' {
  const [kind] = name.split('.');
  return kind === 'transport' || kind === 'outbound' ? kind : 'peer';
}

/** The config as JSON, in the form of `@statelyai/inspect`: a function becomes its name. Only the id if it cannot be converted. */
function definitionOf(config: object): string {
  const named = (_: string, value: unknown) => (typeof value === 'function' ? { type: value.name } : value);
  try {
    return JSON.stringify(config, named);
  } catch {
    return JSON.stringify({ id: 'id' in config ? String(config.id) : '' });
  }
}

/** The snapshot without the machine, the children and the methods. */
function plainOf(snapshot: unknown): PlainSnapshot {
  const { status = 'active', value, context, output, error } = (snapshot ?? {}) as Partial<PlainSnapshot>;
  if (output === undefined && error === undefined) return { status, value, context };
  return { status, value, context, output, ...(error !== undefined && { error: messageOf(error) }) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : typeof error);
