/** Random charts, so that the compiled step is tested on unforeseen combinations. */
import { type AnyStateMachine, assign, createMachine, raise } from 'xstate';
import type { Chance } from '../simulation/seeded-random.js';
import type { Chart, Calls } from './differential.js';

export const TYPES = ['e0', 'e1', 'e2', 'e3', 'e4'] as const;
const DELAYS = [5, 20, 100];
const MOST = 25;

interface Count {
  readonly n: number;
}
type ActionArgs = { context: Count; event: unknown };

/** A chart of up to 25 states, at most four deep; now and then with a part that is left to XState. */
export function chartOf(chance: Chance): Chart {
  const config = new Maker(chance).machine();
  return (calls) => machineOf(config, calls);
}

const machineOf = (config: object, calls: Calls): AnyStateMachine =>
  createMachine(config).provide({
    actions: {
      log: ({ context, event }: ActionArgs, params: unknown) => void calls.push([context, event, params]),
      more: assign(({ context }: { context: Count }) => ({ n: context.n + 1 })),
      shout: raise(({ context }: { context: Count }) => ({ type: TYPES[context.n % TYPES.length]! })),
    } as never,
    guards: {
      isEven: ({ context }: ActionArgs) => context.n % 2 === 0,
      isThird: ({ context }: ActionArgs) => context.n % 3 === 0,
    } as never,
  });

class Maker {
  readonly #ids: string[] = [];
  #left: number;

  constructor(private readonly chance: Chance) {
    this.#left = 3 + chance.whole(0, MOST - 4);
  }

  machine(): object {
    const root = this.#state('m', 0);
    // Targets are chosen once all names are known.
    this.#connect(root);
    return { ...root, id: 'm', context: { n: 0 }, options: { maxIterations: 20 } };
  }

  #state(id: string, depth: number): Record<string, unknown> {
    if (depth > 0) this.#ids.push(id);
    const children =
      depth === 0 ? 2 + this.chance.whole(0, 2) : depth < 4 && this.#left > 0 ? this.chance.whole(0, 3) : 0;
    this.#left -= children;
    const state = { id, entry: this.#actions(), exit: this.#actions(), ...this.#extras(depth) };
    if (children === 0) return depth > 0 && this.#isRare(8) ? { ...state, type: 'final' } : state;
    const names = Array.from({ length: children }, (_, i) => `s${i}`);
    const states = Object.fromEntries(names.map((name) => [name, this.#state(`${id}_${name}`, depth + 1)]));
    const shape = depth > 0 && this.#isRare(30) ? { type: 'parallel' } : { initial: this.#pick(names) };
    return { ...state, ...shape, states };
  }

  #extras(depth: number): object {
    const tags = this.#isRare(4) ? { tags: [`depth${depth}`] } : {};
    return { ...tags, ...(this.#isRare(5) && { output: depth }) };
  }

  #connect(state: Record<string, unknown>): void {
    const isRoot = state.id === 'm';
    const types = [...TYPES, ...(this.#isRare(6) ? ['*'] : [])];
    if (state.type !== 'final') {
      state.on = Object.fromEntries(
        types.filter(() => this.#isRare(2)).map((type) => [type, this.#transitions(isRoot)]),
      );
      if (this.#isRare(4)) state.after = { [this.#pick(DELAYS)]: this.#transitions(isRoot) };
      if (this.#isRare(60)) state.always = { guard: 'isThird', actions: 'more' };
      if (state.initial && this.#isRare(3)) state.onDone = this.#transitions(isRoot);
    }
    for (const child of Object.values((state.states ?? {}) as Record<string, Record<string, unknown>>))
      this.#connect(child);
  }

  #transitions(isRoot: boolean): object[] {
    return Array.from({ length: 1 + this.chance.whole(0, 1) }, () => ({
      ...(this.#isRare(3) && { guard: this.#pick(['isEven', 'isThird']) }),
      ...(!this.#isRare(4) && { target: this.#isRare(60) ? '#m' : `#${this.#pick(this.#ids)}` }),
      ...(this.#isRare(isRoot ? 60 : 4) && { reenter: true }),
      actions: this.#actions(),
    }));
  }

  #actions(): unknown[] {
    const all = [
      'log',
      { type: 'log', params: { by: 'chance' } },
      'more',
      'more',
      ...(this.#isRare(6) ? ['shout'] : []),
    ];
    return all.filter(() => this.#isRare(4));
  }

  #pick<T>(from: readonly T[]): T {
    return this.chance.pick(from);
  }

  #isRare(oneIn: number): boolean {
    return this.chance.often(1 / oneIn);
  }
}
