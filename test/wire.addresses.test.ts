/** Addresses: text and bytes of every BIP155 network, the 16-byte form, and the network's name. */
import { describe, expect, test } from '@jest/globals';
import { base32 } from '@scure/base';
import fc from 'fast-check';
import {
  BIP155,
  formatAddress,
  fromLegacy,
  type NetAddress,
  networkOfAddress,
  networkOfNetAddress,
  parseAddress,
  toLegacy,
} from '../src/wire/index.js';
import { fromHex } from './support/hex.js';

const parsed = (text: string): NetAddress => {
  const result = parseAddress(text);
  if (!result.ok) throw new Error(`${text}: ${result.fault}`);
  return result.value;
};

// Tor v3 and I2P: Bitcoin Core, src/test/net_tests.cpp (cnetaddr_basic, cnetaddr_unserialize_v2).
const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion';
const ONION_KEY = '79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f';
const I2P = 'ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p';
const I2P_HASH = 'a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87';

describe('text and bytes', () => {
  test.each([
    ['1.2.3.4', 1, '01020304'],
    ['255.255.255.255', 1, 'ffffffff'],
    ['2001:4860:4860::8888', 2, '20014860486000000000000000008888'],
    ['::1', 2, '00000000000000000000000000000001'],
    ['6hzph5hv6337r6p2.onion', 3, 'f1f2f3f4f5f6f7f8f9fa'],
    [ONION, 4, ONION_KEY],
    [I2P, 5, I2P_HASH],
    ['fc00:1:2:3:4:5:6:7', 6, 'fc000001000200030004000500060007'],
    ['200:1:2:3:4:5:6:7', 7, '02000001000200030004000500060007'],
    ['3ff:ffff::1', 7, '03ffffff000000000000000000000001'],
  ])('%s', (text, networkID, addr) => {
    expect(parsed(text)).toEqual({ networkID, addr: fromHex(addr) });
    expect(formatAddress({ networkID, addr: fromHex(addr) })).toBe(text);
    expect(parsed(text.toUpperCase())).toEqual(parsed(text));
  });

  test('a mapped IPv4 address is IPv4', () => {
    expect(parsed('::ffff:1.2.3.4')).toEqual(parsed('1.2.3.4'));
  });

  test.each([
    ['', 'syntax'],
    ['example.org', 'syntax'],
    ['1.2.3', 'syntax'],
    ['1.2.3.256', 'syntax'],
    ['0x7f.1', 'syntax'],
    ['16909060', 'syntax'],
    ['[::1]', 'syntax'],
    ['fe80::1%eth0', 'syntax'],
    ['1.2.3.4:8333', 'syntax'],
    ['.onion', 'syntax'],
    ['pg6mmjiyjmcrsslv.onionn', 'syntax'],
    ['pg6mmjiyjmcrsslvy.onion', 'syntax'],
    [ONION.replace('pg6m', 'pg6n'), 'checksum'],
    [ONION.replace('cryd', 'crya'), 'version'],
    [ONION.replace('pg6m', 'pg1m'), 'syntax'],
    [I2P.replace('nkdq', 'nkdr'), 'syntax'],
    [I2P.slice(1), 'syntax'],
  ])('%j is refused: %s', (text, fault) => {
    expect(parseAddress(text)).toEqual({ ok: false, fault });
  });

  test.each([32, 33])('a Tor v3 checksum with byte %i wrong is refused', (at) => {
    const bytes = base32.decode(ONION.slice(0, -'.onion'.length).toUpperCase());
    bytes[at]! ^= 1;
    const text = `${base32.encode(bytes).toLowerCase()}.onion`;
    expect(parseAddress(text)).toEqual({ ok: false, fault: 'checksum' });
  });

  test('what has no text form is shown as bytes', () => {
    expect(formatAddress({ networkID: 0x99, addr: fromHex('0102') })).toBe('153:0102');
    expect(formatAddress({ networkID: 1, addr: fromHex('010203') })).toBe('1:010203');
    expect(formatAddress({ networkID: 4, addr: fromHex('') })).toBe('4:');
  });

  test.each(Object.entries(BIP155))('any %s address round-trips', (name, { id, length }) => {
    const prefix = { cjdns: [0xfc], yggdrasil: [0x02], ipv6: [0x20] }[name] ?? [];
    fc.assert(
      fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (addr) => {
        addr.set(prefix);
        expect(parsed(formatAddress({ networkID: id, addr }))).toEqual({ networkID: id, addr });
      }),
      { numRuns: 50 },
    );
  });

  test('any text is a value or a fault', () => {
    const text = fc
      .tuple(fc.string(), fc.constantFrom('', '.onion', '.b32.i2p'))
      .map(([head, end]) => head + end);
    fc.assert(fc.property(text, (input) => typeof parseAddress(input).ok === 'boolean'));
  });
});

describe('the 16-byte form', () => {
  test.each([
    ['00000000000000000000ffff01020304', '1.2.3.4'],
    ['fd87d87eeb43f1f2f3f4f5f6f7f8f9fa', '6hzph5hv6337r6p2.onion'],
    ['20014860486000000000000000008888', '2001:4860:4860::8888'],
    ['fc000001000200030004000500060007', 'fc00:1:2:3:4:5:6:7'],
  ])('%s is %s', (ip, text) => {
    expect(formatAddress(fromLegacy(fromHex(ip)))).toBe(text);
    expect(toLegacy(parsed(text))).toEqual(fromHex(ip));
  });

  test('Tor v3 and I2P have none', () => {
    expect(toLegacy(parsed(ONION))).toBeUndefined();
    expect(toLegacy(parsed(I2P))).toBeUndefined();
    expect(toLegacy({ networkID: 1, addr: fromHex('010203') })).toBeUndefined();
    expect(toLegacy({ networkID: 2, addr: fromHex('01020304') })).toBeUndefined();
    expect(toLegacy({ networkID: 3, addr: fromHex('01020304') })).toBeUndefined();
    expect(toLegacy({ networkID: 4, addr: fromHex('f1f2f3f4f5f6f7f8f9fa') })).toBeUndefined();
  });
});

describe('network, as getpeerinfo names it', () => {
  test.each([
    ['8.8.8.8', 'ipv4'],
    ['2001:4860:4860::8888', 'ipv6'],
    [ONION, 'onion'],
    [I2P, 'i2p'],
    ['fc00::1', 'cjdns'],
    ['172.15.0.1', 'ipv4'],
    ['172.32.0.1', 'ipv4'],
    ['100.63.0.1', 'ipv4'],
    ['100.128.0.1', 'ipv4'],
    ['198.20.0.1', 'ipv4'],
    ['2001:db9::1', 'ipv6'],
    ['fe80:0:0:1::1', 'ipv6'],
    ['2001:30::1', 'ipv6'],
    ['::2', 'ipv6'],
  ])('%s: %s', (text, network) => {
    expect(networkOfAddress(text)).toBe(network);
  });

  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '198.19.255.255',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    'fd00::1',
    'fe80::1',
    '2001:db8::1',
    '2001:10::1',
    '2001:1f:ffff::1',
    '2001:2f::1',
    '6hzph5hv6337r6p2.onion',
    '200::1',
    'example.org',
  ])('%s: not_publicly_routable', (text) => {
    expect(networkOfAddress(text)).toBe('not_publicly_routable');
  });

  test('an addrv2 entry with another network embedded in IPv6, or a wrong length, is not routable', () => {
    const entry = (networkID: number, addr: string) =>
      networkOfNetAddress({ networkID, addr: fromHex(addr) });
    expect(entry(2, '00000000000000000000ffff08080808')).toBe('not_publicly_routable');
    expect(entry(2, 'fd87d87eeb43f1f2f3f4f5f6f7f8f9fa')).toBe('not_publicly_routable');
    expect(entry(6, '20014860486000000000000000008888')).toBe('not_publicly_routable');
    expect(entry(1, '080808')).toBe('not_publicly_routable');
    expect(entry(9, '08080808')).toBe('not_publicly_routable');
  });
});
