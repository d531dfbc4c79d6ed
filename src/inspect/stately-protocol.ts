/**
 * Creates the messages of `@statelyai/inspect`, with the inspector of that package.
 *
 * It uses the calls `actor`, `event` and `snapshot` instead of the XState observer of the package, which sets a timer per
 * event and includes the whole machine in every registration. The facts that are not arguments of these calls (name, parent,
 * root and machine of an actor) are added from the registry.
 */
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Change, Entry } from './actor-registry.js';

type Inspector = ReturnType<typeof createInspector>;
type Options = NonNullable<Parameters<typeof createInspector>[1]>;

export interface StatelyProtocolOptions {
  /** The package's own `filter`, `sanitizeEvent` and `sanitizeContext`. */
  readonly inspector?: Pick<Options, 'filter' | 'sanitizeEvent' | 'sanitizeContext'>;
  /** Further members of a registration. */
  readonly register: (entry: Entry) => Record<string, unknown>;
}

/** A message with more characters than this, or one that cannot be converted to JSON, is sent without contexts and events. */
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

  /** The message `@xstate.actor`: name, machine and state. */
  registration(entry: Entry): string {
    return this.#messageOf(entry, (inspector) => inspector.actor(entry.sessionId, entry.snapshot));
  }

  /** The message `@xstate.snapshot`: the state, and the event that led to it. */
  state(entry: Entry): string {
    const { sessionId, snapshot, event } = entry;
    return this.#messageOf(entry, (inspector) => inspector.snapshot(sessionId, snapshot, { event }));
  }

  /** The message of a change; empty when it is filtered out. */
  change(change: Change): string {
    if (change.kind === 'snapshot') return this.state(change.entry);
    const { entry, event, sourceId } = change;
    const info = sourceId === undefined ? {} : { source: sourceId };
    return this.#messageOf(entry, (inspector) => inspector.event(entry.sessionId, event, info));
  }

  /** The text that a call produces: the inspector calls its adapter synchronously. */
  #messageOf(entry: Entry, call: (inspector: Inspector) => void): string {
    this.#entry = entry;
    this.#text = '';
    call(this.#inspector);
    return this.#text;
  }

  #complete(message: StatelyInspectionEvent): StatelyInspectionEvent {
    const entry = this.#entry;
    if (!entry) return message;
    const { name, rootId, parentId, createdat } = entry;
    if (message.type !== '@xstate.actor') return { ...message, rootId };
    const createdAt = createdat.toString();
    return { ...message, rootId, parentId, name, createdAt, ...this.options.register(entry) };
  }
}

function textOf(message: StatelyInspectionEvent): string {
  const text = attempt(message);
  return text !== undefined && text.length <= MESSAGE_LIMIT ? text : JSON.stringify(bareOf(message));
}

/** The message as JSON; undefined if it contains a value without a JSON form, such as a bigint or a cycle. */
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
