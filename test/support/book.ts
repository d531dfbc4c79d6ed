/** An address book on a clock and a random source that the test holds, and the check of its tables. */
import {
  type AddressBook,
  BUCKET_SIZE,
  createAddressBook,
  DETERMINISTIC_KEY,
  type NetService,
  type Position,
  type TableName,
} from '../../src/addresses/index.js';
import { createPlacement } from '../../src/addresses/placement.js';
import { formatAddress } from '../../src/wire/index.js';
import { seededRandom } from './addresses.js';

/** Seconds since 1970 at which the tests begin. */
export const START = 1_800_000_000;

/** A clock that stands still until it is set. */
export class StoppedClock {
  /** Seconds since 1970. */
  seconds = START;
  wall(): number {
    return this.seconds * 1_000;
  }
}

/** A book that is the same in every run. */
export function bookOf(seed: string, clock = new StoppedClock()): AddressBook {
  return createAddressBook({ key: DETERMINISTIC_KEY, clock, random: seededRandom(seed) });
}

export const nameOf = (service: NetService): string => `${formatAddress(service)} ${service.port}`;

export const slotOf = ({ bucket, position }: Position): number => bucket * BUCKET_SIZE + position;

/** How many slots of a table are taken. */
export const taken = (book: AddressBook, table: TableName): number => [...book.positions(table)].length;

/**
 * What is wrong with the tables, as Core's `CheckAddrman` would find it: an entry in both, in too many slots or in one that
 * its hash does not give, or counted wrongly.
 */
export function faultsOf(book: AddressBook): string[] {
  const placement = createPlacement(book.key, book.netgroups);
  const [fresh, tried] = [[...book.positions('new')], [...book.positions('tried')]];
  const references = new Map<string, number>();
  for (const { entry } of fresh) references.set(nameOf(entry), (references.get(nameOf(entry)) ?? 0) + 1);
  const triedNames = new Set(tried.map(({ entry }) => nameOf(entry)));
  return [
    ...fresh.filter((at) => placement.newSlotIn(at.bucket, at.entry) !== slotOf(at)).map(() => 'new slot'),
    ...tried.filter((at) => placement.triedSlot(at.entry) !== slotOf(at)).map(() => 'tried slot'),
    ...tried.filter(({ entry }) => entry.lastSuccess === 0).map(() => 'tried without success'),
    ...fresh.filter(({ entry }) => triedNames.has(nameOf(entry))).map(() => 'in both tables'),
    ...fresh
      .filter(({ entry }) => book.references(entry) !== references.get(nameOf(entry)))
      .map(() => 'references'),
    ...[...references.values()].filter((count) => count > 8).map(() => 'more than 8 references'),
    ...(book.size('new') === references.size ? [] : ['count of new']),
    ...(book.size('tried') === tried.length && triedNames.size === tried.length ? [] : ['count of tried']),
    ...(book.getAddr({ filtered: false }).length === book.size() ? [] : ['random order']),
  ];
}
