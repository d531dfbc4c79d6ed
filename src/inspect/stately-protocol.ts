/**
 * What is said on the wire: the messages of `@statelyai/inspect`, made by its own inspector.
 *
 * Its by-name calls are used rather than its XState observer: that one sets a timer per event and writes the whole
 * machine into every registration. What those calls cannot know of an actor (its name, parent, root, machine) is
 * filled in from the ledger.
 */
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Change, Entry } from './actor-registry.js';

type Inspector = ReturnType<typeof createInspector>;
type Options = NonNullable<Parameters<typeof createInspector>[1]>;

export interface StatelyProtocolOptions {
  /** The package's own `filter`, `sanitizeEvent` and `sanitizeContext`. */
  readonly inspector?: Pick<Options, 'filter' | 'sanitizeEvent' | 'sanitizeContext'>;
  /** What a registration says beyond the usual. */
  readonly register: (entry: Entry) => Record<string, unknown>;
}

/** A message longer than this, or one that is no JSON, is sent without contexts and events. Characters. */
export const MESSAGE_LIMIT = 262_144;

export class StatelyProtocol {
  readonly #inspector: Inspector;
  #entry: Entry | undefined;
  #text = '';

  constructor(private readonly options: StatelyProtocolOptions) {
    const serialize = (message: StatelyInspectionEvent) => this.#complete(message);
    const adapter = { send: (message: StatelyInspectionEvent) => void (this.#text = textOf(message)) };
    this.#inspector = createInspector(adapter, { ...options.inspector, serialize });
  }

  /** `@xstate.actor`: who it is and where it is. */
  registration(entry: Entry): string {
    return this.#say(entry, (inspector) => inspector.actor(entry.sessionId, entry.snapshot));
  }

  /** `@xstate.snapshot`: where it is, and the event that led there. */
  state(entry: Entry): string {
    const { sessionId, snapshot, event } = entry;
    return this.#say(entry, (inspector) => inspector.snapshot(sessionId, snapshot, { event }));
  }

  /** What has just happened; empty when this dialect does not speak of such things. */
  change(change: Change): string {
    if (change.kind === 'snapshot') return this.state(change.entry);
    const { entry, event, sourceId } = change;
    const info = sourceId === undefined ? {} : { source: sourceId };
    return this.#say(entry, (inspector) => inspector.event(entry.sessionId, event, info));
  }

  /** The inspector answers its adapter before the call returns. */
  #say(entry: Entry, speak: (inspector: Inspector) => void): string {
    this.#entry = entry;
    this.#text = '';
    speak(this.#inspector);
    return this.#text;
  }

  #complete(message: StatelyInspectionEvent): StatelyInspectionEvent {
    const entry = this.#entry;
    if (!entry) return message;
    const { name, rootId, parentId, bornat } = entry;
    if (message.type !== '@xstate.actor') return { ...message, rootId };
    const createdAt = bornat.toString();
    return { ...message, rootId, parentId, name, createdAt, ...this.options.register(entry) };
  }
}

function textOf(message: StatelyInspectionEvent): string {
  const text = attempt(message);
  return text !== undefined && text.length <= MESSAGE_LIMIT ? text : JSON.stringify(bareOf(message));
}

/** Actors of others may hold what is no JSON, such as a bigint or a circle. */
function attempt(message: StatelyInspectionEvent): string | undefined {
  try {
    return JSON.stringify(message);
  } catch {
    return undefined;
  }
}

function bareOf(message: StatelyInspectionEvent): object {
  const { type, sessionId, rootId, createdAt, id, _version } = message;
  const event = 'event' in message ? { event: { type: message.event.type } } : {};
  const status = 'snapshot' in message ? { snapshot: { status: message.snapshot.status } } : {};
  const name = 'name' in message ? { name: message.name, parentId: message.parentId } : {};
  return { type, sessionId, rootId, createdAt, id, _version, ...name, ...event, ...status };
}
