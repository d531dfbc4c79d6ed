/**
 * `connect` without a host: addresses from the chain's DNS seeds, then from the fixed list, as many connections at a
 * time as there are slots. An address that fails makes room for the next one; when all have been tried, the seeds are
 * asked again after a while.
 */
import { redialDelay } from '../../machines/index.js';
import { type DnsOptions, seedAddresses, type SeedAddress } from '../net/dns.js';
import { formatEndpoint } from '../net/endpoint.js';
import { VerackError } from '../reasons.js';
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { EXIT } from './exit-codes.js';

export interface SeedingOptions {
  /** Connections to hold. */
  readonly slots: number;
  /** Ends when the slots are full or every address has been tried. */
  readonly once: boolean;
  readonly dns: DnsOptions;
  /** Ask the DNS seeds; the fixed list is taken alone otherwise. */
  readonly dnsseed: boolean;
  readonly signal: AbortSignal;
  /** The seeds were asked; where the addresses come from. */
  readonly found: (addresses: readonly SeedAddress[]) => void;
  /** Every address was tried and none was ever reached. */
  readonly unreachable: () => void;
}

export class Seeding {
  /** Resolves when nothing more will come; without `once` never. */
  readonly settled: Promise<void>;
  #settle!: () => void;
  #candidates: SeedAddress[] = [];
  /** Dialled or connected now, by address. */
  readonly #busy = new Set<string>();
  readonly #reached = new Set<string>();
  #rounds = 0;
  #isAsking = false;
  #isLamented = false;

  constructor(
    private readonly node: BitcoinNode,
    private readonly options: SeedingOptions,
  ) {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
  }

  get exitCode(): number {
    return this.#reached.size > 0 ? EXIT.ok : EXIT.unreachable;
  }

  start(): void {
    void this.#ask();
  }

  established(peer: PeerInfo): void {
    if (!this.#busy.has(peer.addr)) return;
    this.#reached.add(peer.addr);
    if (this.options.once && this.#reached.size >= this.options.slots) this.#settle();
  }

  ended(peer: PeerInfo): void {
    if (!this.#busy.delete(peer.addr) || this.options.signal.aborted) return;
    // With `once` a slot that was filled has had its use.
    if (!this.options.once || !this.#reached.has(peer.addr)) this.#fill();
    else this.#review();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const { dns, dnsseed, signal } = this.options;
    const chain = dnsseed ? this.node.chain : { ...this.node.chain, seeds: [] };
    try {
      const addresses = await seedAddresses(chain, { ...dns, signal, random: Math.random });
      this.#rounds++;
      this.#candidates = addresses.filter((address) => !this.#busy.has(formatEndpoint(address)));
      this.options.found(addresses);
    } catch (error) {
      if (!(error instanceof VerackError && error.code === 'ERR_LOCAL_CANCELLED')) throw error;
      return;
    } finally {
      this.#isAsking = false;
    }
    this.#fill();
  }

  #fill(): void {
    while (this.#hasRoom()) {
      const next = this.#candidates.shift();
      if (!next) break;
      this.#dial(next);
    }
    this.#review();
  }

  #hasRoom(): boolean {
    const held = this.options.once ? new Set([...this.#busy, ...this.#reached]).size : this.#busy.size;
    return held < this.options.slots;
  }

  #dial(address: SeedAddress): void {
    const addr = formatEndpoint(address);
    try {
      this.#busy.add(addr);
      this.node.dial(address, { connection_type: 'outbound-full-relay' });
    } catch (error) {
      this.#busy.delete(addr);
      if (!(error instanceof VerackError)) throw error;
    }
  }

  /** Out of addresses: the end with `once`, else another round later. */
  #review(): void {
    if (this.#candidates.length > 0 || this.#isAsking) return;
    if (this.#busy.size === 0) this.#lament();
    if (this.options.once) {
      if (![...this.#busy].some((addr) => !this.#reached.has(addr))) this.#settle();
    } else if (this.#hasRoom()) {
      this.#askLater();
    }
  }

  #lament(): void {
    if (this.#isLamented || this.#reached.size > 0) return;
    this.#isLamented = true;
    this.options.unreachable();
  }

  #askLater(): void {
    this.#isAsking = true;
    // Rounds are long: not below the delay of a fifth failure.
    const timer = setTimeout(() => void this.#ask(), redialDelay(this.#rounds + 4, Math.random()));
    this.options.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }
}

/** What is said of the addresses that were found. */
export function foundSentence(addresses: readonly SeedAddress[], dnsseed = true): string {
  const count = `${addresses.length} ${addresses.length === 1 ? 'address' : 'addresses'}`;
  if (!dnsseed) return `${count} of the fixed list`;
  const sources = new Set(addresses.map(({ source }) => source));
  if (addresses.length === 0) return 'the DNS seeds gave no address';
  return sources.has('fixed')
    ? `the DNS seeds gave no address; trying ${count} of the fixed list`
    : `${count} from ${sources.size} DNS ${sources.size === 1 ? 'seed' : 'seeds'}`;
}
