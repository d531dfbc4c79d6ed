/** A Mealy machine as a Mermaid state diagram. Silent arrows that change nothing are left out. */
import type { Mealy } from './automata/index.js';

/** `differing`: arrows that are marked, as `state input`, both as indices. */
export function mermaidOf(machine: Mealy, differing: ReadonlySet<string> = new Set()): string {
  const arrows = machine.states.flatMap((_, state) => arrowsOf(machine, state, differing));
  return ['stateDiagram-v2', '  [*] --> s0', ...arrows, ''].join('\n');
}

/** One line for each target and output, with all its inputs. */
function arrowsOf(machine: Mealy, state: number, differing: ReadonlySet<string>): string[] {
  const groups = new Map<string, string[]>();
  for (const [n, { output, target }] of (machine.states[state] ?? []).entries()) {
    const mark = differing.has(`${state} ${n}`) ? 'differs: ' : '';
    if (target === state && output === '' && mark === '') continue;
    const key = JSON.stringify([target, output, mark]);
    groups.set(key, [...(groups.get(key) ?? []), machine.inputs[n] ?? '']);
  }
  return [...groups].map(([key, inputs]) => {
    const [target, output, mark] = JSON.parse(key) as [number, string, string];
    return `  s${state} --> s${target}: ${mark}${inputs.join(', ')} / ${output === '' ? 'nothing' : output}`;
  });
}
