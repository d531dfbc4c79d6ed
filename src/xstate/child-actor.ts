/**
 * Creates an actor without XState's constructor, which merges options and creates five functions for every actor: a third of the
 * cost of a short-lived actor. The result is an `Actor` with the same fields in the same order and, except for `send`, XState's methods.
 *
 * Only for machines that neither spawn nor emit, and only with a parent. If the system is inspected, XState's `createActor` is used. The
 * fields are those of the versions in version.ts; the differential test compares them with the fields of an actor created by XState.
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
import { type Action, isRunning } from './machine-internals.js';

export interface ChildOptions<M extends AnyStateMachine> {
  readonly id: string;
  readonly input: InputFrom<M>;
  readonly parent: AnyActorRef;
}

interface Mailbox {
  enqueue(event: AnyEventObject): void;
}

/** The internal fields of XState's system that a new actor needs. */
interface System {
  readonly _logger: (...args: unknown[]) => void;
  readonly _clock: unknown;
  _bookId(): string;
  _relay(source: undefined, target: Fields, event: AnyEventObject): void;
}

/** Internal fields and methods of an `Actor` that are used here. */
interface Fields {
  _process(event: AnyEventObject): void;
  _send(event: AnyEventObject): void;
  _initState(): void;
  _deferred: (() => void)[];
}

/** The class of an actor's mailbox, taken from an actor because XState does not export it. */
const MailboxClass = (
  createActor(fromTransition((state: number) => state, 0)) as unknown as {
    readonly mailbox: { readonly constructor: new (process: (event: AnyEventObject) => void) => Mailbox };
  }
).mailbox.constructor;

/** XState's actor scope: the object that an actor passes to its machine. */
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

  /** An arrow function, because XState calls it without `this`. */
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

/** Sets the fields in the order of XState's constructor, so that V8 uses the same hidden class for both kinds of actor. */
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
  this.mailbox = new MailboxClass(this._process.bind(this));
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

/** XState's `send` calls the system, which creates an object for inspectors. This one does so only if there are inspectors. */
function send(this: Fields & { readonly system: System }, event: AnyEventObject): void {
  if (isInspected(this.system)) this.system._relay(undefined, this, event);
  else this._send(event);
}

Child.prototype = Object.create(Actor.prototype as object, { send: { value: send } }) as object;

/** Creates an actor of the machine. It is not started. */
export function createChildActor<M extends AnyStateMachine>(
  logic: M,
  options: ChildOptions<M>,
): ActorRefFrom<M> {
  const actor = isInspected(options.parent.system)
    ? createActor<AnyStateMachine>(logic, options)
    : new (Child as unknown as ChildConstructor)(logic, options);
  return actor as unknown as ActorRefFrom<M>;
}
