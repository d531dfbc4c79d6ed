/**
 * Automatic outbound connections: asks the candidate source for addresses, and dials as many as the supervisor machine has
 * decided (Core: `ThreadOpenConnections`). It stores the addresses until the supervisor has decided.
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
  /** Addresses of the block-relay-only peers of the last run. */
  readonly anchors: readonly Endpoint[];
  readonly pool: Pick<PeerPool, 'isKnown' | 'inbound'>;
  readonly v2transport: boolean;
  /** Aborts when the node stops: answers of the source are then ignored. */
  readonly signal: AbortSignal;
}

export interface AutomaticOutboundListener {
  /** Create a target and dial it. */
  open(target: CreateTarget): void;
  /** The source has answered; the list is empty when it failed. */
  candidates(addresses: readonly SeedAddress[]): void;
  /** The source has answered a request for a feeler's address; undefined when it has none. */
  feeler(address: Endpoint | undefined): void;
  /** The feeler timer has fired; `draw`: a random number in [0, 1). */
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

  /** The number of anchors. */
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

  /** Stores the candidates that may be dialled and are not connected. Returns their number. */
  keepCandidates(addresses: readonly SeedAddress[]): number {
    const { env, pool } = this.options;
    const unix = env.clock.wall() / 1_000;
    const isNew = ({ host, port }: SeedAddress): boolean =>
      !pool.isKnown(formatEndpoint({ host, port })) && pool.inbound.mayDial(host, unix);
    this.#candidates = addresses.filter(isNew);
    return this.#candidates.length;
  }

  /** Dials the first `count` candidates; the last `block` of them as block-relay-only. */
  openTargets(count: number, block: number): void {
    const opened = this.#candidates.slice(0, count);
    this.#candidates = this.#candidates.slice(count);
    for (const [n, address] of opened.entries())
      this.#open(address, n < count - block ? 'outbound-full-relay' : 'block-relay-only');
  }

  openAnchors(count: number): void {
    for (const address of this.options.anchors.slice(0, count)) this.#open(address, 'block-relay-only');
  }

  /** Starts the feeler timer. `delay`: milliseconds; 0 for no feeler. */
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

  /** Stores the address for a feeler. Returns false when there is none, or it is connected already. */
  keepFeeler(address: Endpoint | undefined): boolean {
    const isNew = address !== undefined && !this.options.pool.isKnown(formatEndpoint(address));
    this.#feeler = isNew ? address : undefined;
    return isNew;
  }

  openFeeler(): void {
    if (this.#feeler) this.#open(this.#feeler, 'feeler');
  }

  /** The node is stopping: stops the feeler timer. */
  drain(): void {
    this.options.env.clock.clearTimeout(this.#feelerTimer);
  }

  #open({ host, port }: Endpoint, connection_type: SlotType | 'feeler'): void {
    const { v2transport: v2 } = this.options;
    const destination = { addresses: [{ host, port }] } as const;
    this.listener.open({ destination, connection_type, persistent: false, v2, automatic: true });
  }
}
