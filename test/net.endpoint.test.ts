import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canonicalAddress, formatEndpoint, parseEndpoint } from '../src/net/endpoint.js';
import { VerackError } from '../src/reasons.js';

const PORT = 8333;

describe('parseEndpoint', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4', PORT, 'ipv4'],
    ['1.2.3.4:18444', '1.2.3.4', 18444, 'ipv4'],
    ['1.2.3.4:1', '1.2.3.4', 1, 'ipv4'],
    ['1.2.3.4:65535', '1.2.3.4', 65535, 'ipv4'],
    ['::1', '::1', PORT, 'ipv6'],
    ['[::1]', '::1', PORT, 'ipv6'],
    ['[::1]:8334', '::1', 8334, 'ipv6'],
    ['::1:8333', '::1:8333', PORT, 'ipv6'],
    ['2001:DB8:0:0::0001', '2001:db8::1', PORT, 'ipv6'],
    ['[::ffff:1.2.3.4]:5', '1.2.3.4', 5, 'ipv4'],
    ['fe80::1%eth0', 'fe80::1%eth0', PORT, 'ipv6'],
    ['localhost', 'localhost', PORT, 'name'],
    ['Node-1.Example.ORG:8333', 'node-1.example.org', 8333, 'name'],
    ['example.org.', 'example.org.', PORT, 'name'],
    ['my_node:1', 'my_node', 1, 'name'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`, PORT, 'name'],
  ])('%s', (text, host, port, kind) => {
    expect(parseEndpoint(text, PORT)).toEqual({ host, port, kind });
  });

  test.each([
    ['', 'no host given'],
    [':8333', 'no host before the port'],
    ['1.2.3.4:99999', 'a port is'],
    ['1.2.3.4:0', 'a port is a number from 1 to 65535'],
    ['1.2.3.4:', 'a port is'],
    ['1.2.3.4:-1', 'a port is'],
    ['1.2.3.4:80 ', 'a port is'],
    ['1.2.3.4:0x50', 'a port is'],
    ['[::1]:65536', 'a port is'],
    ['999.1.1.1', 'not an IPv4 address'],
    ['1.2.3', 'not an IPv4 address'],
    ['010.0.0.1', 'not an IPv4 address'],
    ['0x7f.0x1', 'not an IPv4 address'],
    ['2130706433', 'not an IPv4 address'],
    ['host:1:2', 'more than one colon'],
    ['1.2.3.4:1:2', 'more than one colon'],
    ['::1::2', 'more than one colon'],
    ['[::1', 'more than one colon'],
    ['[::1]8333', 'more than one colon'],
    ['[host]:1', 'the text in brackets'],
    ['[1.2.3.4]:1', 'the text in brackets'],
    ['[::%:]', 'the text in brackets'],
    ['[]:1', 'the text in brackets'],
    ['a b', 'not a host name'],
    [' host', 'not a host name'],
    ['host\n', 'not a host name'],
    ['a..b', 'not a host name'],
    ['.a', 'not a host name'],
    ['a.b..', 'not a host name'],
    ['-a', 'not a host name'],
    ['a-', 'not a host name'],
    ['käse.de', 'not a host name'],
    ['http//x', 'not a host name'],
    ['a'.repeat(64), 'not a host name'],
    [`${'ab.'.repeat(90)}c`, 'at most 253'],
  ])('refuses %j: %s', (text, why) => {
    const refuse = () => parseEndpoint(text, PORT);
    expect(refuse).toThrow(VerackError);
    try {
      refuse();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts: { value: text.slice(0, 80) } });
      expect((error as VerackError).facts.why).toContain(why);
    }
  });

  test('port 0 only when asked for', () => {
    expect(parseEndpoint('[::]:0', PORT, { allowZero: true })).toEqual({ host: '::', port: 0, kind: 'ipv6' });
    expect(() => parseEndpoint('[::]:0', PORT)).toThrow(VerackError);
  });
});

describe('formatEndpoint', () => {
  test('puts brackets around IPv6 addresses only', () => {
    expect(formatEndpoint({ host: '::1', port: 1 })).toBe('[::1]:1');
    expect(formatEndpoint({ host: '1.2.3.4', port: 2 })).toBe('1.2.3.4:2');
    expect(formatEndpoint({ host: 'a.b', port: 3 })).toBe('a.b:3');
  });

  test('formatted endpoints parse to the same endpoint', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6().map(canonicalAddress), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (given, port) => {
        const { kind, ...endpoint } = parseEndpoint(formatEndpoint({ host: given.toLowerCase(), port }), 1);
        expect(endpoint).toEqual({ host: given.toLowerCase(), port });
        expect(kind).toBeDefined();
      }),
    );
  });

  test('whatever parses, formats to something that parses to the same; anything else is a VerackError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.[\]%-]{0,20}$/)), (text) => {
        try {
          const parsed = parseEndpoint(text, PORT);
          expect(parseEndpoint(formatEndpoint(parsed), 1)).toEqual(parsed);
        } catch (error) {
          expect(error).toBeInstanceOf(VerackError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
