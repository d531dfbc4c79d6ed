/** The arrows of a Mealy machine as a drawing shows them: one for each target and output, with all its inputs. */
import type { Mealy } from './automata/index.js';

export interface ArrowGroup {
  readonly from: number;
  readonly to: number;
  readonly inputs: readonly string[];
  /** Empty for none. */
  readonly output: string;
  /** Whether another machine does something else here. */
  readonly differs: boolean;
}

/** Arrows of a state, as `state input`, both as indices. */
export type ArrowSet = ReadonlySet<string>;

/** Silent arrows that change nothing are left out, unless they are among `differing`. */
export const arrowGroups = (machine: Mealy, differing: ArrowSet = new Set()): ArrowGroup[] =>
  machine.states.flatMap((_, state) => groupsOf(machine, state, differing));

function groupsOf(machine: Mealy, from: number, differing: ArrowSet): ArrowGroup[] {
  const groups = new Map<string, ArrowGroup>();
  for (const [n, { output, target: to }] of (machine.states[from] ?? []).entries()) {
    const differs = differing.has(`${from} ${n}`);
    if (to === from && output === '' && !differs) continue;
    const key = JSON.stringify([to, output, differs]);
    const inputs = [...(groups.get(key)?.inputs ?? []), machine.inputs[n] ?? ''];
    groups.set(key, { from, to, inputs, output, differs });
  }
  return [...groups.values()];
}
