/** A node under observation: a witness hears everything that its owner asks of it and everything that it says. */
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint, Listener } from '../net/link.js';
import { parseEndpoint } from '../net/endpoint.js';
import type { NodeEvents } from '../node/events.js';
import { BitcoinNode } from '../node/node.js';
import type { DialOptions, NodeOptions } from '../node/options.js';
import type { Peer } from '../node/peer.js';
import { commandOf, encodeMessage, hexOf, type Message, type UnknownMessage } from '../wire/index.js';
import type { Input, RecordedDial } from './recording-format.js';

export interface NodeObserver {
  /** Something is asked of the node, or happens to it: `run` is what comes of it. */
  enter<T>(input: Input, run: () => T): T;
  /** The node says something; `run` tells its listeners. */
  tell(event: keyof NodeEvents, payload: object, run: () => boolean): boolean;
}

export class RecordingNode extends BitcoinNode {
  readonly #witness: NodeObserver;
  readonly #numbers = new WeakMap<Peer, number>();
  #dials = 0;

  constructor({ signal, ...options }: NodeOptions, witness: NodeObserver) {
    super(options);
    this.#witness = witness;
    // Told only to those who listen; a witness always does.
    this.on('transition', () => undefined);
    this.on('established', () => undefined);
    this.on('ended', () => undefined);
    this.on('pong', () => undefined);
    if (signal?.aborted) void this.stop();
    else signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  override dial(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialOptions = {}): Peer {
    const { signal, ...rest } = options;
    const input = this.#dialInput(to, recorded(options));
    const number = ++this.#dials;
    const peer = this.#witness.enter(input, () => super.dial(to, signal?.aborted ? rest : options));
    this.#numbers.set(peer, number);
    if (signal?.aborted) peer.close();
    return peer;
  }

  /** The answer of the source of automatic outbound connections. */
  override foundCandidates(addresses: readonly SeedAddress[]): void {
    this.#witness.enter({ in: 'candidates', addresses }, () => super.foundCandidates(addresses));
  }

  protected override closePeer(peer: Peer): void {
    const dial = this.#numbers.get(peer) ?? 0;
    this.#witness.enter({ in: 'hangup', dial }, () => super.closePeer(peer));
  }

  override listen(at: Endpoint, options: { signal?: AbortSignal } = {}): Promise<Listener> {
    const { host, port } = at;
    return this.#witness.enter({ in: 'listen', host, port }, () => super.listen(at, options));
  }

  override close(id: number): boolean {
    return this.#witness.enter({ in: 'close', id }, () => super.close(id));
  }

  override send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const told = messages.map((message) => [commandOf(message), hexOf(encodeMessage(message))] as const);
    return this.#witness.enter({ in: 'send', id, messages: told }, () => super.send(id, ...messages));
  }

  override stop(): Promise<void> {
    return this.#witness.enter({ in: 'stop' }, () => super.stop());
  }

  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    return this.#witness.tell(event, payload[0], () => super.emit(event, ...payload));
  }

  /** Text that is no host throws before anything happens. */
  #dialInput(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: RecordedDial): Input {
    if (typeof to !== 'string') return { in: 'dial', to: 'host' in to ? [to] : to, options };
    const { kind, host, port } = parseEndpoint(to, this.chain.port);
    if (kind === 'name') return { in: 'dialname', name: host, port, options };
    return { in: 'dial', to: [{ host, port }], options };
  }
}

const recorded = ({ connection_type, persistent, v2transport }: DialOptions): RecordedDial => ({
  ...(connection_type && { connection_type }),
  ...(persistent !== undefined && { persistent }),
  ...(v2transport !== undefined && { v2transport }),
});
