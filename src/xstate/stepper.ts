/**
 * Runs a machine without an actor, on a plain snapshot.
 *
 * For machines that usually process only a few events, where creating and stopping an actor would cost several times as much as the
 * transitions. Order of events, effects, delayed events and the end are as for an actor. The machine must not spawn or emit, and is neither
 * inspected nor observed; {@link Stepper.toActor} converts it to an actor for that.
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
import type { Action } from './machine-internals.js';
import { moveTimers } from './timers.js';

export interface StepperOptions<M extends AnyStateMachine> {
  /** As the option of an actor. */
  readonly id: string;
  readonly input: InputFrom<M>;
  /** Its system provides the clock and timers; an error is sent to it like an error of a child. */
  readonly parent: AnyActorRef;
  /** Called when a final state is reached. */
  readonly done: () => void;
}

/** The methods of a machine that an actor calls (internal to XState, whose version is pinned). */
interface Logic {
  transition(snapshot: object, event: AnyEventObject, scope: object): { readonly status: string };
  getInitialSnapshot(scope: object, input: unknown): { readonly status: string };
}

interface System {
  _bookId(): string;
  _relay(source: object, target: AnyActorRef, event: AnyEventObject): void;
  readonly scheduler: { cancelAll(source: object): void };
}

/** Public members without a comment are those of XState's actor scope. */
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

  /** `logic`: the machine with its handlers, as for an actor. */
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

  /** Created on first use. Only XState's own scheduler needs it, as part of the keys of timers. */
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

  /** Processes an event. An event that an effect sends is processed after the step that executed the effect. */
  send(event: EventFrom<M>): void {
    this._send(event);
  }

  /** Called by the scheduler with a delayed event. @internal */
  _send(event: AnyEventObject): void {
    if (this.#actor) return this.#actor.send(event);
    if (this.#isBusy) return void (this.#queue ??= []).push(event);
    this.#take(event);
    while (this.#queue && this.#queue.length > 0) this.#take(this.#queue.shift()!);
  }

  /** Ends it before a final state: no actions are executed and the timers are cancelled. If called during a step, it ends after the step. */
  stop(): void {
    this.#isStopping = this.#isBusy;
    if (this.#isStopping) return;
    if (this.#snapshot.status === 'active') this.#snapshot = { ...this.#snapshot, status: 'stopped' };
    this.#end();
  }

  /** Creates an actor with the same snapshot and the same timers, to which all events are then sent. Later calls return it. Must not be called during a step. */
  toActor(): Actor<M> {
    if (this.#actor) return this.#actor as Actor<M>;
    const { id, input, parent } = this.options;
    const snapshot = this.logic.getPersistedSnapshot(this.#snapshot as never);
    const actor = createActor<AnyStateMachine>(this.logic, { id, input, parent, snapshot });
    moveTimers(this.system, this, actor);
    // XState sends an error also to the parent, which handles it. Without this observer it would throw it as an uncaught exception.
    actor.subscribe({ error: () => undefined });
    actor.start();
    this.#actor = actor;
    return actor as Actor<M>;
  }

  defer(run: () => void): void {
    (this.#deferred ??= []).push(run);
  }

  /** An arrow function, because XState calls it without `this` when it interprets a step. */
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

  /** In the order of an actor: sets the snapshot, then the timers, then ends if the machine is done. */
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
