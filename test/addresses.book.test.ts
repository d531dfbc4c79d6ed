/** The rules of the address book, one by one and in any order. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AddressBook, createAddressBook, type NetService } from '../src/addresses/index.js';
import { chanceOf, createEntry, isTerrible, type Entry } from '../src/addresses/entry.js';
import { createPlacement } from '../src/addresses/placement.js';
import { addressOf, recordAt, seededRandom, services } from './support/addresses.js';
import { bookOf, faultsOf, nameOf, START, StoppedClock, taken } from './support/book.js';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const at = (text: string, port = 8333): NetService => ({ ...addressOf(text), port });
const source = addressOf('252.2.2.2');

/** Adds an address whose source is `source`. */
function bookWith(texts: readonly string[], clock = new StoppedClock()): AddressBook {
  const book = bookOf('rules', clock);
  for (const text of texts) book.add([recordAt(at(text), clock.seconds)], source);
  return book;
}

const timeOf = (book: AddressBook): number | undefined => book.getAddr({ filtered: false })[0]?.time;

describe('the quality of an address', () => {
  const entry = (changes: Partial<Entry>): Entry => ({
    ...createEntry(recordAt(at('1.2.3.4'), START), source),
    ...changes,
  });

  test.each<[string, Partial<Entry>, boolean]>([
    ['fresh', {}, false],
    ['ten minutes ahead', { time: START + 10 * MINUTE }, false],
    ['more than ten minutes ahead', { time: START + 10 * MINUTE + 1 }, true],
    ['but tried within a minute', { time: START + DAY, lastTry: START - MINUTE }, false],
    ['30 days old', { time: START - 30 * DAY }, false],
    ['older than 30 days', { time: START - 30 * DAY - 1 }, true],
    ['failed twice, never worked', { attempts: 2 }, false],
    ['failed three times, never worked', { attempts: 3 }, true],
    ['failed nine times since it worked', { attempts: 9, lastSuccess: START - 8 * DAY }, false],
    ['failed ten times, worked a week ago', { attempts: 10, lastSuccess: START - 7 * DAY }, false],
    ['failed ten times, worked longer ago', { attempts: 10, lastSuccess: START - 7 * DAY - 1 }, true],
  ])('%s', (_, changes, terrible) => {
    expect(isTerrible(entry(changes), START)).toBe(terrible);
  });

  test('the chance falls by a third per failure, down to a minimum, and to a hundredth right after an attempt', () => {
    expect(chanceOf(entry({}), START)).toBe(1);
    expect(chanceOf(entry({ attempts: 2 }), START)).toBeCloseTo(0.4356);
    expect(chanceOf(entry({ attempts: 50 }), START)).toBeCloseTo(0.66 ** 8);
    expect(chanceOf(entry({ lastTry: START - 10 * MINUTE + 1 }), START)).toBeCloseTo(0.01);
    expect(chanceOf(entry({ lastTry: START - 10 * MINUTE }), START)).toBe(1);
  });
});

describe('adding', () => {
  test('addresses that are not routable are left out', () => {
    const texts = ['127.0.0.1', '10.0.0.1', '::1', 'fd6b:88c0:8724::1', '6hzph5hv6337r6p2.onion', '200:1::1'];
    expect(bookWith(texts).size()).toBe(0);
  });

  test('the time penalty counts for others, not for the address itself', () => {
    const book = bookOf('penalty');
    book.add([recordAt(at('1.2.3.4'), START)], source, 2 * HOUR);
    expect(timeOf(book)).toBe(START - 2 * HOUR);
    const own = bookOf('penalty');
    own.add([recordAt(at('1.2.3.4'), START)], at('1.2.3.4', 1), 2 * HOUR);
    expect(timeOf(own)).toBe(START);
    const old = bookOf('penalty');
    old.add([recordAt(at('1.2.3.4'), 5)], source, 10);
    expect(timeOf(old)).toBe(0);
  });

  test('a known address gets the newer time when it is an hour newer, and the services of both', () => {
    const book = bookWith([]);
    const add = (time: number, bits: string): unknown =>
      book.add([recordAt(at('1.2.3.4'), time, bits)], source);
    add(START - 2 * HOUR, '0000000000000001');
    add(START - HOUR, '0000000000000008');
    expect(book.getAddr()).toMatchObject([{ time: START - 2 * HOUR, services: '0000000000000009' }]);
    add(START - HOUR + 1, '0000000000000000');
    expect(timeOf(book)).toBe(START - HOUR + 1);
  });

  test('an old report renews the time only when it is a day newer', () => {
    const book = bookWith([]);
    for (const age of [5 * DAY, 4 * DAY]) book.add([recordAt(at('1.2.3.4'), START - age)], source);
    expect(timeOf(book)).toBe(START - 5 * DAY);
    book.add([recordAt(at('1.2.3.4'), START - 4 * DAY + 1)], source);
    expect(timeOf(book)).toBe(START - 4 * DAY + 1);
  });

  test('an address from many sources gets at most 8 slots, each with a lower probability than the one before', () => {
    const book = bookOf('references');
    const [service] = services(1, 'one');
    const counts: number[] = [];
    book.add([recordAt(service!, START - DAY)], source);
    // Newer than what is known, but not by the hour that would renew the time.
    for (const from of services(3_000, 'many')) {
      book.add([recordAt(service!, START - DAY + MINUTE)], from);
      counts.push(book.references(service!));
    }
    expect(book.references(service!)).toBe(8);
    expect(counts.indexOf(8)).toBeGreaterThan(50);
    expect(book.size()).toBe(1);
    expect(faultsOf(book)).toEqual([]);
  });

  test('an occupied slot is given to a new address only when the old one is terrible', () => {
    const clock = new StoppedClock();
    const book = bookOf('taken', clock);
    const [old, newer] = sameSlot((service) => placementOf(book).newSlot(service, source));
    book.add([recordAt(old, START)], source);
    expect(book.add([recordAt(newer, START)], source)).toBe(false);
    expect(book.size()).toBe(1);
    clock.seconds += 31 * DAY;
    expect(book.add([recordAt(newer, clock.seconds)], source)).toBe(true);
    expect(book.getAddr().map(nameOf)).toEqual([nameOf(newer)]);
  });

  test('the bytes of an address are copied', () => {
    const book = bookOf('copy');
    const record = recordAt({ networkID: 1, addr: Uint8Array.of(1, 2, 3, 4), port: 1 }, START);
    book.add([record], source);
    record.addr.fill(9);
    expect(nameOf(book.getAddr()[0]!)).toBe('1.2.3.4 1');
  });
});

const placementOf = (book: AddressBook) => createPlacement(book.key, book.netgroups);

/** Two addresses of one group that share a slot. */
function sameSlot(slotOf: (service: NetService) => number): [NetService, NetService] {
  const bySlot = new Map<number, NetService>();
  for (let i = 0; ; i++) {
    const service = at(`45.7.${i >> 8}.${i & 255}`);
    const other = bySlot.get(slotOf(service));
    if (other !== undefined) return [other, service];
    bySlot.set(slotOf(service), service);
  }
}

describe('attempts', () => {
  test('failures count once per success of any address, other attempts not at all', () => {
    const clock = new StoppedClock();
    const book = bookWith(['1.2.3.4', '5.6.7.8'], clock);
    const attempts = (): number =>
      [...book.positions('new')].find(({ entry }) => nameOf(entry) === '1.2.3.4 8333')?.entry.attempts ?? -1;
    book.good(at('5.6.7.8'), START - 1);
    for (let i = 0; i < 3; i++) book.attempt(at('1.2.3.4'), true);
    book.attempt(at('1.2.3.4'), false);
    expect(attempts()).toBe(1);
    book.good(at('5.6.7.8'), START + 1);
    book.attempt(at('1.2.3.4'), true);
    expect(attempts()).toBe(2);
  });

  test('a connection that ended renews the time after 20 minutes; being connected does not', () => {
    const clock = new StoppedClock();
    const book = bookWith(['1.2.3.4'], clock);
    clock.seconds += 20 * MINUTE;
    book.good(at('1.2.3.4'));
    book.connected(at('1.2.3.4'));
    expect(timeOf(book)).toBe(START);
    clock.seconds += 1;
    book.connected(at('1.2.3.4'));
    expect(timeOf(book)).toBe(clock.seconds);
  });

  test('services as announced replace those of gossip', () => {
    const book = bookWith(['1.2.3.4']);
    book.setServices(at('1.2.3.4'), '0000000000000400');
    expect(book.getAddr()[0]?.services).toBe('0000000000000400');
  });

  test('unknown addresses change nothing', () => {
    const book = bookWith(['1.2.3.4']);
    const before = book.save();
    expect(book.good(at('9.9.9.9'))).toBe(false);
    book.attempt(at('9.9.9.9'), true);
    book.connected(at('9.9.9.9'));
    book.setServices(at('9.9.9.9'), '0000000000000001');
    expect(book.save()).toEqual(before);
  });
});

describe('test before evict', () => {
  /** The first is in tried, the second waits for its slot. */
  function collision() {
    const clock = new StoppedClock();
    const book = bookOf('collision', clock);
    const [old, newer] = sameSlot((service) => placementOf(book).triedSlot(service));
    for (const service of [old, newer]) book.add([recordAt(service, START)], source);
    expect(book.good(old)).toBe(true);
    expect(book.good(newer)).toBe(false);
    const tried = (): string[] => [...book.positions('tried')].map(({ entry }) => nameOf(entry));
    return { clock, book, old, newer, tried };
  }

  test('the old address is offered for a test, with the time of its last try', () => {
    const { book, old } = collision();
    const selected = book.selectTriedCollision();
    expect(nameOf(selected!.address)).toBe(nameOf(old));
    expect(selected!.lastTry).toBe(START);
    expect(bookOf('none').selectTriedCollision()).toBeUndefined();
  });

  test('it stays when it worked within four hours', () => {
    const { book, old, tried, clock } = collision();
    clock.seconds += 4 * HOUR - 1;
    book.resolveCollisions();
    expect(tried()).toEqual([nameOf(old)]);
    expect(book.selectTriedCollision()).toBeUndefined();
  });

  test('it is replaced a minute after a failed test, and moves back to new', () => {
    const { book, old, newer, tried, clock } = collision();
    clock.seconds += 5 * HOUR;
    book.attempt(old, false);
    clock.seconds += MINUTE;
    book.resolveCollisions();
    expect(tried()).toEqual([nameOf(old)]);
    clock.seconds += 1;
    book.resolveCollisions();
    expect(tried()).toEqual([nameOf(newer)]);
    expect(book.references(old)).toBe(1);
    expect(book.selectTriedCollision()).toBeUndefined();
    expect(faultsOf(book)).toEqual([]);
  });

  test('it is replaced without a test after 40 minutes', () => {
    const { book, newer, tried, clock } = collision();
    clock.seconds += 4 * HOUR;
    book.good(newer);
    clock.seconds += 40 * MINUTE;
    book.resolveCollisions();
    expect(tried()).not.toEqual([nameOf(newer)]);
    clock.seconds += 1;
    book.resolveCollisions();
    expect(tried()).toEqual([nameOf(newer)]);
  });

  test('at most ten collisions are kept', () => {
    const clock = new StoppedClock();
    const book = bookOf('ten', clock);
    for (let i = 0; i < 2_000; i++) {
      const service = at(`45.7.${i >> 8}.${i & 255}`);
      book.add([recordAt(service, START)], services(1, `source ${i}`)[0]!);
      book.good(service);
    }
    const before = taken(book, 'tried');
    clock.seconds += 5 * HOUR;
    book.resolveCollisions();
    const moved = [...book.positions('tried')].filter(({ entry }) => entry.lastSuccess === clock.seconds);
    // Some of the ten share a slot, where the first that gets it stays.
    expect(moved.length).toBeGreaterThan(5);
    expect(moved.length).toBeLessThanOrEqual(10);
    expect(taken(book, 'tried')).toBe(before);
    expect(faultsOf(book)).toEqual([]);
  });
});

describe('selecting', () => {
  const texts = ['1.2.3.4', '2a01:4f8::1', 'fc12::1', '5.6.7.8'];

  test('returns nothing from an empty book, or for a network without addresses', () => {
    expect(bookOf('empty').select()).toBeUndefined();
    expect(bookWith(texts).select({ networks: ['onion', 'i2p'] })).toBeUndefined();
    const tried = bookWith(['1.2.3.4']);
    tried.good(at('1.2.3.4'));
    expect(tried.select({ newOnly: true })).toBeUndefined();
    expect(nameOf(tried.select()!.address)).toBe('1.2.3.4 8333');
  });

  test('finds every address, and only those of the selected networks', () => {
    const book = bookWith(texts);
    book.good(at('5.6.7.8'));
    const drawn = (options = {}): Set<string> =>
      new Set(Array.from({ length: 60 }, () => nameOf(book.select(options)!.address).split(' ')[0]!));
    expect(drawn()).toEqual(new Set(texts));
    expect(drawn({ newOnly: true })).toEqual(new Set(texts.slice(0, 3)));
    expect(drawn({ networks: ['ipv6', 'cjdns'] })).toEqual(new Set(['2a01:4f8::1', 'fc12::1']));
  });

  test('half of the draws are from tried, however few addresses are there', () => {
    const book = bookOf('half');
    for (const service of services(300, 'half')) book.add([recordAt(service, START)], service);
    const [first] = services(1, 'half');
    book.good(first!, START - HOUR);
    let fromTried = 0;
    for (let i = 0; i < 400; i++) if (nameOf(book.select()!.address) === nameOf(first!)) fromTried++;
    expect(fromTried).toBeGreaterThan(160);
    expect(fromTried).toBeLessThan(240);
  });

  test('an address that was just tried, or failed, is selected less often', () => {
    const book = bookWith(['1.2.3.4', '5.6.7.8']);
    book.attempt(at('1.2.3.4'), true, START);
    let count = 0;
    for (let i = 0; i < 300; i++) if (nameOf(book.select()!.address) === '1.2.3.4 8333') count++;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(60);
  });
});

describe('getaddr', () => {
  test('returns a share of the book, up to a maximum, of one network, without terrible addresses', () => {
    const book = bookOf('getaddr');
    for (const service of services(500, 'getaddr')) book.add([recordAt(service, START)], service);
    const size = book.size();
    expect(book.getAddr({ percent: 23, max: 1_000 })).toHaveLength(Math.floor((23 * size) / 100));
    expect(book.getAddr({ percent: 23, max: 10 })).toHaveLength(10);
    const onion = book.getAddr({ network: 'onion' });
    expect(onion).toHaveLength(book.size(undefined, 'onion'));
    expect(new Set(onion.map(({ networkID }) => networkID))).toEqual(new Set([4]));
    const old = recordAt(at('1.2.3.4'), START - 31 * DAY);
    book.add([old], source);
    expect(book.getAddr()).toHaveLength(size);
    expect(book.getAddr({ filtered: false })).toHaveLength(size + 1);
  });

  test('returns different addresses each time', () => {
    const book = bookOf('shuffle');
    for (const service of services(300, 'shuffle')) book.add([recordAt(service, START)], service);
    const draw = (): string[] => book.getAddr({ percent: 10 }).map(nameOf);
    expect(draw()).not.toEqual(draw());
    expect(new Set(draw()).size).toBe(draw().length);
  });
});

test('a key of the wrong length is refused', () => {
  const options = { clock: new StoppedClock(), random: seededRandom('') };
  expect(() => createAddressBook({ ...options, key: new Uint8Array(31) })).toThrow('ERR_LOCAL_ARGUMENT');
});

describe('any sequence of calls', () => {
  const known = services(60, 'property');
  const index = fc.nat(known.length - 1);
  const operation = fc.oneof(
    fc.record({ call: fc.constant('add' as const), index, from: index, age: fc.nat(40 * DAY) }),
    fc.record({ call: fc.constantFrom('good' as const, 'attempt' as const, 'connected' as const), index }),
    fc.record({ call: fc.constantFrom('select' as const, 'test' as const, 'resolve' as const) }),
    fc.record({ call: fc.constant('wait' as const), seconds: fc.nat(2 * DAY) }),
  );
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

  function perform(book: AddressBook, clock: StoppedClock, step: Operation): void {
    const service = 'index' in step ? known[step.index]! : known[0]!;
    if (step.call === 'add') book.add([recordAt(service, clock.seconds - step.age)], known[step.from]!, HOUR);
    else if (step.call === 'wait') clock.seconds += step.seconds;
    else if (step.call === 'select') book.select();
    else if (step.call === 'test') book.selectTriedCollision();
    else if (step.call === 'resolve') book.resolveCollisions();
    else if (step.call === 'attempt') book.attempt(service, true);
    else book[step.call](service);
  }

  test('leaves the tables consistent', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), fc.string(), (steps, seed) => {
        const clock = new StoppedClock();
        const book = bookOf(seed, clock);
        for (const step of steps) perform(book, clock, step);
        expect(faultsOf(book)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
