/** What the address book keeps of one address, and how good the address is (Core: `AddrInfo`). */
import { networkOfNetAddress, type Hex64, type NetAddress } from '../wire/index.js';

/** An address with its port (Core: `CService`). */
export interface NetService extends NetAddress {
  readonly port: number;
}

/** An address as gossip brings it (Core: `CAddress`); an entry of an `addrv2` message is one. */
export interface AddressRecord extends NetService {
  /** Seconds since 1970: when the address was last seen, as far as the sender says. */
  readonly time: number;
  /** The service bits, 16 hex digits. */
  readonly services: Hex64;
}

/** What `peers.dat` keeps of an address. */
export interface SavedEntry extends AddressRecord {
  /** The peer that announced the address first. */
  readonly source: NetAddress;
  /** Seconds since 1970 of the last successful connection; 0 for never. */
  readonly lastSuccess: number;
  /** Failed attempts since then. */
  readonly attempts: number;
}

/** An address in the book. `lastTry` and `lastCountedAttempt` are not kept in a file. All times in seconds since 1970. */
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
  /** Where it stands in the new table: at most {@link MAX_REFERENCES} slots. */
  readonly newSlots: number[];
  /** Its place in the list that `getaddr` answers are drawn from. */
  randomIndex: number;
}

/** In how many places of the new table one address can stand (`ADDRMAN_NEW_BUCKETS_PER_ADDRESS`). */
export const MAX_REFERENCES = 8;

export const MINUTE = 60;
export const HOUR = 3_600;
export const DAY = 86_400;

/** An address not seen for so long is dropped (`ADDRMAN_HORIZON`). */
const HORIZON = 30 * DAY;
/** Failed attempts after which an address that never worked is terrible (`ADDRMAN_RETRIES`). */
const RETRIES = 3;
/** The same for one that worked, but not within {@link MIN_FAIL} (`ADDRMAN_MAX_FAILURES`, `ADDRMAN_MIN_FAIL`). */
const MAX_FAILURES = 10;
const MIN_FAIL = 7 * DAY;
/** Clocks of peers may be ahead by so much. */
const FUTURE = 10 * MINUTE;

/** A fresh entry, in no table yet. The bytes of the address are copied: they may be a view of a message. */
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

/** Whether the entry may be overwritten and is not handed out (Core: `IsTerrible`). `now` in seconds. */
export function isTerrible(entry: Entry, now: number): boolean {
  if (now - entry.lastTry <= MINUTE) return false;
  if (entry.time > now + FUTURE || now - entry.time > HORIZON) return true;
  if (entry.lastSuccess === 0) return entry.attempts >= RETRIES;
  return now - entry.lastSuccess > MIN_FAIL && entry.attempts >= MAX_FAILURES;
}

/** How likely the entry is taken once it is drawn, 0 to 1: recent and failed attempts lower it (Core: `GetChance`). */
export function chanceOf(entry: Entry, now: number): number {
  const recent = now - entry.lastTry < 10 * MINUTE ? 0.01 : 1;
  return recent * 0.66 ** Math.min(entry.attempts, 8);
}

/** What of an entry is handed out. */
export const recordOf = ({ networkID, addr, port, time, services }: Entry): AddressRecord => ({
  networkID,
  addr,
  port,
  time,
  services,
});

/** What of an entry is kept in a file. */
export const savedOf = (entry: Entry): SavedEntry => ({
  ...recordOf(entry),
  source: entry.source,
  lastSuccess: entry.lastSuccess,
  attempts: entry.attempts,
});

/** Whether the book may hold the address: a public one of the five networks. */
export const isRoutableAddress = (address: NetAddress): boolean =>
  networkOfNetAddress(address) !== 'not_publicly_routable';
