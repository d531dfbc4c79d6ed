import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createAddressBook, DETERMINISTIC_KEY } from '../src/addresses/index.js';
import { parseAddress } from '../src/wire/index.js';

const at = (text: string) => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

test('the two places that were seen in bitcoind', () => {
  const book = createAddressBook({
    key: DETERMINISTIC_KEY,
    clock: { wall: () => Date.now() },
    random: (n) => randomBytes(n),
  });
  const rec = (t: string) => ({
    ...at(t),
    port: 8333,
    time: Math.floor(Date.now() / 1000),
    services: '0000000000000009',
  });
  book.add([rec('1.2.3.4')], at('1.2.3.4'));
  book.add([rec('1.2.3.5')], at('1.2.3.5'));
  book.good(rec('1.2.3.5'));
  expect([...book.positions('new')]).toMatchObject([{ bucket: 774, position: 4 }]);
  expect([...book.positions('tried')]).toMatchObject([{ bucket: 36, position: 43 }]);
});
