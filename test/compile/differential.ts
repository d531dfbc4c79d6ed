/**
 * Runs one machine twice, interpreted by XState and compiled, on separate clocks: everything that can be observed of the
 * one must be the same for the other.
 */
import {
  type AnyActor,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
} from 'xstate';
import { VirtualClock } from '../../src/net/virtual-clock.js';
import { compile } from '../../src/xstate/compile.js';

/** The recorded calls of a chart's actions, in order; the charts of one side share it. */
export type Calls = unknown[];

/** A chart that records the calls of its actions. Called once for each side. */
export type Chart = (calls: Calls) => AnyStateMachine;

/** Something that happens to a machine: an event, or time that passes (milliseconds). */
export type Move = AnyEventObject | number;

class Side {
  readonly #clock = new VirtualClock();
  readonly #actor: AnyActor;
  #seen: unknown[] = [];

  constructor(chart: Chart, turn: (machine: AnyStateMachine) => AnyStateMachine, input: unknown) {
    const machine = turn(chart(this.#seen));
    const inspect = (event: InspectionEvent) => void this.#seen.push(inspectionOf(event));
    this.#actor = createActor(machine, { id: 'twin', input, clock: this.#clock, inspect });
    this.#actor.on('*', (event) => void this.#seen.push(['emitted', event]));
    this.#actor.subscribe({
      next: (snapshot: AnyMachineSnapshot) => void this.#seen.push(['next', pictureOf(snapshot)]),
      error: (error) => void this.#seen.push(['error', briefly(error)]),
      complete: () => void this.#seen.push(['complete']),
    });
    this.#actor.start();
  }

  get isOver(): boolean {
    return (this.#actor.getSnapshot() as AnyMachineSnapshot).status !== 'active';
  }

  move(move: Move): void {
    if (typeof move === 'number') this.#clock.advance(move);
    else this.#actor.send(move);
  }

  stop(): void {
    this.#actor.stop();
  }

  /** Everything that was observed since the last call, and the current state, one line each. */
  report(): string[] {
    const now = pictureOf(this.#actor.getSnapshot() as AnyMachineSnapshot);
    return [...this.#seen.splice(0), ['now', now, this.#clock.armed]].map((line) => JSON.stringify(line));
  }
}

/** Each side has its own error for an endless loop. */
const briefly = (error: unknown): string => String(error).replace(/(Infinite loop detected).*/, '$1');

/** What a user sees of a snapshot. */
const pictureOf = (snapshot: AnyMachineSnapshot) => ({
  value: snapshot.value as unknown,
  context: snapshot.context as object,
  status: snapshot.status,
  output: snapshot.output as unknown,
  error: briefly(snapshot.error),
  tags: [...snapshot.tags].sort(),
  children: Object.keys(snapshot.children as object),
  meta: snapshot.getMeta() as unknown,
  // Tags are a set, so their order does not matter.
  persisted: { ...(snapshot.toJSON() as object), tags: undefined },
});

function inspectionOf(event: InspectionEvent): unknown {
  const { type } = event;
  if (type === '@xstate.microstep')
    return [type, event.event, event._transitions.length, stateOf(event.snapshot)];
  if (type === '@xstate.snapshot') return [type, event.event, stateOf(event.snapshot)];
  if (type === '@xstate.event') return [type, event.event];
  return type === '@xstate.action' ? [type, event.action] : [type];
}

const stateOf = (snapshot: object): unknown =>
  'value' in snapshot && 'context' in snapshot ? [snapshot.value, snapshot.context] : [];

/** The first difference that the moves show, with the moves that lead to it; undefined when there is none. */
export function difference(chart: Chart, moves: readonly Move[], input?: unknown): string | undefined {
  const sides = [new Side(chart, (machine) => machine, input), new Side(chart, compile, input)];
  const compare = (made: readonly Move[]): string | undefined => {
    const [plain = [], compiled = []] = sides.map((side) => side.report());
    const at = Array.from(plain.length > compiled.length ? plain : compiled, (_, i) => i).find(
      (i) => plain[i] !== compiled[i],
    );
    if (at === undefined) return undefined;
    return [`after ${JSON.stringify(made)}`, `XState:   ${plain[at]}`, `compiled: ${compiled[at]}`].join(
      '\n',
    );
  };
  let found = compare([]);
  for (let i = 0; i < moves.length && found === undefined && !sides[0]!.isOver; i++) {
    for (const side of sides) side.move(moves[i]!);
    found = compare(moves.slice(0, i + 1));
  }
  for (const side of sides) side.stop();
  return found ?? compare(moves);
}
