/** What one address more costs an address book that holds few or many: the tasks of a `Worker`. */
import { type AddressBook, createAddressBook, type NetService } from '../../src/addresses/index.js';
import { systemClock, systemRandom } from '../../src/index.js';
import { serveTasks } from './tasks.js';

const BATCH = 500;
const SERVICES = '0000000000000009';

let made = 0;

/** An IPv4 address that was not made before, of one of some 20,000 groups. */
function nextService(): NetService {
  const i = made++;
  const addr = Uint8Array.of(11 + (i % 80), (i >> 4) & 255, (i >> 12) & 255, i & 255);
  return { networkID: 1, addr, port: 8_333 };
}

function addNext(book: AddressBook, time: number): void {
  const service = nextService();
  book.add([{ ...service, time, services: SERVICES }], service);
}

/** A new book that was offered `count` addresses. */
function bookWith(count: number, time: number): AddressBook {
  const book = createAddressBook({ key: systemRandom(32), clock: systemClock, random: systemRandom });
  for (let i = 0; i < count; i++) addNext(book, time);
  return book;
}

/** CPU microseconds of one add, the mean over a batch of addresses that the book does not know. */
function cost({ beside }: { beside: number }): number {
  const time = Math.floor(Date.now() / 1_000);
  const book = bookWith(beside, time);
  const before = process.cpuUsage();
  for (let i = 0; i < BATCH; i++) addNext(book, time);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BATCH;
}

serveTasks({ cost });
