/** Network groups and asmaps, against the cases of Bitcoin Core's own tests. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isAsmap, lookupAsn } from '../src/net/asmap.js';
import { createNetgroups, linkedIpv4, netClassOf, netgroupOf } from '../src/net/netgroup.js';
import { BIP155, parseAddress, type NetAddress } from '../src/wire/index.js';

const at = (text: string): NetAddress => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.fault}`);
  return parsed.value;
};
const group = (text: string): number[] => [...netgroupOf(at(text))];

// Core, src/test/data/asmap.raw: 250.0.0.0/8 is AS1000, 101.N.0.0/16 is AS N for N of 1 to 8, the gaps filled.
const ASMAP = new Uint8Array(readFileSync('test/data/addresses/asmap.raw'));

describe('groups', () => {
  // Core, src/test/netbase_tests.cpp, netbase_getgroup.
  test.each([
    ['127.0.0.1', [0]],
    ['10.0.0.1', [0]],
    ['169.254.1.1', [0]],
    ['1.2.3.4', [1, 1, 2]],
    ['::ffff:0:102:304', [1, 1, 2]],
    ['64:ff9b::102:304', [1, 1, 2]],
    ['2002:102:304:9999:9999:9999:9999:9999', [1, 1, 2]],
    ['2001:0:9999:9999:9999:9999:fefd:fcfb', [1, 1, 2]],
    ['2001:470:abcd:9999:9999:9999:9999:9999', [2, 0x20, 1, 4, 0x70, 0xaf]],
    ['2001:2001:9999:9999:9999:9999:9999:9999', [2, 0x20, 1, 0x20, 1]],
  ])('%s', (text, expected) => {
    expect(group(text)).toEqual(expected);
  });

  // By hand from the rules in Core's netgroup.cpp.
  test.each([
    ['pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion', [3, 0x7f]],
    ['ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p', [4, 0xaf]],
    ['fc12:3456::1', [5, 0xfc, 0x1f]],
    ['fd00::1', [0]],
    ['2002:a00:1::', [1, 10, 0]],
    ['fd6b:88c0:8724:102:304:506:708:90a', [6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['6hzph5hv6337r6p2.onion', [0]],
    ['200:1::1', [0]],
  ])('%s', (text, expected) => {
    expect(group(text)).toEqual(expected);
  });

  test('the class of a tunnel is that of the address it carries', () => {
    expect(netClassOf(at('2002:102:304::'))).toBe('ipv4');
    expect(linkedIpv4(at('2001:0:9999:9999:9999:9999:fefd:fcfb'))).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(netClassOf(at('fd6b:88c0:8724::1'))).toBe('internal');
    expect(netClassOf(at('fc00::1'))).toBe('cjdns');
  });

  test('any bytes under any network id have a group that begins with a known network', () => {
    const rows = Object.values(BIP155).map(({ id, length }) => ({ id, length }));
    const anyAddress = fc
      .tuple(fc.constantFrom(...rows), fc.nat(40), fc.boolean())
      .chain(([{ id, length }, other, right]) =>
        fc.record({
          networkID: fc.constant(id),
          addr: fc.uint8Array({ minLength: right ? length : other, maxLength: right ? length : other }),
        }),
      );
    fc.assert(
      fc.property(anyAddress, (address) => {
        const bytes = netgroupOf(address);
        return bytes[0]! <= 6 && bytes.length <= 11;
      }),
    );
  });
});

describe('with an asmap', () => {
  const groups = createNetgroups(ASMAP);

  test.each([
    ['250.1.2.3', 1000],
    ['101.1.0.1', 1],
    ['101.8.255.255', 8],
    ['1.2.3.4', 0],
    ['2002:fa01:203::', 1000],
    ['2a01::1', 0],
    ['fc12::1', 0],
  ])('%s is in AS%i', (text, asn) => {
    expect(groups.asnOf(at(text))).toBe(asn);
  });

  test('the group is that of the autonomous system, IPv4 and IPv6 alike; elsewhere as without', () => {
    expect([...groups.groupOf(at('250.1.2.3'))]).toEqual([2, 0xe8, 3, 0, 0]);
    expect(groups.keyOf(at('250.255.1.1'))).toBe(groups.keyOf(at('2002:fa01:203::')));
    expect(groups.groupOf(at('1.2.3.4'))).toEqual(netgroupOf(at('1.2.3.4')));
  });

  test('the version names the map; zeros for none', () => {
    expect(groups.version).not.toEqual(createNetgroups().version);
    expect(createNetgroups().version).toEqual(new Uint8Array(32));
  });
});

describe('the check of an asmap', () => {
  test('accepts the map of Core; refuses it truncated, empty, or with one byte more', () => {
    expect(isAsmap(ASMAP)).toBe(true);
    expect(isAsmap(ASMAP.subarray(0, -1))).toBe(false);
    expect(isAsmap(new Uint8Array(0))).toBe(false);
    expect(isAsmap(Uint8Array.from([...ASMAP, 0]))).toBe(false);
  });

  test('any bytes, and the map with any byte changed, are checked and looked up without an error', () => {
    const anyAddress = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const changed = fc
      .tuple(fc.nat(ASMAP.length - 1), fc.nat(255))
      .map(([i, byte]) => ASMAP.map((old, j) => (i === j ? byte : old)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), changed), anyAddress, (map, address) => {
        isAsmap(map);
        const asn = lookupAsn(map, address);
        return asn >= 0 && asn < 2 ** 26;
      }),
      { numRuns: 1_000 },
    );
  });
});
