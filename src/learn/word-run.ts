/**
 * One word on one fresh connection: each input is sent when the node has been silent for the settle time, and what it sends
 * until then is the output.
 */
import { type ReceivedItem, TesterConnection, TranscriptRecorder, V2Endpoint } from '../conformance/index.js';
import type { Clock } from '../net/index.js';
import { type Chain, VerackError } from '../index.js';
import { type Input, PING_NONCE, type TransportName } from './alphabet.js';
import type { Connections } from './fresh-connections.js';
import { CLOSE, describeMessage, isFinal, NO_MESSAGE } from './output.js';

export interface RunOptions {
  readonly connections: Connections;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly transport: TransportName;
  /** Milliseconds of silence that end an output. */
  readonly settle: number;
  /** Milliseconds that the node may take to send something before our first input; 0 for one that waits for it. */
  readonly greetingTimeout: number;
}

/** What happened. */
export interface Run {
  readonly greeting: string;
  readonly outputs: readonly string[];
  /** Every message of the node. */
  readonly messages: readonly Message[];
  /** The longest time between an input and a part of its output, milliseconds. */
  readonly latency: number;
}

interface Message {
  readonly command: string;
  readonly payload: Uint8Array;
}

const V2_MS = 5_000;

/** Rejects with a {@link VerackError} when there is no connection, or no v2 on it. */
export async function runWord(word: readonly Input[], options: RunOptions): Promise<Run> {
  const link = await options.connections.open();
  try {
    return await new WordRun(link, options).run(word);
  } finally {
    link.destroy();
  }
}

class WordRun {
  readonly #connection: TesterConnection;
  readonly #messages: Message[] = [];
  #latency = 0;

  constructor(
    link: TesterConnection['link'],
    private readonly options: RunOptions,
  ) {
    const { chain, clock } = options;
    const transcript = new TranscriptRecorder(() => clock.now());
    this.#connection = new TesterConnection('A', link, chain.magic, clock, transcript);
  }

  async run(word: readonly Input[]): Promise<Run> {
    if (this.options.transport === 'v2') await this.#exchangeKeys();
    const greeting = await this.#greeting();
    const outputs: string[] = [];
    if (!isFinal(greeting)) await this.#ask(word, outputs);
    return { greeting, outputs, messages: this.#messages, latency: this.#latency };
  }

  async #ask(word: readonly Input[], outputs: string[]): Promise<void> {
    for (const input of word) {
      this.#send(input);
      const output = input.close ? CLOSE : await this.#output(this.options.settle);
      outputs.push(output);
      if (isFinal(output)) return;
    }
  }

  /** What comes before our first input. */
  async #greeting(): Promise<string> {
    const { greetingTimeout, settle } = this.options;
    return greetingTimeout === 0 ? '' : this.#output(Math.max(greetingTimeout, settle));
  }

  #send(input: Input): void {
    const reference = { chain: this.options.chain, captured: new Map<string, Uint8Array>() };
    if (input.close) return this.#connection.close();
    const bytes = input.message
      ? this.#connection.encode(input.message, reference)
      : this.#connection.exchange?.packet({ op: 'v2_packet', ...input.packet });
    if (bytes) this.#connection.write([bytes], input.name);
  }

  /** Everything until `first` milliseconds without anything, or the settle time after the last part. */
  async #output(first: number): Promise<string> {
    const { clock, settle } = this.options;
    const begin = clock.now();
    const parts: string[] = [];
    for (let until = begin + first; ;) {
      const heard = this.#connection.take();
      if (heard) {
        parts.push(this.#describe(heard));
        this.#latency = Math.max(this.#latency, clock.now() - begin);
        until = clock.now() + settle;
      } else if (this.#connection.ended) return [...parts, CLOSE].join(' ');
      else if (parts.at(-1) === NO_MESSAGE || clock.now() >= until) return parts.join(' ');
      else await this.#connection.change(until);
    }
  }

  #describe(heard: ReceivedItem): string {
    if (heard.kind === 'stray') return NO_MESSAGE;
    this.#messages.push(heard);
    return describeMessage(heard.command, heard.payload, PING_NONCE);
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
        throw new VerackError('ERR_POLICY_TRANSPORT', { why: 'no BIP324 key exchange with this node' });
      await this.#connection.change(until);
    }
  }
}
