/**
 * Addresses and subnets that the user has banned, each until a given time, in the format of Bitcoin Core's `banlist.json`
 * (Core: `BanMan`).
 *
 * Only the user bans. A peer that misbehaves is discouraged instead (`discouragement.ts`), so that peers cannot make this list grow.
 * Times are UNIX times in seconds, as in the file.
 */
import { matcherOf, parseSubnet, type Subnet } from '../net/subnet.js';

/** Default duration of a ban, seconds (Core: `DEFAULT_MISBEHAVING_BANTIME`, `-bantime`). */
export const DEFAULT_BAN_TIME = 86_400;
/** Most bans that are stored; more are refused, because every accepted connection is compared with all of them. */
export const MAX_BANS = 10_000;

/** A ban as in `banlist.json`. */
export interface Ban {
  readonly version: 1;
  /** UNIX time, seconds. */
  readonly ban_created: number;
  /** UNIX time, seconds. */
  readonly banned_until: number;
  /** A subnet in CIDR notation, `192.0.2.0/24`. */
  readonly address: string;
}

interface Entry {
  readonly subnet: Subnet;
  readonly ban: Ban;
}

/** The result of reading a file: `skipped` counts invalid entries; `fault` says why the file as a whole could not be used. */
export interface BanlistReading {
  readonly skipped: number;
  readonly fault?: string;
}

/** The banned addresses and subnets of a node (Core: `BanMan`). */
export class Banlist {
  /** The key is the text of the subnet. */
  readonly #entries = new Map<string, Entry>();

  /**
   * Bans an address or a subnet for `seconds`; 0 or less means {@link DEFAULT_BAN_TIME}. An existing longer ban is kept. Returns
   * false when the text is neither an address nor a subnet, or when there are 10,000 bans already.
   */
  ban(address: string, now: number, seconds = DEFAULT_BAN_TIME): boolean {
    const created = Math.floor(now);
    const until = created + (seconds > 0 ? seconds : DEFAULT_BAN_TIME);
    return this.#add({ version: 1, ban_created: created, banned_until: until, address }, now);
  }

  /** Adds a ban from a file. Returns false when its address is invalid, or when there are 10,000 bans already. */
  add(ban: Ban): boolean {
    return this.#add(ban, ban.ban_created);
  }

  /** Removes the ban of exactly this address or subnet. Returns false when there is none. */
  unban(address: string): boolean {
    const subnet = parseSubnet(address);
    return subnet !== undefined && this.#entries.delete(subnet.text);
  }

  /** Whether a host (an address as text) is in a banned subnet. */
  isBanned(host: string, now: number): boolean {
    const isIn = matcherOf(host);
    for (const { subnet, ban } of this.#entries.values())
      if (now < ban.banned_until && isIn(subnet)) return true;
    return false;
  }

  /** Removes expired bans. Returns their number. */
  sweep(now: number): number {
    const before = this.#entries.size;
    for (const [text, { ban }] of this.#entries) if (now > ban.banned_until) this.#entries.delete(text);
    return before - this.#entries.size;
  }

  /** Removes every ban. */
  clear(): void {
    this.#entries.clear();
  }

  /** The bans that have not expired. */
  list(now: number): readonly Ban[] {
    this.sweep(now);
    return [...this.#entries.values()].map(({ ban }) => ban);
  }

  /** The bans as the text of a `banlist.json`. */
  format(now: number): string {
    return `${JSON.stringify({ banned_nets: this.list(now) }, undefined, 4)}\n`;
  }

  /**
   * Adds the bans of a `banlist.json`. As in Core, an entry of another version or with an invalid address is skipped; so is,
   * unlike in Core, one whose times are not integers. Never throws.
   */
  read(text: string, now: number): BanlistReading {
    const list = bannedNets(text);
    if (typeof list === 'string') return { skipped: 0, fault: list };
    const skipped = list.filter((value) => !isBan(value) || !this.#add(value, now)).length;
    this.sweep(now);
    return { skipped };
  }

  #add(ban: Ban, now: number): boolean {
    const subnet = parseSubnet(ban.address);
    if (!subnet) return false;
    const known = this.#entries.get(subnet.text);
    if (!known && this.#entries.size >= MAX_BANS && this.sweep(now) === 0) return false;
    if (known && known.ban.banned_until >= ban.banned_until) return true;
    this.#entries.set(subnet.text, { subnet, ban: banOf(ban, subnet) });
    return true;
  }
}

const banOf = ({ version, ban_created, banned_until }: Ban, { text }: Subnet): Ban => ({
  version,
  ban_created,
  banned_until,
  address: text,
});

/** The list in the file, or what is wrong with it. */
function bannedNets(text: string): readonly unknown[] | string {
  try {
    const value = JSON.parse(text) as { banned_nets?: unknown } | null;
    return Array.isArray(value?.banned_nets) ? value.banned_nets : 'it has no list "banned_nets"';
  } catch {
    return 'it is not JSON';
  }
}

function isBan(value: unknown): value is Ban {
  const { version, ban_created, banned_until, address } = (value ?? {}) as Record<string, unknown>;
  const areNumbers = Number.isSafeInteger(ban_created) && Number.isSafeInteger(banned_until);
  return version === 1 && areNumbers && typeof address === 'string';
}
