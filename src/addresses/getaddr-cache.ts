/**
 * The answers to `getaddr`: the same for all peers of one network at one local socket, for 21 to 27 hours, so
 * that a peer cannot read the whole book, follow its times or recognise the node on another network (Core: `GetAddresses`).
 */
import type { AddressRecord } from './entry.js';
import { MAX_ADDR_TO_SEND } from './addr-rate-limit.js';

/** How much of the book an answer holds at most (`MAX_PCT_ADDR_TO_SEND`). */
export const MAX_GETADDR_PERCENT = 23;

const HOUR = 3_600_000;
const LIFETIME = 21 * HOUR;
const SPREAD = 6 * HOUR;

/** What the cache takes its answers from; an `AddressBook` is one. */
export interface GetAddrSource {
  /** At most `max` addresses, and at most `percent` of all. */
  getAddr(limits: { readonly max: number; readonly percent: number }): readonly AddressRecord[];
}

interface Answer {
  readonly addresses: readonly AddressRecord[];
  readonly expires: number;
}

/** Answers to `getaddr`, kept for a day so that repeated questions show nothing new (Core: `CConnman::GetAddresses`). */
export class GetAddrCache {
  readonly #source: GetAddrSource;
  readonly #fraction: () => number;
  readonly #answers = new Map<string, Answer>();

  /** @param fraction - random numbers in [0, 1) */
  constructor(source: GetAddrSource, fraction: () => number) {
    this.#source = source;
    this.#fraction = fraction;
  }

  /**
   * The answer for a connection.
   *
   * @param socket - the network and the local address and port that the peer reached; there are as many answers as
   *   different values, so take none from the peer
   * @param now - milliseconds
   */
  answer(socket: string, now: number): readonly AddressRecord[] {
    const cached = this.#answers.get(socket);
    if (cached !== undefined && cached.expires >= now) return cached.addresses;
    const addresses = this.#source.getAddr({ max: MAX_ADDR_TO_SEND, percent: MAX_GETADDR_PERCENT });
    this.#answers.set(socket, { addresses, expires: now + LIFETIME + this.#fraction() * SPREAD });
    return addresses;
  }
}
