/** Renders a Mealy machine as a Mermaid state diagram. Transitions without output and state change are omitted. */
import type { Mealy } from './automata/index.js';
import { transitionGroups, type TransitionGroup, type TransitionSet } from './transition-groups.js';

/** The diagram as text. `differing`: transitions that are marked with the word `differs`. */
export function mermaidOf(machine: Mealy, differing?: TransitionSet): string {
  const transitions = transitionGroups(machine, differing).map(lineOf);
  return ['stateDiagram-v2', '  [*] --> s0', ...transitions, ''].join('\n');
}

const lineOf = ({ from, to, inputs, output, differs }: TransitionGroup): string =>
  `  s${from} --> s${to}: ${differs ? 'differs: ' : ''}${inputs.join(', ')} / ${output === '' ? 'nothing' : output}`;
