/**
 * Records nodes, and replays recordings.
 *
 *   const file = new RecordingFile('regtest.ndjson', { limit: 1e9, broken: console.error });
 *   const node = recordedNode(file, { chain: 'regtest' });
 *   …
 *   file.close();
 *   const { differing } = await play(createReadStream('regtest.ndjson'));
 */
import {
  type Clock,
  type Fault,
  lookupWith,
  netWithFault,
  systemClock,
  systemRandom,
  tcpNet,
} from '../net/index.js';
import { type BitcoinNode, createNode, type NodeOptions, VerackError } from '../index.js';
import type { Difference } from './replay-difference.js';
import { type Input, recordedOptions, type RecordedOptions } from './recording-format.js';
import { refused } from './line-reader.js';
import { type Ending, type Turn, turnsOf } from './recording-reader.js';
import { Recorder, type Sink } from './recorder.js';
import { Replay } from './replay.js';

/** Differences that are kept; further ones are only counted. */
const MAX_DIFFERENCES = 20;
/** Most nodes in one recording. */
const MAX_NODES = 65_536;

const numbers = new WeakMap<Sink, number>();

/**
 * Creates a node as `createNode` does, and records it in `sink`, which can hold several nodes.
 *
 * @param faults - injected between the node and `options.net`
 */
export function recordedNode(
  sink: Sink,
  options: NodeOptions = {},
  faults: readonly Fault[] = [],
): BitcoinNode {
  const {
    clock = systemClock,
    random = systemRandom,
    net = tcpNet(),
    dns,
    lookup = lookupWith(dns),
  } = options;
  const number = (numbers.get(sink) ?? 0) + 1;
  numbers.set(sink, number);
  const recorder = new Recorder({ clock, random, net, lookup }, sink, number);
  const parts = {
    clock: recorder.clock,
    random: recorder.random,
    lookup: recorder.lookup,
    net: netWithFault(recorder.net, faults, recorder.clock),
    observer: recorder,
  };
  const input: Input = { in: 'node', options: recordedOptions(options, faults) };
  return recorder.input(input, () => createNode({ ...options, ...parts }));
}

/** Options of a replay. */
export interface PlayOptions {
  /** Options of the replayed nodes; neither changes their behaviour. */
  readonly node?: Pick<NodeOptions, 'inspect' | 'compiled'>;
  /** Called with each node and its clock before its first input. */
  readonly watch?: (node: BitcoinNode, clock: Pick<Clock, 'now'>, number: number) => void;
  /** Stops between two turns. */
  readonly signal?: AbortSignal;
}

/** The result of a replay. Everything was the same, byte for byte, when `differing` is 0. */
export interface ReplayVerdict {
  readonly nodes: number;
  readonly sessions: number;
  /** The number of inputs and effects. */
  readonly events: number;
  /** The number of differences. */
  readonly differing: number;
  /** The first 20 differences. */
  readonly differences: readonly Difference[];
  readonly ending: Ending;
}

/**
 * Replays a recording offline: without a network and on the recorded clock.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a file that is not a valid recording; `value` names the line
 */
export async function play(
  bytes: AsyncIterable<Uint8Array>,
  options: PlayOptions = {},
): Promise<ReplayVerdict> {
  const player = new Player(options);
  const turns = turnsOf(bytes);
  let step = await turns.next();
  for (; !step.done && !options.signal?.aborted; step = await turns.next()) await player.play(step.value);
  return player.verdict(step.done ? step.value : 'cut');
}

class Player {
  readonly #replays = new Map<number, Replay>();
  readonly #differences: Difference[] = [];
  #differing = 0;
  #sessions = 0;
  #events = 0;

  constructor(private readonly options: PlayOptions) {}

  async play(turn: Turn): Promise<void> {
    this.#events += turn.lines.length;
    await this.#replayOf(turn).play(turn);
  }

  verdict(ending: Ending): ReplayVerdict {
    return {
      nodes: this.#replays.size,
      sessions: this.#sessions,
      events: this.#events,
      differing: this.#differing,
      differences: this.#differences,
      ending,
    };
  }

  #replayOf(turn: Turn): Replay {
    const { node, lines } = turn;
    const [first] = lines;
    const known = this.#replays.get(node);
    if (!first || (first.entry.in === 'node') !== (known === undefined))
      throw refused(first?.line ?? 0, `node ${node} ${known ? 'exists already' : 'does not exist yet'}`);
    return known ?? this.#make(turn, first.line, first.entry.options as RecordedOptions);
  }

  #make(turn: Turn, line: number, recorded: RecordedOptions): Replay {
    const { node: number } = turn;
    if (this.#replays.size >= MAX_NODES) throw refused(line, `more than ${MAX_NODES} nodes`);
    const differs = (difference: Difference): void => {
      if (this.#differing++ < MAX_DIFFERENCES) this.#differences.push(difference);
    };
    const replay = madeReplay(line, () => new Replay(turn, recorded, differs, this.options.node));
    replay.node.peers.subscribe(({ type }) => void (type === 'created' && this.#sessions++));
    this.options.watch?.(replay.node, replay.clock, number);
    this.#replays.set(number, replay);
    return replay;
  }
}

/** Creates a replay; invalid options are reported with their line. */
function madeReplay(line: number, make: () => Replay): Replay {
  try {
    return make();
  } catch (error) {
    if (error instanceof VerackError)
      throw refused(line, `${String(error.facts.value)}: ${String(error.facts.why)}`);
    throw error;
  }
}
