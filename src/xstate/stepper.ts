/**
 * Steps a machine on a plain snapshot: the chart decides every event, as it does for an actor, and there is no actor.
 *
 * For charts whose life is mostly a few events long, so that making and ending an actor would cost several times what its
 * steps do. Order of events, effects, delayed events and the end are those of an actor. It cannot spawn or emit, and is neither
 * inspected nor observed: {@link Stepper.toActor} continues as an actor where that is wanted.
 */
import {
  type Actor,
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  type EventFrom,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';
import { moveTimers } from './timers.js';

export interface StepperOptions<M extends AnyStateMachine> {
  /** As an actor's. */
  readonly id: string;
  readonly input: InputFrom<M>;
  /** Its system has the clock; an error is reported to it as that of a child. */
  readonly parent: AnyActorRef;
  /** A final state was reached. */
  readonly done: () => void;
}

/** What a machine needs of whoever runs it (semi-internal: the version is pinned). */
interface Logic {
  transition(snapshot: object, event: AnyEventObject, scope: object): { readonly status: string };
  getInitialSnapshot(scope: object, input: unknown): { readonly status: string };
}

interface System {
  _bookId(): string;
  _relay(source: object, target: AnyActorRef, event: AnyEventObject): void;
  readonly scheduler: { cancelAll(source: object): void };
}

/** An action with its arguments, as a machine hands it over. */
interface Action {
  readonly exec?: (info: unknown, params: unknown) => void;
  readonly info: unknown;
  readonly params: unknown;
}

/** The fields without a comment are those of XState's actor scope. */
export class Stepper<M extends AnyStateMachine> {
  readonly id: string;
  readonly system: AnyActorRef['system'];
  readonly logger = console.log;
  #sessionId: string | undefined;
  #snapshot: { readonly status: string };
  #isStarted = false;
  #isBusy = false;
  #isStopping = false;
  /** Events that were sent during a step. */
  #queue: AnyEventObject[] | undefined;
  #deferred: (() => void)[] | undefined;
  #actor: Actor<AnyStateMachine> | undefined;

  /** `logic`: the machine, with its handlers; an actor would get it too. */
  constructor(
    readonly logic: M,
    private readonly options: StepperOptions<M>,
  ) {
    this.id = options.id;
    this.system = options.parent.system;
    this.#snapshot = (logic as unknown as Logic).getInitialSnapshot(this, options.input);
  }

  get self(): this {
    return this;
  }

  /** XState's `ProcessingStatus`. */
  get _processingStatus(): number {
    return Number(this.#isStarted);
  }

  /** Made when it is asked for: XState's own scheduler names timers by it. */
  get sessionId(): string {
    return (this.#sessionId ??= (this.system as unknown as System)._bookId());
  }

  /** Executes the effects of the initial state. */
  start(): this {
    this.#isStarted = true;
    this.#settle(this.#snapshot);
    return this;
  }

  getSnapshot(): SnapshotFrom<M> {
    return (this.#actor?.getSnapshot() ?? this.#snapshot) as SnapshotFrom<M>;
  }

  /** Takes an event; one that an effect sends is taken after the step that caused it. */
  send(event: EventFrom<M>): void {
    this._send(event);
  }

  /** A delayed event is due. @internal */
  _send(event: AnyEventObject): void {
    if (this.#actor) return this.#actor.send(event);
    if (this.#isBusy) return void (this.#queue ??= []).push(event);
    this.#take(event);
    while (this.#queue && this.#queue.length > 0) this.#take(this.#queue.shift()!);
  }

  /** Ends it before a final state: nothing is executed, and timers are cancelled. Inside a step: after it. */
  stop(): void {
    this.#isStopping = this.#isBusy;
    if (this.#isStopping) return;
    if (this.#snapshot.status === 'active') this.#snapshot = { ...this.#snapshot, status: 'stopped' };
    this.#end();
  }

  /** Continues as an actor with the same snapshot and the same timers; the same one when it is called again. Not inside a step. */
  toActor(): Actor<M> {
    if (this.#actor) return this.#actor as Actor<M>;
    const { id, input, parent } = this.options;
    const snapshot = this.logic.getPersistedSnapshot(this.#snapshot as never);
    const actor = createActor<AnyStateMachine>(this.logic, { id, input, parent, snapshot });
    moveTimers(this.system, this, actor);
    // The parent is notified of an error too, and acts on it; without this XState would throw it as an uncaught exception.
    actor.subscribe({ error: () => undefined });
    actor.start();
    this.#actor = actor;
    return actor as Actor<M>;
  }

  defer(run: () => void): void {
    (this.#deferred ??= []).push(run);
  }

  /** XState calls it without its object where no step is compiled. */
  readonly actionExecutor = ({ exec, info, params }: Action): void => {
    if (!exec) return;
    if (this.#isStarted) exec(info, params);
    else this.defer(() => exec(info, params));
  };

  stopChild(): never {
    throw new Error('a machine without an actor has no children');
  }

  emit(): never {
    throw new Error('a machine without an actor does not emit');
  }

  #take(event: AnyEventObject): void {
    if (this.#snapshot.status !== 'active') return;
    this.#isBusy = true;
    try {
      this.#settle((this.logic as unknown as Logic).transition(this.#snapshot, event, this));
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isBusy = false;
      if (this.#isStopping) this.stop();
    }
  }

  /** As an actor: the snapshot first, then timers, then the end. */
  #settle(next: { readonly status: string }): void {
    this.#snapshot = next;
    const deferred = this.#deferred;
    this.#deferred = undefined;
    if (deferred) for (const run of deferred) run();
    if (next.status !== 'done') return;
    this.#end();
    this.options.done();
  }

  #fail(error: unknown): void {
    const { id, parent } = this.options;
    this.#snapshot = { ...this.#snapshot, status: 'error' };
    this.#end();
    const event = { type: `xstate.error.actor.${id}`, error, actorId: id };
    (this.system as unknown as System)._relay(this, parent, event);
  }

  #end(): void {
    this.#queue = undefined;
    (this.system as unknown as System).scheduler.cancelAll(this);
  }
}
