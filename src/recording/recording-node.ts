/** A node whose calls and events are passed to an observer, which records or compares them. */
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint, Listener } from '../net/link.js';
import { destinationOf } from '../node/destination.js';
import type { NodeEvents } from '../node/events.js';
import { BitcoinNode } from '../node/node.js';
import type { DialOptions, NodeOptions } from '../node/options.js';
import type { Peer } from '../node/peer.js';
import { commandOf, encodeMessage, hexOf, type Message, type UnknownMessage } from '../wire/index.js';
import type { Input, RecordedDial } from './recording-format.js';

export interface NodeObserver {
  /** An input of the node: a call of its owner or an event of its environment. `run` executes it. */
  enter<T>(input: Input, run: () => T): T;
  /** The node emits an event; `run` calls its listeners. */
  tell(event: keyof NodeEvents, payload: object, run: () => boolean): boolean;
}

export class RecordingNode extends BitcoinNode {
  readonly #observer: NodeObserver;
  readonly #numbers = new WeakMap<Peer, number>();
  #dials = 0;

  constructor({ signal, ...options }: NodeOptions, observer: NodeObserver) {
    super(options);
    this.#observer = observer;
    // Emitted only when there is a listener; the observer needs them always.
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
    const peer = this.#observer.enter(input, () => super.dial(to, signal?.aborted ? rest : options));
    this.#numbers.set(peer, number);
    if (signal?.aborted) peer.close();
    return peer;
  }

  /** The answer of the source of automatic outbound connections. */
  override foundCandidates(addresses: readonly SeedAddress[]): void {
    this.#observer.enter({ in: 'candidates', addresses }, () => super.foundCandidates(addresses));
  }

  protected override closePeer(peer: Peer): void {
    const dial = this.#numbers.get(peer) ?? 0;
    this.#observer.enter({ in: 'hangup', dial }, () => super.closePeer(peer));
  }

  override listen(at: Endpoint, options: { signal?: AbortSignal } = {}): Promise<Listener> {
    const { host, port } = at;
    return this.#observer.enter({ in: 'listen', host, port }, () => super.listen(at, options));
  }

  override close(id: number): boolean {
    return this.#observer.enter({ in: 'close', id }, () => super.close(id));
  }

  override send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const told = messages.map((message) => [commandOf(message), hexOf(encodeMessage(message))] as const);
    return this.#observer.enter({ in: 'send', id, messages: told }, () => super.send(id, ...messages));
  }

  override stop(): Promise<void> {
    return this.#observer.enter({ in: 'stop' }, () => super.stop());
  }

  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    return this.#observer.tell(event, payload[0], () => super.emit(event, ...payload));
  }

  /** Text that is no host throws before anything happens. */
  #dialInput(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: RecordedDial): Input {
    if (typeof to !== 'string') return { in: 'dial', to: 'host' in to ? [to] : to, options };
    const destination = destinationOf(to, this.chain.port);
    if ('name' in destination) return { in: 'dialname', ...destination, options };
    return { in: 'dial', to: destination.addresses, options };
  }
}

const recorded = ({ connection_type, persistent, v2transport }: DialOptions): RecordedDial => ({
  ...(connection_type && { connection_type }),
  ...(persistent !== undefined && { persistent }),
  ...(v2transport !== undefined && { v2transport }),
});
