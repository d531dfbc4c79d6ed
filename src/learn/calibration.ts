/**
 * Measures what learning must know about a node: how long its answers take, what it sends before any input, and what its
 * `version` announces.
 */
import { versionFields } from '../conformance/index.js';
import { type Input, inputsOf } from './alphabet.js';
import { NO_MESSAGE } from './output.js';
import { type Run, type RunOptions, runWord } from './word-run.js';

/** What the `version` of a node announces. */
export interface NodeFacts {
  /** Protocol version. */
  readonly version: number;
  readonly subver: string;
  /** 16 hex digits. */
  readonly services: string;
  readonly relay: boolean;
  /** Whether its listener also accepts v2. */
  readonly v2: boolean;
}

/** The measured values; see {@link RunOptions} for the last two. */
export interface Calibration {
  readonly node: NodeFacts;
  /** The output before any input; empty when the node sends nothing by itself. */
  readonly greeting: string;
  readonly settle: number;
  readonly greetingTimeout: number;
}

/** Silence that ends an output while nothing is measured yet, milliseconds. */
const LONG_MS = 500;
/** Limits of the settle time, milliseconds. The lower one is three polls of Bitcoin Core. */
const LEAST_MS = 150;
const MOST_MS = 2_000;
/** The settle time is this many times the 90th percentile of the measured latencies. */
const MARGIN = 3;

const WORD = ['version', 'verack', 'ping'];
/** Every node closes the connection on this input; Bitcoin Core up to 50 ms later, because its socket thread polls. */
const CLOSING = ['version-31799'];

/**
 * Runs complete handshakes, `parallel` at the same time as learning does later, and measures the latencies. Rejects with a
 * `VerackError` when the node cannot be reached.
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
  // The latencies of the first connections are not used: they are higher than all later ones.
  const [first] = await runs(word);
  const pings = options.connections.initiating ? await runs(PING) : [];
  const closing = await runs(inputsOfWord(CLOSING));
  const latencies = [...(await runs(word)), ...pings, ...closing].map((run) => run.latency);
  const settle = settleOf(latencies.sort((one, other) => one - other));
  const greeting = first?.greeting ?? '';
  const node = { ...factsOf(first), v2: options.transport === 'v2' || pings.some(isKey) };
  return { node, greeting, settle, greetingTimeout: greeting === '' ? 0 : Math.max(LONG_MS, settle) };
}

/** A listener that accepts v2 answers any v1 message other than `version` with its key. Computing the key takes time, so it is measured. */
const PING = inputsOf('v1').filter(({ name }) => name === 'ping');
const isKey = ({ outputs }: Run): boolean => outputs[0]?.split(' ').includes(NO_MESSAGE) ?? false;

/** The settle time in milliseconds, from latencies in ascending order. */
export function settleOf(sorted: readonly number[]): number {
  const usual = sorted[Math.floor(0.9 * sorted.length)] ?? 0;
  return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, MARGIN * usual)));
}

/** The contents of the `version` of a connection; zeros and empty text when there is none. */
export function factsOf(run: Pick<Run, 'version'> | undefined): Omit<NodeFacts, 'v2'> {
  const payload = run?.version;
  const fields = payload ? versionFields(payload) : {};
  return {
    version: Number(fields.version ?? 0),
    subver: printable(String(fields.user_agent ?? '')),
    services: payload ? servicesOf(payload) : '0000000000000000',
    relay: fields.relay !== 0,
  };
}

/** Replaces everything but printable ASCII in a peer's text, which is untrusted, and limits it to 256 characters. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256);

const servicesOf = (payload: Uint8Array): string =>
  Buffer.from(payload.subarray(4, 12)).reverse().toString('hex');
