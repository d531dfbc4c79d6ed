/** The file format of a learned model, which `verack learn --json` writes and `--diff` reads. */
import type { ConnectionType } from '../../machines/index.js';
import type { TransportName } from './alphabet.js';
import type { Mealy } from './automata/index.js';
import type { NodeFacts } from './calibration.js';

export const FORMAT = 'verack-model/1';

export interface Model {
  readonly format: typeof FORMAT;
  /** The type of the connections from the node's point of view: `inbound` when we dialled. */
  readonly connection_type: ConnectionType;
  readonly transport: TransportName;
  readonly node: NodeFacts;
  /** The output before any input; empty when the node sends nothing by itself. */
  readonly greeting: string;
  readonly machine: Mealy;
  /** Words to which the node repeatedly gave different answers. */
  readonly nondeterminism: readonly VaryingWord[];
}

/** A word as names of inputs, and all outputs that were observed for its last one. */
export interface VaryingWord {
  readonly word: readonly string[];
  readonly outputs: readonly string[];
}

const MAX_STATES = 10_000;
const MAX_INPUTS = 1_000;

/** Checks that parsed JSON is a model. Returns the model, or a sentence that says what is wrong. `file`: its name for that sentence. */
export function readModel(value: unknown, file: string): Model | string {
  const model = value as Partial<Model> | null;
  if (typeof model !== 'object' || model?.format !== FORMAT)
    return `${file} is not a model of "verack learn"`;
  const fault = faultOf(model);
  return fault === undefined ? (model as Model) : `${file} is not a valid model: ${fault}`;
}

function faultOf({ greeting, machine, node, nondeterminism }: Partial<Model>): string | undefined {
  if (typeof greeting !== 'string') return 'greeting should be a string';
  if (typeof node?.subver !== 'string') return 'node.subver should be a string';
  if (!Array.isArray(nondeterminism)) return 'nondeterminism should be a list';
  return machineFault(machine);
}

function machineFault(machine: Partial<Mealy> | undefined): string | undefined {
  const inputs: unknown = machine?.inputs;
  const states: unknown = machine?.states;
  if (!isList(inputs, MAX_INPUTS) || !inputs.every((input) => typeof input === 'string'))
    return `machine.inputs should be a list of 1 to ${MAX_INPUTS} strings`;
  if (!isList(states, MAX_STATES)) return `machine.states should be a list of 1 to ${MAX_STATES} states`;
  const isTransition = (transition: unknown): boolean => {
    const { output, target } = (transition ?? {}) as { output?: unknown; target?: unknown };
    return typeof output === 'string' && Number.isInteger(target) && states[target as number] !== undefined;
  };
  const isWhole = (transitions: unknown): boolean =>
    Array.isArray(transitions) && transitions.length === inputs.length && transitions.every(isTransition);
  return states.every(isWhole) ? undefined : 'every state needs a transition to a state for every input';
}

const isList = (value: unknown, most: number): value is readonly unknown[] =>
  Array.isArray(value) && value.length > 0 && value.length <= most;
