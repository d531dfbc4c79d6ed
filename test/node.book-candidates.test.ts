/** Which addresses of the book are dialled: feelers test claimed addresses, and no network that is excluded. */
import { expect, test } from '@jest/globals';

import type { NetService } from '../src/addresses/index.js';
import type { Network } from '../src/net/host-kind.js';
import { createNetgroups } from '../src/net/netgroup.js';
import { BookSource } from '../src/node/book-candidates.js';
import { outboundGroup } from '../src/node/outbound-netgroups.js';
import { formatAddress } from '../src/wire/index.js';
import { addressOf, recordAt } from './support/addresses.js';
import { bookOf, START } from './support/book.js';

const clock = { now: () => 0, wall: () => START * 1_000 };

/** A book of IPv4 addresses that all have worked; the slot of one of them in tried is claimed by another. */
function claimedBook() {
  const book = bookOf('claimed');
  for (let n = 0; book.selectTriedCollision() === undefined; n++) {
    const service: NetService = { ...addressOf(`30.${n % 250}.${Math.floor(n / 250)}.1`), port: 8_333 };
    book.add([recordAt(service, START)], service);
    // The newcomer worked just now, the others so long ago that one has to be tested.
    book.good(service, START - 5 * 3_600);
    if (book.selectTriedCollision()) book.good(service, START);
  }
  return book;
}

const sourceOf = (
  book: ReturnType<typeof bookOf>,
  networks: readonly Network[],
  taken: readonly string[] = [],
) =>
  new BookSource({
    ...{ book, seeds: [], clock, networks, requiredServices: '0000000000000009' },
    takenGroups: () => new Set(taken),
    fullRelayPeers: () => 0,
  });

test('a feeler tests the address whose slot is claimed, unless its network is excluded', async () => {
  const book = claimedBook();
  const claimed = formatAddress(book.selectTriedCollision()!.address);
  expect(await sourceOf(book, ['ipv4']).findFeeler()).toEqual({ host: claimed, port: 8_333 });
  expect(await sourceOf(book, ['onion', 'i2p']).findFeeler()).toBeUndefined();
});

test('an answer has addresses of networks that can be dialled, and each IPv4 group once', async () => {
  const book = bookOf('networks');
  const hosts = ['30.1.1.1', '30.1.1.2', '30.2.1.1', '30.3.1.1', '2a01:4f8::1'];
  for (const host of hosts) {
    const service = { ...addressOf(host), port: 8_333 };
    book.add([recordAt(service, START)], service);
  }
  const netgroups = createNetgroups();
  const taken = [outboundGroup('30.3.9.9', netgroups)!];
  const found = await sourceOf(book, ['ipv4'], taken).find(new AbortController().signal);
  expect(found.map(({ host }) => host.slice(0, 4)).sort()).toEqual(['30.1', '30.2']);
  const all = await sourceOf(book, ['ipv6']).find(new AbortController().signal);
  expect(all.map(({ host }) => host)).toEqual(['2a01:4f8::1']);
});
