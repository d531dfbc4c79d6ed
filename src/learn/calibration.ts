/**
 * What has to be known of a node before it is learned: how long it takes to answer, what it sends by itself, and what its
 * version announces.
 */
import { versionFields } from '../conformance/index.js';
import { type Input, inputsOf } from './alphabet.js';
import { NO_MESSAGE } from './output.js';
import { type Run, type RunOptions, runWord } from './word-run.js';

/** What a node announces. */
export interface NodeFacts {
  readonly version: number;
  readonly subver: string;
  /** 16 hex digits. */
  readonly services: string;
  readonly relay: boolean;
  /** Whether its listener also accepts v2. */
  readonly v2: boolean;
}

export interface Calibration {
  readonly node: NodeFacts;
  readonly greeting: string;
  readonly settle: number;
  readonly greetingTimeout: number;
}

/** Silence that is long enough for whatever answers at once. */
const LONG_MS = 500;
const LEAST_MS = 20;
const MOST_MS = 2_000;
/** An answer may take so many times longer than nine of ten that were measured. */
const MARGIN = 3;

const WORD = ['version', 'verack', 'ping'];
/** Every node closes on it; Bitcoin Core up to 50 ms later, when its socket thread comes round. */
const CLOSING = ['version-31799'];

/**
 * Runs a whole handshake `parallel` times at once, as learning does later, and again. Rejects with a `VerackError` when the node cannot
 * be reached.
 */
export async function calibrate(
  options: Omit<RunOptions, 'settle' | 'greetingTimeout'>,
  parallel: number,
): Promise<Calibration> {
  const slow = { ...options, settle: LONG_MS, greetingTimeout: LONG_MS };
  const all = inputsOf(options.transport);
  const inputsOfWord = (names: readonly string[]): Input[] =>
    names.flatMap((name) => all.filter((input) => input.name === name));
  const word = inputsOfWord(WORD);
  const runs = (inputs: readonly Input[]) =>
    Promise.all(Array.from({ length: parallel }, () => runWord(inputs, slow)));
  // The first connections are slower than all others.
  const [first] = await runs(word);
  const pings = options.connections.initiating ? await runs(PING) : [];
  const closing = await runs(inputsOfWord(CLOSING));
  const latencies = [...(await runs(word)), ...pings, ...closing].map((run) => run.latency);
  const settle = settleOf(latencies.sort((one, other) => one - other));
  const greeting = first?.greeting ?? '';
  const node = { ...factsOf(first), v2: options.transport === 'v2' || pings.some(isKey) };
  return { node, greeting, settle, greetingTimeout: greeting === '' ? 0 : Math.max(LONG_MS, settle) };
}

/** A v2-capable listener answers a v1 message that is no version with its key; to make one takes time. */
const PING = inputsOf('v1').filter(({ name }) => name === 'ping');
const isKey = ({ outputs }: Run): boolean => outputs[0]?.split(' ').includes(NO_MESSAGE) ?? false;

/** Milliseconds of silence that end an output, by the latencies of answers in ascending order. */
export function settleOf(sorted: readonly number[]): number {
  const usual = sorted[Math.floor(0.9 * sorted.length)] ?? 0;
  return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, MARGIN * usual)));
}

/** What the `version` among the messages of a connection announces; zeros when there is none. */
export function factsOf(run: Pick<Run, 'messages'> | undefined): Omit<NodeFacts, 'v2'> {
  const payload = run?.messages.find(({ command }) => command === 'version')?.payload;
  const fields = payload ? versionFields(payload) : {};
  return {
    version: Number(fields.version ?? 0),
    subver: printable(String(fields.user_agent ?? '')),
    services: payload ? servicesOf(payload) : '0000000000000000',
    relay: fields.relay !== 0,
  };
}

/** Text of a peer for display. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256);

const servicesOf = (payload: Uint8Array): string =>
  Buffer.from(payload.subarray(4, 12)).reverse().toString('hex');
