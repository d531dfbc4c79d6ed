/**
 * Converts a Mealy machine into an XState config: inputs become events, outputs become actions of their transitions. The config
 * can be pasted into Stately or passed to `createMachine`. Transitions without output and state change are omitted.
 */
import type { Mealy } from './automata/index.js';

export interface XStateConfig {
  readonly id: string;
  readonly initial: string;
  readonly states: Readonly<Record<string, { readonly on: Readonly<Record<string, Transition>> }>>;
}

interface Transition {
  readonly target: string;
  readonly actions: readonly string[];
}

/** The config. Events are named `receive.<input>`, actions `send.<command>` and `close`. */
export function xstateConfigOf(machine: Mealy, id: string): XStateConfig {
  const states = machine.states.map(
    (_, state) => [`s${state}`, { on: transitionsOf(machine, state) }] as const,
  );
  return { id, initial: 's0', states: Object.fromEntries(states) };
}

function transitionsOf(machine: Mealy, state: number): Record<string, Transition> {
  const kept = (machine.states[state] ?? [])
    .map((transition, input) => ({ ...transition, input }))
    .filter(({ output, target }) => output !== '' || target !== state);
  return Object.fromEntries(
    kept.map(({ output, target, input }) => [
      `receive.${machine.inputs[input] ?? ''}`,
      { target: `s${target}`, actions: actionsOf(output) },
    ]),
  );
}

const actionsOf = (output: string): string[] =>
  output
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => (part === 'close' ? part : `send.${part}`));
