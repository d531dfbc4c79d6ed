/** A Mealy machine as a Mermaid state diagram. Silent arrows that change nothing are left out. */
import type { Mealy } from './automata/index.js';
import { arrowGroups, type ArrowGroup, type ArrowSet } from './arrow-groups.js';

/** `differing`: arrows that are marked. */
export function mermaidOf(machine: Mealy, differing?: ArrowSet): string {
  const arrows = arrowGroups(machine, differing).map(lineOf);
  return ['stateDiagram-v2', '  [*] --> s0', ...arrows, ''].join('\n');
}

const lineOf = ({ from, to, inputs, output, differs }: ArrowGroup): string =>
  `  s${from} --> s${to}: ${differs ? 'differs: ' : ''}${inputs.join(', ')} / ${output === '' ? 'nothing' : output}`;
