/**
 * Connections that the node opens by itself: asks the source for addresses, and opens what the supervisor's chart has decided
 * (Core: `ThreadOpenConnections`). It keeps the addresses between two decisions.
 */
import type { SlotType } from '../../machines/index.js';
import type { SeedAddress } from '../net/dns.js';
import { formatEndpoint } from '../net/endpoint.js';
import { drawFraction, type Env, throwLater } from '../net/environment.js';
import type { Endpoint } from '../net/link.js';
import { VerackError } from '../reasons.js';
import type { CandidateSource } from './candidates.js';
import type { CreateTarget } from './outbound-targets.js';
import type { PeerPool } from './peer-pool.js';

export interface AutomaticOutboundOptions {
  readonly env: Env;
  readonly source: CandidateSource;
  /** The block-relay-only peers of the last run. */
  readonly anchors: readonly Endpoint[];
  readonly pool: Pick<PeerPool, 'isKnown' | 'inbound'>;
  readonly v2transport: boolean;
  /** Aborts when the node stops: no answer counts any more. */
  readonly signal: AbortSignal;
}

export interface AutomaticOutboundListener {
  /** A target is to be created and dialled. */
  open(target: CreateTarget): void;
  /** The source has answered with candidates, or has failed: none. */
  candidates(addresses: readonly SeedAddress[]): void;
  /** The source has answered with an address for a feeler, or without one. */
  feeler(address: Endpoint | undefined): void;
  /** It is time for a feeler; `draw`: a random number in [0, 1). */
  feelerDue(draw: number): void;
}

export class AutomaticOutbound {
  #candidates: readonly SeedAddress[] = [];
  #feeler: Endpoint | undefined;
  #feelerTimer: unknown;

  constructor(
    private readonly options: AutomaticOutboundOptions,
    private readonly listener: AutomaticOutboundListener,
  ) {}

  /** How many anchors there are. */
  get anchors(): number {
    return this.options.anchors.length;
  }

  findCandidates(): void {
    const { source, signal } = this.options;
    source.find(signal).then(
      (addresses) => signal.aborted || this.listener.candidates(addresses),
      (error: unknown) => {
        if (error instanceof VerackError) return signal.aborted || this.listener.candidates([]);
        throwLater(error);
      },
    );
  }

  /** Keeps those that may be dialled and are not connected; how many they are. */
  keepCandidates(addresses: readonly SeedAddress[]): number {
    const { env, pool } = this.options;
    const unix = env.clock.wall() / 1_000;
    const isNew = ({ host, port }: SeedAddress): boolean =>
      !pool.isKnown(formatEndpoint({ host, port })) && pool.inbound.mayDial(host, unix);
    this.#candidates = addresses.filter(isNew);
    return this.#candidates.length;
  }

  /** Opens the first `count` candidates; the last `block` of them are block-relay-only. */
  openTargets(count: number, block: number): void {
    const opened = this.#candidates.slice(0, count);
    this.#candidates = this.#candidates.slice(count);
    for (const [n, address] of opened.entries())
      this.#open(address, n < count - block ? 'outbound-full-relay' : 'block-relay-only');
  }

  openAnchors(count: number): void {
    for (const address of this.options.anchors.slice(0, count)) this.#open(address, 'block-relay-only');
  }

  /** `delay`: milliseconds; 0: never. */
  armFeeler(delay: number): void {
    if (delay === 0) return;
    const { env } = this.options;
    this.#feelerTimer = env.clock.setTimeout(() => this.listener.feelerDue(drawFraction(env)), delay);
  }

  findFeeler(): void {
    const { source, signal } = this.options;
    const found = source.findFeeler?.(signal) ?? Promise.resolve(undefined);
    found.then((address) => signal.aborted || this.listener.feeler(address), throwLater);
  }

  /** Keeps an address for a feeler; false when there is none, or it is connected. */
  keepFeeler(address: Endpoint | undefined): boolean {
    const isNew = address !== undefined && !this.options.pool.isKnown(formatEndpoint(address));
    this.#feeler = isNew ? address : undefined;
    return isNew;
  }

  openFeeler(): void {
    if (this.#feeler) this.#open(this.#feeler, 'feeler');
  }

  /** The node is stopping: no further feelers. */
  drain(): void {
    this.options.env.clock.clearTimeout(this.#feelerTimer);
  }

  #open({ host, port }: Endpoint, connection_type: SlotType | 'feeler'): void {
    const { v2transport: v2 } = this.options;
    const destination = { addresses: [{ host, port }] } as const;
    this.listener.open({ destination, connection_type, persistent: false, v2, automatic: true });
  }
}
