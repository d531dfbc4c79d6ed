/** The transitions of a Mealy machine as a drawing shows them: one for each target and output, with all its inputs. */
import type { Mealy } from './automata/index.js';

export interface TransitionGroup {
  readonly from: number;
  readonly to: number;
  readonly inputs: readonly string[];
  /** Empty for none. */
  readonly output: string;
  /** Whether another machine does something else here. */
  readonly differs: boolean;
}

/** Transitions of a state, as `state input`, both as indices. */
export type TransitionSet = ReadonlySet<string>;

/** Silent transitions that change nothing are left out, unless they are among `differing`. */
export const transitionGroups = (machine: Mealy, differing: TransitionSet = new Set()): TransitionGroup[] =>
  machine.states.flatMap((_, state) => groupsOf(machine, state, differing));

function groupsOf(machine: Mealy, from: number, differing: TransitionSet): TransitionGroup[] {
  const groups = new Map<string, TransitionGroup>();
  for (const [n, { output, target: to }] of (machine.states[from] ?? []).entries()) {
    const differs = differing.has(`${from} ${n}`);
    if (to === from && output === '' && !differs) continue;
    const key = JSON.stringify([to, output, differs]);
    const inputs = [...(groups.get(key)?.inputs ?? []), machine.inputs[n] ?? ''];
    groups.set(key, { from, to, inputs, output, differs });
  }
  return [...groups.values()];
}
