/** Groups the transitions of a Mealy machine for drawing: one group for each source, target and output, with all its inputs. */
import type { Mealy } from './automata/index.js';

export interface TransitionGroup {
  readonly from: number;
  readonly to: number;
  readonly inputs: readonly string[];
  /** Empty when nothing is sent. */
  readonly output: string;
  /** Whether the compared machine has another output here. */
  readonly differs: boolean;
}

/** A set of transitions, each as the text `state input` with both indices. */
export type TransitionSet = ReadonlySet<string>;

/** All groups. Transitions without output and state change are omitted, unless they are in `differing`. */
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
