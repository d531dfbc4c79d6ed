/** A node that passes its inputs and events through an observer; `createNode` returns one for the option `observer`. */
import { onAbort } from '../net/abort.js';
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint, Listener } from '../net/link.js';
import { commandOf, encodeMessage, hexOf, type Message, type UnknownMessage } from '../wire/index.js';
import { destinationOf } from './destination.js';
import type { NodeEvents } from './events.js';
import { BitcoinNode } from './node.js';
import type { DialInput, NodeInput, NodeObserver } from './observer.js';
import type { DialOptions, NodeOptions } from './options.js';
import type { OutboundTarget } from './outbound-target.js';
import type { Peer } from './peer.js';

/** Events that a node emits only when there are listeners; an observer always receives them. */
const ON_DEMAND = ['transition', 'established', 'ended', 'pong'] as const;

export class ObservedNode extends BitcoinNode {
  readonly #observer: NodeObserver;
  readonly #numbers = new WeakMap<Peer, number>();
  #dials = 0;

  constructor({ signal, ...options }: NodeOptions, observer: NodeObserver) {
    super(options);
    this.#observer = observer;
    for (const event of ON_DEMAND) this.on(event, () => undefined);
    // The signal is handled here and not by the base class, because the stop is an input that the observer must receive.
    if (signal?.aborted) void this.stop();
    else onAbort(signal, () => void this.stop());
  }

  override dial(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialOptions = {}): Peer {
    const { signal, ...rest } = options;
    const input = this.#dialInput(to, dataOf(options));
    const number = ++this.#dials;
    const peer = this.#observer.input(input, () => super.dial(to, signal?.aborted ? rest : options));
    this.#numbers.set(peer, number);
    if (signal?.aborted) peer.close();
    return peer;
  }

  protected override foundCandidates(addresses: readonly SeedAddress[]): void {
    this.#observer.input({ in: 'candidates', addresses }, () => super.foundCandidates(addresses));
  }

  protected override foundFeeler(address: Endpoint | undefined): void {
    const addresses = address ? [{ host: address.host, port: address.port }] : [];
    this.#observer.input({ in: 'feeler', addresses }, () => super.foundFeeler(address));
  }

  protected override closePeer(peer: Peer, target: OutboundTarget): void {
    const dial = this.#numbers.get(peer) ?? 0;
    this.#observer.input({ in: 'closedial', dial }, () => super.closePeer(peer, target));
  }

  override listen(at: Endpoint, options: { signal?: AbortSignal } = {}): Promise<Listener> {
    const { host, port } = at;
    return this.#observer.input({ in: 'listen', host, port }, () => super.listen(at, options));
  }

  override close(id: number): boolean {
    return this.#observer.input({ in: 'close', id }, () => super.close(id));
  }

  override send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const encoded = messages.map((message) => [commandOf(message), hexOf(encodeMessage(message))] as const);
    return this.#observer.input({ in: 'send', id, messages: encoded }, () => super.send(id, ...messages));
  }

  override stop(): Promise<void> {
    return this.#observer.input({ in: 'stop' }, () => super.stop());
  }

  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    return this.#observer.emit(event, payload[0], () => super.emit(event, ...payload));
  }

  /** Throws for text that is not a host, before the observer receives anything. */
  #dialInput(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialInput): NodeInput {
    if (typeof to !== 'string') return { in: 'dial', to: 'host' in to ? [to] : to, options };
    const destination = destinationOf(to, this.chain.port);
    if ('name' in destination) return { in: 'dialname', ...destination, options };
    return { in: 'dial', to: destination.addresses, options };
  }
}

const dataOf = ({ connection_type, persistent, v2transport }: DialOptions): DialInput => ({
  ...(connection_type && { connection_type }),
  ...(persistent !== undefined && { persistent }),
  ...(v2transport !== undefined && { v2transport }),
});
