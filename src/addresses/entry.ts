/** The entry of one address in the address book, and its quality (Core: `AddrInfo`). */
import { networkOfNetAddress, type Hex64, type NetAddress } from '../wire/index.js';

/** An address with its port (Core: `CService`). */
export interface NetService extends NetAddress {
  readonly port: number;
}

/** An address as gossip announces it (Core: `CAddress`), for example an entry of an `addrv2` message. */
export interface AddressRecord extends NetService {
  /** When the address was last seen according to the sender, UNIX time in seconds. */
  readonly time: number;
  /** The service bits, 16 hex digits. */
  readonly services: Hex64;
}

/** An address in `peers.dat`. */
export interface SavedEntry extends AddressRecord {
  /** The peer that announced the address first. */
  readonly source: NetAddress;
  /** The last successful connection, UNIX time in seconds; 0 for never. */
  readonly lastSuccess: number;
  /** Number of failed attempts since then. */
  readonly attempts: number;
}

/** An address in the book. Files do not contain `lastTry` and `lastCountedAttempt`. Times are UNIX times in seconds. */
export interface Entry {
  readonly networkID: number;
  readonly addr: Uint8Array;
  readonly port: number;
  readonly source: NetAddress;
  time: number;
  services: Hex64;
  lastTry: number;
  lastCountedAttempt: number;
  lastSuccess: number;
  attempts: number;
  isTried: boolean;
  /** Its slots in the new table, at most {@link MAX_REFERENCES}. */
  readonly newSlots: number[];
  /** Its index in the list from which `getaddr` answers are drawn. */
  randomIndex: number;
}

/** Most slots of one address in the new table (`ADDRMAN_NEW_BUCKETS_PER_ADDRESS`). */
export const MAX_REFERENCES = 8;

export const MINUTE = 60;
export const HOUR = 3_600;
export const DAY = 86_400;

/** An address that was not seen for this long, seconds, is terrible (`ADDRMAN_HORIZON`). */
const HORIZON = 30 * DAY;
/** Failed attempts after which an address that never worked is terrible (`ADDRMAN_RETRIES`). */
const RETRIES = 3;
/** The same for one that worked, but not within {@link MIN_FAIL} (`ADDRMAN_MAX_FAILURES`, `ADDRMAN_MIN_FAIL`). */
const MAX_FAILURES = 10;
const MIN_FAIL = 7 * DAY;
/** An address whose time is further in the future than this, seconds, is terrible: clocks of peers may be ahead by less. */
const FUTURE = 10 * MINUTE;

/** Creates an entry without slots. The bytes of the address are copied, because they may be a view of a message. */
export function createEntry(record: AddressRecord, source: NetAddress): Entry {
  const { networkID, addr, port, time, services } = record;
  return {
    networkID,
    addr: addr.slice(),
    port,
    source: { networkID: source.networkID, addr: source.addr.slice() },
    time,
    services,
    lastTry: 0,
    lastCountedAttempt: 0,
    lastSuccess: 0,
    attempts: 0,
    isTried: false,
    newSlots: [],
    randomIndex: -1,
  };
}

/** Whether the entry may be overwritten and is not announced (Core: `IsTerrible`). `now`: UNIX time, seconds. */
export function isTerrible(entry: Entry, now: number): boolean {
  if (now - entry.lastTry <= MINUTE) return false;
  if (entry.time > now + FUTURE || now - entry.time > HORIZON) return true;
  if (entry.lastSuccess === 0) return entry.attempts >= RETRIES;
  return now - entry.lastSuccess > MIN_FAIL && entry.attempts >= MAX_FAILURES;
}

/** The probability that a drawn entry is selected, 0 to 1: recent and failed attempts lower it (Core: `GetChance`). */
export function chanceOf(entry: Entry, now: number): number {
  const recent = now - entry.lastTry < 10 * MINUTE ? 0.01 : 1;
  return recent * 0.66 ** Math.min(entry.attempts, 8);
}

/** The part of an entry that is announced. */
export const recordOf = ({ networkID, addr, port, time, services }: Entry): AddressRecord => ({
  networkID,
  addr,
  port,
  time,
  services,
});

/** The part of an entry that is saved. */
export const savedOf = (entry: Entry): SavedEntry => ({
  ...recordOf(entry),
  source: entry.source,
  lastSuccess: entry.lastSuccess,
  attempts: entry.attempts,
});

/** Whether the book accepts the address: a public one of IPv4, IPv6, onion, I2P or CJDNS. */
export const isRoutableAddress = (address: NetAddress): boolean =>
  networkOfNetAddress(address) !== 'not_publicly_routable';
