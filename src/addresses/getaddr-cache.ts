/**
 * The answers to `getaddr`. All peers of one network at one local socket get the same answer for 21 to 27 hours, so that a peer
 * cannot read the whole book, observe changes of its times, or recognise the node on another network (Core: `GetAddresses`).
 */
import type { AddressRecord } from './entry.js';
import { MAX_ADDR_TO_SEND } from './addr-rate-limit.js';

/** Largest share of the book in one answer, percent (`MAX_PCT_ADDR_TO_SEND`). */
export const MAX_GETADDR_PERCENT = 23;

const HOUR = 3_600_000;
const LIFETIME = 21 * HOUR;
const SPREAD = 6 * HOUR;

/** The source of the answers, for example an `AddressBook`. */
export interface GetAddrSource {
  /** Random addresses: at most `max`, and at most `percent` percent of all. */
  getAddr(limits: { readonly max: number; readonly percent: number }): readonly AddressRecord[];
}

interface Answer {
  readonly addresses: readonly AddressRecord[];
  readonly expires: number;
}

/** Caches the answers to `getaddr` for about a day (Core: `CConnman::GetAddresses`). */
export class GetAddrCache {
  readonly #source: GetAddrSource;
  readonly #fraction: () => number;
  readonly #answers = new Map<string, Answer>();

  /** @param fraction - returns a random number in [0, 1) */
  constructor(source: GetAddrSource, fraction: () => number) {
    this.#source = source;
    this.#fraction = fraction;
  }

  /**
   * The answer for a connection.
   *
   * @param socket - the network of the peer, and the local address and port. One answer is stored for each value, so no part of
   *   it may be chosen by the peer
   * @param now - milliseconds of a monotonic clock
   */
  answer(socket: string, now: number): readonly AddressRecord[] {
    const cached = this.#answers.get(socket);
    if (cached !== undefined && cached.expires >= now) return cached.addresses;
    const addresses = this.#source.getAddr({ max: MAX_ADDR_TO_SEND, percent: MAX_GETADDR_PERCENT });
    this.#answers.set(socket, { addresses, expires: now + LIFETIME + this.#fraction() * SPREAD });
    return addresses;
  }
}
