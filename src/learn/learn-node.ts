/**
 * Learns the state machine of a node from its answers on the network, and compares it with our own chart.
 *
 *   const result = await learnNode({ connections: dialledConnections(at, systemClock), chain, … });
 */
import type { ConnectionType } from '../../machines/index.js';
import { learn, minimized } from './automata/index.js';
import type { Effort } from './automata/index.js';
import { calibrate } from './calibration.js';
import { chartModel } from './chart-model.js';
import { compare, type ModelDifference } from './compare.js';
import { FORMAT, type Model } from './model.js';
import { NodeTeacher, type TeacherOptions } from './node-teacher.js';

export interface LearnNodeOptions extends Pick<
  TeacherOptions,
  'connections' | 'chain' | 'clock' | 'transport' | 'parallel' | 'pause' | 'signal'
> {
  /** The type of the connections from the node's point of view: `inbound` when we dial. */
  readonly connection_type: ConnectionType;
  /** Additional states that testing searches for; each multiplies the number of words by the number of inputs. Default 0. */
  readonly depth?: number;
  /** Most words that are sent, each on its own connection. Default {@link MAX_WORDS}, times the number of inputs for each step of `depth`. */
  readonly maxWords?: number;
  /** Called after each batch of words. */
  readonly progress?: (effort: Effort) => void;
}

export interface LearnResult {
  readonly model: Model;
  /** The model of our own chart, configured as the node's `version` describes the node. */
  readonly reference: Model;
  readonly differences: readonly ModelDifference[];
  /** Number of words that were sent. */
  readonly words: number;
  /** Number of outputs that were received. */
  readonly symbols: number;
  /** Number of words that were sent again because of contradicting answers. */
  readonly repeated: number;
  readonly seconds: number;
  /** Number of states of the learned machine. */
  readonly states: number;
  /** Milliseconds of silence that ended an output. */
  readonly settle: number;
}

/** Default limit of words. Bitcoin Core, Litecoin Core, bcoin and our own node need at most 500. */
export const MAX_WORDS = 10_000;

/**
 * Learns a node. Rejects with a `VerackError` when the node cannot be reached, with a `LearningError` when it cannot be learned,
 * and with the signal's reason when it aborts.
 */
export async function learnNode(options: LearnNodeOptions): Promise<LearnResult> {
  const { clock, chain, transport, connection_type, depth = 0 } = options;
  const begin = clock.now();
  const calibration = await calibrate(options, options.parallel);
  const { node, greeting, settle } = calibration;
  const frame = { format: FORMAT, connection_type, transport, node, nondeterminism: [] } as const;
  const reference = { ...frame, ...chartModel({ chain, connection_type, transport, ...node }) };
  const teacher = new NodeTeacher({ ...options, ...calibration });
  const { progress, maxWords = MAX_WORDS * teacher.inputs.length ** depth } = options;
  const learned = await learn({
    teacher,
    depth,
    maxWords,
    reference: reference.machine,
    ...(progress && { progress }),
  });
  const { words, symbols, repeated } = learned;
  const nondeterminism = learned.nondeterminism.map(({ word, outputs }) => ({
    word: word.map((input) => teacher.inputs[input] ?? ''),
    outputs,
  }));
  const greetings = [...teacher.greetings].map((other) => ({ word: [], outputs: [greeting, other] }));
  const machine = minimized(learned.machine);
  const model: Model = { ...frame, greeting, machine, nondeterminism: [...greetings, ...nondeterminism] };
  const seconds = Math.round(clock.now() - begin) / 1_000;
  return {
    model,
    reference,
    differences: compare(reference, model),
    words,
    symbols,
    repeated,
    seconds,
    states: machine.states.length,
    settle,
  };
}
