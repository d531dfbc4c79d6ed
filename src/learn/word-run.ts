/**
 * Runs one word on one new connection. The output of an input is everything that the node sends until it has been silent for the
 * settle time; then the next input is sent.
 */
import { type ReceivedItem, TesterConnection, TranscriptRecorder, V2Endpoint } from '../conformance/index.js';
import type { Clock, Link } from '../net/index.js';
import { type Chain, VerackError } from '../index.js';
import { type Input, PING_NONCE, type TransportName } from './alphabet.js';
import type { Connections } from './fresh-connections.js';
import { CLOSE, describeMessage, ENDLESS, isFinal, NO_MESSAGE } from './output.js';

export interface RunOptions {
  readonly connections: Connections;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly transport: TransportName;
  /** The settle time: milliseconds of silence that end an output. */
  readonly settle: number;
  /** How long to wait for an output before the first input, milliseconds; 0 for a node that sends nothing by itself. */
  readonly greetingTimeout: number;
}

/** The result of one word. */
export interface Run {
  /** The output before the first input. */
  readonly greeting: string;
  /** One output per input; fewer when one is final. */
  readonly outputs: readonly string[];
  /** The payload of the node's first `version`. */
  readonly version: Uint8Array | undefined;
  /** The longest time between an input and a part of its output, or the end of the connection, milliseconds. */
  readonly latency: number;
}

/** The outputs of a run that are known from earlier runs: the one before the first input, and those of the first inputs. */
export interface Expected {
  readonly greeting: string;
  readonly outputs: readonly string[];
}

/** Time limit of the v2 key exchange, milliseconds. */
const V2_MS = 5_000;
/** Time limit for the next part of a known output, milliseconds. */
const EXPECTED_MS = 2_000;
/** An output with more messages, or one that takes longer in milliseconds, is {@link ENDLESS}. */
const MAX_PARTS = 1_000;
const LONGEST_MS = 20_000;

/** Runs a word. A known output is complete when it equals the expected one, any other output after silence. Rejects with a {@link VerackError} if the connection or its v2 handshake fails. */
export async function runWord(
  word: readonly Input[],
  options: RunOptions,
  expected?: Expected,
): Promise<Run> {
  const link = await options.connections.open();
  try {
    const run = new WordRun(link, options);
    const greeting = await run.greet(expected?.greeting);
    const outputs: string[] = [];
    if (!isFinal(greeting)) await askAll(run, word, outputs, expected?.outputs);
    return { greeting, outputs, version: run.version, latency: run.latency };
  } finally {
    link.destroy();
  }
}

async function askAll(
  run: WordRun,
  word: readonly Input[],
  outputs: string[],
  expected: readonly string[] = [],
): Promise<void> {
  for (const [n, input] of word.entries()) {
    const output = await run.ask(input, expected[n]);
    outputs.push(output);
    if (isFinal(output)) return;
  }
}

/** One connection, to which inputs are sent one by one. The caller destroys the link. */
export class WordRun {
  /** The payload of the node's first `version`; no other message is kept. */
  version: Uint8Array | undefined;
  /** The longest time between an input and a part of its output, or the end of the connection, milliseconds. */
  latency = 0;
  /** Milliseconds of silence that end an output; may be changed between two inputs. */
  settle: number;
  readonly #connection: TesterConnection;
  /** When the last input was sent. */
  #askedAt: number;

  constructor(
    link: Link,
    private readonly options: RunOptions,
  ) {
    const { chain, clock, settle } = options;
    this.settle = settle;
    this.#askedAt = clock.now();
    const transcript = new TranscriptRecorder(() => clock.now());
    this.#connection = new TesterConnection('A', link, chain.magic, clock, transcript);
  }

  /** Exchanges the keys of v2, and waits for what comes before our first input. */
  async greet(expected?: string): Promise<string> {
    const { transport, greetingTimeout } = this.options;
    if (transport === 'v2') await this.#exchangeKeys();
    this.#askedAt = this.options.clock.now();
    return greetingTimeout === 0 ? '' : this.#output(Math.max(greetingTimeout, this.settle), expected);
  }

  /** Sends an input. The output is complete when it equals the expected one, or after the settle time without messages. */
  async ask(input: Input, expected?: string): Promise<string> {
    this.#askedAt = this.options.clock.now();
    this.#send(input);
    return input.close ? CLOSE : this.#output(this.settle, expected);
  }

  /** Waits up to `ms` milliseconds for more output after one that seemed complete. */
  listen(ms: number): Promise<string> {
    return this.#output(ms);
  }

  #send(input: Input): void {
    const reference = { chain: this.options.chain, captured: new Map<string, Uint8Array>() };
    if (input.close) return this.#connection.close();
    const bytes = input.message
      ? this.#connection.encode(input.message, reference)
      : this.#connection.exchange?.packet({ op: 'v2_packet', ...input.packet });
    if (bytes) this.#connection.write([bytes], input.name);
  }

  /**
   * Collects output until it equals the expected one, until nothing arrives for `first` milliseconds, until the settle time after
   * the last part, or to its limits.
   */
  async #output(first: number, expected?: string): Promise<string> {
    const { clock } = this.options;
    const begin = clock.now();
    const parts: string[] = [];
    const patience = expected === undefined ? 0 : EXPECTED_MS;
    for (let until = begin + Math.max(first, patience); parts.join(' ') !== expected;) {
      if (parts.length > MAX_PARTS || clock.now() - begin > LONGEST_MS) return ENDLESS;
      const item = this.#connection.take();
      if (item) {
        parts.push(this.#describe(item));
        until = this.#measured() + Math.max(this.settle, patience);
      } else if (this.#connection.ended) {
        this.#measured();
        return [...parts, CLOSE].join(' ');
      } else if (parts.at(-1) === NO_MESSAGE || clock.now() >= until) return parts.join(' ');
      else await this.#connection.change(until);
    }
    return parts.join(' ');
  }

  /** Records the latency of a part that arrived now; returns the current time. */
  #measured(): number {
    const now = this.options.clock.now();
    this.latency = Math.max(this.latency, now - this.#askedAt);
    return now;
  }

  #describe(item: ReceivedItem): string {
    if (item.kind === 'stray') return NO_MESSAGE;
    if (item.command === 'version') this.version ??= item.payload;
    return describeMessage(item.command, item.payload, PING_NONCE);
  }

  async #exchangeKeys(): Promise<void> {
    const { chain, connections } = this.options;
    const endpoint = new V2Endpoint({
      initiating: connections.initiating,
      magic: chain.magic,
      garbage: new Uint8Array(0),
    });
    this.#connection.speakV2(endpoint);
    this.#connection.write([endpoint.opening(0)], 'key');
    await this.#until(() => endpoint.isAgreed);
    const reference = { chain, captured: new Map<string, Uint8Array>() };
    this.#connection.write([endpoint.closing({ op: 'v2_finish' }, reference)], 'terminator');
    await this.#until(() => endpoint.isSettled);
  }

  async #until(isDone: () => boolean): Promise<void> {
    const { clock } = this.options;
    const until = clock.now() + V2_MS;
    while (!isDone()) {
      if (this.#connection.ended || clock.now() >= until)
        throw new VerackError('ERR_POLICY_TRANSPORT', {
          why: 'the BIP324 key exchange with this node failed',
        });
      await this.#connection.change(until);
    }
  }
}
