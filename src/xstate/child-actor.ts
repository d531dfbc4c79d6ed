/**
 * Makes an actor without XState's constructor, which merges options and makes five functions for every actor: a third of what a
 * short life costs. The result is an `Actor` with the same fields in the same order, and every method is XState's.
 *
 * For machines that neither spawn nor emit, below a parent. Where it is inspected, XState makes the actor. The fields are those
 * of the versions in version.ts; the differential test compares them with those of an actor that XState made.
 */
import {
  Actor,
  type ActorRefFrom,
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  fromTransition,
  type InputFrom,
} from 'xstate';
import { isInspected } from './inspection.js';
import { isRunning } from './machine-internals.js';

export interface ChildOptions<M extends AnyStateMachine> {
  readonly id: string;
  readonly input: InputFrom<M>;
  readonly parent: AnyActorRef;
}

interface Mailbox {
  enqueue(event: AnyEventObject): void;
}

/** What XState keeps in a system, as far as a new actor needs it. */
interface System {
  readonly _logger: (...args: unknown[]) => void;
  readonly _clock: unknown;
  _bookId(): string;
  _relay(source: undefined, target: Fields, event: AnyEventObject): void;
}

/** An action with its arguments, as a machine hands it over. */
interface Action {
  readonly exec?: (info: unknown, params: unknown) => void;
  readonly info: unknown;
  readonly params: unknown;
}

/** The fields of an `Actor` that its methods are not enough to set. */
interface Fields {
  _process(event: AnyEventObject): void;
  _send(event: AnyEventObject): void;
  _initState(): void;
  _deferred: (() => void)[];
}

/** XState does not export its class. */
const MailboxOf = (
  createActor(fromTransition((state: number) => state, 0)) as unknown as {
    readonly mailbox: { readonly constructor: new (process: (event: AnyEventObject) => void) => Mailbox };
  }
).mailbox.constructor;

/** What XState calls the scope of an actor. */
class ActorScope {
  readonly logger: unknown;

  constructor(
    readonly self: Fields & { readonly _processingStatus: number },
    readonly id: string,
    readonly sessionId: string,
    readonly system: System,
  ) {
    this.logger = system._logger;
  }

  /** Mostly for one function at a time: a list that grows keeps room for seventeen. */
  defer(run: () => void): void {
    if (this.self._deferred.length > 0) this.self._deferred.push(run);
    else this.self._deferred = [run];
  }

  /** XState calls it without its object. */
  readonly actionExecutor = ({ exec, info, params }: Action): void => {
    if (!exec) return;
    if (isRunning(this as never)) exec(info, params);
    else this.defer(() => exec(info, params));
  };

  stopChild(): never {
    throw new Error('this actor has no children');
  }

  emit(): never {
    throw new Error('this actor does not emit');
  }
}

type ChildConstructor = new (logic: object, options: ChildOptions<AnyStateMachine>) => Fields;

/** In the order of XState's constructor, so that its methods see one hidden class. */
function Child(
  this: Record<string, unknown> & Fields,
  logic: object,
  options: ChildOptions<AnyStateMachine>,
) {
  const { id, parent } = options;
  const system = parent.system as unknown as System;
  const sessionId = system._bookId();
  this.logic = logic;
  this._snapshot = undefined;
  this.clock = system._clock;
  this.options = options;
  this.id = id;
  this.mailbox = new MailboxOf(this._process.bind(this));
  this.observers = new Set();
  this.eventListeners = new Map();
  this.logger = system._logger;
  this._processingStatus = 0;
  this._parent = parent;
  this._syncSnapshot = undefined;
  this.ref = this;
  this._actorScope = new ActorScope(this as never, id, sessionId, system);
  this.systemId = undefined;
  this.sessionId = sessionId;
  this.system = system;
  this._doneEvent = undefined;
  this.src = logic;
  this._deferred = [];
  this._initState();
}

/** XState's `send` goes through the system, which makes an object for inspectors. */
function send(this: Fields & { readonly system: System }, event: AnyEventObject): void {
  if (isInspected(this.system)) this.system._relay(undefined, this, event);
  else this._send(event);
}

Child.prototype = Object.create(Actor.prototype as object, { send: { value: send } }) as object;

/** An actor of the machine, not started yet. */
export function createChildActor<M extends AnyStateMachine>(
  logic: M,
  options: ChildOptions<M>,
): ActorRefFrom<M> {
  const actor = isInspected(options.parent.system)
    ? createActor<AnyStateMachine>(logic, options)
    : new (Child as unknown as ChildConstructor)(logic, options);
  return actor as unknown as ActorRefFrom<M>;
}
