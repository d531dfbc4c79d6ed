/** The rules of each message, one test a rule. Numbers and limits as Bitcoin Core judges them. */
import { describe, expect, test } from '@jest/globals';
import {
  bip155NetworkName,
  COMMANDS,
  type Command,
  commandOf,
  countOf,
  decodeMessage,
  encodeMessage,
  factsOf,
  isKnownCommand,
  isStrict,
  type Message,
  type MessageOf,
  shortIdOf,
  versionDefaults,
} from '../src/wire/index.js';
import { fromHex, toHex } from './support/hex.js';

const zeros = (size: number) => '00'.repeat(size);

function good<C extends Command>(
  command: C,
  payload: Uint8Array,
): { message: MessageOf<C>; trailing: Uint8Array } {
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.fault));
  return { message: decoded.message as MessageOf<C>, trailing: decoded.trailing };
}
const fault = (command: string, payload: Uint8Array) => {
  const decoded = decodeMessage(command, payload);
  return decoded.ok ? 'decoded' : decoded.fault;
};
const SHORT = { code: 'ERR_CODEC_SHORT' };
const RANGE = { code: 'ERR_CODEC_RANGE' };
const NONMINIMAL = { code: 'ERR_CODEC_NONMINIMAL' };

const FULL = fromHex(
  '80110100 0904000000000000 00f1536500000000' +
    ' 0100000000000000 00000000000000000000ffff01020304 208d' +
    ' 0904000000000000 00000000000000000000000000000000 0000' +
    ' 0807060504030201 0a2f746573743a302e312f ffffff7f 02',
);
const withAgent = (size: number) =>
  fromHex(
    toHex(FULL.subarray(0, 80)) + `fd${toHex(Uint8Array.of(size & 255, size >> 8))}` + '61'.repeat(size),
  );

describe('version', () => {
  test('all fields, wire spelling', () => {
    expect(good('version', FULL).message).toStrictEqual({
      command: 'version',
      version: 70016,
      services: '0000000000000409',
      timestamp: '000000006553f100',
      addr_recv: {
        services: '0000000000000001',
        ip: fromHex('00000000000000000000ffff01020304'),
        port: 8333,
      },
      addr_from: { services: '0000000000000409', ip: new Uint8Array(16), port: 0 },
      nonce: '0102030405060708',
      user_agent: new TextEncoder().encode('/test:0.1/'),
      start_height: 0x7fffffff,
      relay: true,
    });
  });

  test.each([46, 80, 91, 95, 96])('%i bytes are a complete version', (size) => {
    expect(good('version', FULL.subarray(0, size)).trailing).toHaveLength(0);
  });

  test('what is absent is a missing key', () => {
    expect(Object.keys(good('version', FULL.subarray(0, 46)).message).at(-1)).toBe('addr_recv');
    expect(Object.keys(good('version', FULL.subarray(0, 80)).message).at(-1)).toBe('nonce');
    expect(Object.keys(good('version', FULL.subarray(0, 91)).message).at(-1)).toBe('user_agent');
    expect(Object.keys(good('version', FULL.subarray(0, 95)).message).at(-1)).toBe('start_height');
    expect(versionDefaults).toMatchObject({ nonce: '0000000000000001', start_height: -1, relay: true });
  });

  test('every other length up to the full one is short', () => {
    const complete = [46, 80, 91, 95, 96];
    for (let size = 0; size < FULL.length; size++) {
      if (!complete.includes(size)) expect(fault('version', FULL.subarray(0, size))).toMatchObject(SHORT);
    }
  });

  test('a user agent of 256 bytes is valid, one of 257 is a fault', () => {
    expect(good('version', withAgent(256)).message.user_agent).toHaveLength(256);
    expect(fault('version', withAgent(257))).toMatchObject({ ...RANGE, path: 'user_agent', offset: 80 });
  });

  test('a user agent length that is not minimal is a fault', () => {
    const payload = fromHex(toHex(FULL.subarray(0, 80)) + 'fd0300616263');
    expect(fault('version', payload)).toMatchObject({ ...NONMINIMAL, path: 'user_agent' });
  });

  test('the user agent may hold any bytes', () => {
    const payload = fromHex(toHex(FULL.subarray(0, 80)) + '03ff001b');
    expect(good('version', payload).message.user_agent).toEqual(fromHex('ff001b'));
  });

  test('negative numbers keep their sign, 64-bit ones their bits', () => {
    const payload = fromHex('ffffffff' + 'ff'.repeat(16) + zeros(26));
    const { message } = good('version', payload);
    expect(message).toMatchObject({
      version: -1,
      services: 'ffffffffffffffff',
      timestamp: 'ffffffffffffffff',
    });
  });

  test('relay: zero is false, anything else is true', () => {
    expect(good('version', FULL).message.relay).toBe(true);
    expect(good('version', fromHex(toHex(FULL.subarray(0, 95)) + '00')).message.relay).toBe(false);
  });

  test('trailing bytes are kept and are not a fault', () => {
    const { message, trailing } = good('version', fromHex(toHex(FULL) + 'abcd'));
    expect(message.start_height).toBe(0x7fffffff);
    expect(toHex(trailing)).toBe('abcd');
  });
});

describe('empty messages', () => {
  test.each(['verack', 'wtxidrelay', 'sendaddrv2', 'sendheaders', 'getaddr'] as const)(
    '%s ignores its payload',
    (command) => {
      expect(good(command, fromHex('0102'))).toEqual({ message: { command }, trailing: fromHex('0102') });
      expect(encodeMessage({ command })).toHaveLength(0);
    },
  );
});

describe('ping and pong', () => {
  test('a ping of 0 bytes is the old one', () => {
    expect(good('ping', fromHex('')).message).toStrictEqual({ command: 'ping' });
  });
  test.each([1, 7])('a ping of %i bytes is short', (size) => {
    expect(fault('ping', new Uint8Array(size))).toMatchObject({ ...SHORT, path: 'nonce' });
  });
  test('a longer ping has the first 8 bytes as its nonce', () => {
    const { message, trailing } = good('ping', fromHex('010203040506070809'));
    expect(message.nonce).toBe('0807060504030201');
    expect(toHex(trailing)).toBe('09');
  });
  test.each([0, 1, 7])('a pong of %i bytes has no nonce', (size) => {
    const { message, trailing } = good('pong', new Uint8Array(size));
    expect(message).toStrictEqual({ command: 'pong' });
    expect(trailing).toHaveLength(size);
  });
  test('pong', () => {
    expect(good('pong', fromHex('0102030405060708')).message.nonce).toBe('0807060504030201');
  });
});

describe('small negotiations', () => {
  test('sendtxrcncl', () => {
    expect(good('sendtxrcncl', fromHex('01000000dc75621c04926b5c')).message).toStrictEqual({
      command: 'sendtxrcncl',
      version: 1,
      salt: '5c6b92041c6275dc',
    });
    expect(fault('sendtxrcncl', new Uint8Array(11))).toMatchObject(SHORT);
  });
  test('sendcmpct keeps the raw announce byte, which the receiver checks', () => {
    expect(good('sendcmpct', fromHex('020200000000000000')).message).toStrictEqual({
      command: 'sendcmpct',
      announce: 2,
      version: '0000000000000002',
    });
    expect(fault('sendcmpct', new Uint8Array(8))).toMatchObject(SHORT);
  });
  test('feefilter', () => {
    expect(good('feefilter', fromHex('e803000000000000')).message.feerate).toBe('00000000000003e8');
    expect(fault('feefilter', new Uint8Array(7))).toMatchObject(SHORT);
  });
});

describe('feature (BIP434)', () => {
  const feature = (id: number, data: number) => {
    const length =
      data < 253 ? toHex(Uint8Array.of(data)) : `fd${toHex(Uint8Array.of(data & 255, data >> 8))}`;
    return fromHex(toHex(Uint8Array.of(id)) + '62'.repeat(id) + length + '01'.repeat(data));
  };
  test.each([
    [4, 0],
    [80, 512],
  ])('an id of %i bytes with %i bytes of data', (id, data) => {
    const { message } = good('feature', feature(id, data));
    expect([message.featureid.length, message.featuredata.length]).toEqual([id, data]);
  });
  test.each([
    [3, 0],
    [81, 0],
    [4, 513],
  ])('an id of %i bytes with %i bytes of data breaks the rules', (id, data) => {
    expect(fault('feature', feature(id, data))).toMatchObject(RANGE);
  });
  test('data is not optional', () => {
    expect(fault('feature', fromHex('0442495031'))).toMatchObject({ ...SHORT, path: 'featuredata' });
  });
  test('nothing may follow', () => {
    expect(fault('feature', fromHex('044249503100aa'))).toEqual({ ...RANGE, path: 'trailing', offset: 6 });
  });
  test('only its faults are violations', () => {
    expect(COMMANDS.filter(isStrict)).toEqual(['feature']);
    expect(isStrict('constructor')).toBe(false);
  });
});

describe('addr', () => {
  const entry = '00f15365 0904000000000000 00000000000000000000ffff01020304 208d';
  test('an entry', () => {
    expect(good('addr', fromHex(`01${entry}`)).message.addresses).toStrictEqual([
      {
        time: 0x6553f100,
        services: '0000000000000409',
        ip: fromHex('00000000000000000000ffff01020304'),
        port: 8333,
      },
    ]);
  });
  test('1000 entries pass, 1001 are counted and not decoded', () => {
    const many = (count: number) =>
      fromHex(`fd${toHex(Uint8Array.of(count & 255, count >> 8))}` + entry.repeat(count));
    expect(good('addr', many(1000)).message.addresses).toHaveLength(1000);
    expect(countOf('addr', many(1000))).toEqual({ count: 1000, limit: 1000 });
    expect(fault('addr', many(1001))).toEqual({ ...RANGE, path: 'addresses', offset: 0 });
    expect(countOf('addr', many(1001))).toEqual({ count: 1001, limit: 1000 });
  });
  test('a count without the bytes is unreadable, not too long', () => {
    expect(countOf('addr', fromHex('fde903'))).toBeUndefined();
    expect(countOf('addr', fromHex('fde903' + entry.repeat(1000)))).toBeUndefined();
    expect(fault('addr', fromHex('02' + entry))).toMatchObject({ ...SHORT, path: 'addresses[1].time' });
  });
  test('a count that cannot be read', () => {
    expect(countOf('addr', fromHex(''))).toBeUndefined();
    expect(countOf('addr', fromHex('fd0100' + entry))).toBeUndefined();
    expect(fault('addr', fromHex('fd0100' + entry))).toMatchObject(NONMINIMAL);
    expect(fault('addr', fromHex('fe01000002'))).toMatchObject(RANGE);
  });
});

describe('addrv2 (BIP155)', () => {
  const entry = (id: number, size: number, services = '09') => {
    const length =
      size < 253 ? toHex(Uint8Array.of(size)) : `fd${toHex(Uint8Array.of(size & 255, size >> 8))}`;
    return `00f15365${services}${toHex(Uint8Array.of(id))}${length}${'ab'.repeat(size)}208d`;
  };
  const one = (...parameters: Parameters<typeof entry>) => fromHex('01' + entry(...parameters));

  test('an entry', () => {
    expect(good('addrv2', one(1, 4, 'fd0904')).message.addresses).toStrictEqual([
      { time: 0x6553f100, services: '0000000000000409', networkID: 1, addr: fromHex('abababab'), port: 8333 },
    ]);
  });

  // The last column: Core knows the id, and a wrong length spoils the whole message.
  test.each([
    ['ipv4', 1, 4, true],
    ['ipv6', 2, 16, true],
    ['torv2', 3, 10, false],
    ['torv3', 4, 32, true],
    ['i2p', 5, 32, true],
    ['cjdns', 6, 16, true],
    ['yggdrasil', 7, 16, false],
  ])('%s', (name, id, length, core) => {
    expect(bip155NetworkName(id)).toBe(name);
    expect(good('addrv2', one(id, length)).message.addresses).toHaveLength(1);
    for (const wrong of [0, length - 1, length + 1, 512]) {
      const decoded = decodeMessage('addrv2', one(id, wrong));
      expect(decoded.ok).toBe(!core);
      if (!decoded.ok) expect(decoded.fault).toMatchObject({ ...RANGE, path: 'addresses[0]', offset: 1 });
    }
  });

  test('an unknown network does not affect the other entries', () => {
    const { message } = good('addrv2', fromHex('03' + entry(1, 4) + entry(0x55, 200) + entry(4, 32)));
    expect(message.addresses.map(({ networkID }) => bip155NetworkName(networkID))).toEqual([
      'ipv4',
      undefined,
      'torv3',
    ]);
  });

  test.each([1, 3, 7, 0, 255])('more than 512 bytes under id %i are a fault', (id) => {
    expect(fault('addrv2', one(id, 513))).toMatchObject({ ...RANGE, path: 'addresses[0].addr' });
  });

  test('services: a plain number of 64 bits, but minimal', () => {
    const services = (text: string) => good('addrv2', one(1, 4, text)).message.addresses[0]?.services;
    expect(services('ffffffffffffffffff')).toBe('ffffffffffffffff');
    expect(services('fe01000002')).toBe('0000000002000001');
    expect(fault('addrv2', one(1, 4, 'fd0900'))).toMatchObject({
      ...NONMINIMAL,
      path: 'addresses[0].services',
    });
  });

  test('a length that is not minimal', () => {
    expect(fault('addrv2', fromHex('0100f153650901fd0400abababab208d'))).toMatchObject(NONMINIMAL);
  });

  test('1001 entries', () => {
    const payload = fromHex('fde903' + entry(1, 4).repeat(1001));
    expect(countOf('addrv2', payload)).toEqual({ count: 1001, limit: 1000 });
    expect(fault('addrv2', payload)).toMatchObject(RANGE);
    expect(countOf('addrv2', fromHex('fde903' + entry(1, 4)))).toBeUndefined();
  });
});

describe('inventories and locators', () => {
  const many = (count: number, size: number) =>
    fromHex(`fe${toHex(Uint8Array.of(count & 255, count >> 8, count >> 16))}00${zeros(count * size)}`);

  test.each(['inv', 'getdata', 'notfound'] as const)('%s', (command) => {
    const hash = '11'.repeat(32);
    expect(good(command, fromHex(`0101000040${hash}`)).message).toStrictEqual({
      command,
      inventory: [{ type: 0x40000001, hash: fromHex(hash) }],
    });
    expect(fault(command, fromHex(`0101000040${'11'.repeat(31)}`))).toMatchObject({
      ...SHORT,
      path: 'inventory[0].hash',
    });
  });

  test.each(['inv', 'getdata'])('%s: 50,000 vectors', (command) => {
    const excess = fromHex('fd51c3' + zeros(36 * 50_001));
    expect(countOf(command, excess)).toEqual({ count: 50_001, limit: 50_000 });
    expect(fault(command, excess)).toMatchObject(RANGE);
    expect(countOf(command, fromHex('fd50c3' + zeros(36 * 50_000)))).toEqual({
      count: 50_000,
      limit: 50_000,
    });
  });

  test.each(['getheaders', 'getblocks'] as const)('%s: 101 hashes', (command) => {
    const locator = (count: number) =>
      fromHex('80110100' + toHex(Uint8Array.of(count)) + zeros(32 * count) + 'ff'.repeat(32));
    const { message } = good(command, locator(101));
    expect(message).toMatchObject({ version: 70016, hash_stop: fromHex('ff'.repeat(32)) });
    expect(message.locator).toHaveLength(101);
    expect(countOf(command, locator(102))).toEqual({ count: 102, limit: 101 });
    expect(fault(command, locator(102))).toMatchObject({ ...RANGE, path: 'locator', offset: 4 });
    expect(countOf(command, locator(102).subarray(0, -1))).toBeUndefined();
    expect(countOf(command, fromHex('801101'))).toBeUndefined();
  });

  test('headers: checked by the count alone, as in Core', () => {
    expect(countOf('headers', fromHex('fdd107'))).toEqual({ count: 2001, limit: 2000 });
    expect(countOf('headers', many(2000, 0))).toBeUndefined();
  });
});

describe('reject (BIP61)', () => {
  test('with and without a hash', () => {
    const head = '0776657273696f6e 11 086f62736f6c657465';
    expect(good('reject', fromHex(head)).message).toStrictEqual({
      command: 'reject',
      message: new TextEncoder().encode('version'),
      ccode: 0x11,
      reason: new TextEncoder().encode('obsolete'),
    });
    expect(good('reject', fromHex(head + '22'.repeat(32))).message.data).toEqual(fromHex('22'.repeat(32)));
    expect(good('reject', fromHex(head + '2222')).trailing).toHaveLength(2);
  });
});

describe('commands outside the table', () => {
  test('are data', () => {
    const payload = fromHex('0102');
    expect(decodeMessage('xversion', payload)).toEqual({
      ok: true,
      message: { command: 'unknown', name: 'xversion', payload },
      trailing: new Uint8Array(0),
    });
  });
  test.each(['constructor', '__proto__', 'toString', 'unknown', '', 'VERSION', 'sendaddrv2\u001b'])(
    '%j',
    (command) => {
      expect(isKnownCommand(command)).toBe(false);
      expect(factsOf(command)).toBeUndefined();
      expect(countOf(command, fromHex('01'))).toBeUndefined();
      expect(shortIdOf(command)).toBeUndefined();
      const decoded = decodeMessage(command, fromHex('01'));
      expect(decoded).toMatchObject({ ok: true, message: { command: 'unknown' } });
    },
  );
  test('round-trip unchanged', () => {
    const message = { command: 'unknown', name: 'xversion', payload: fromHex('0102') } as const;
    expect(encodeMessage(message)).toEqual(message.payload);
    expect(commandOf(message)).toBe('xversion');
    expect(commandOf({ command: 'verack' })).toBe('verack');
  });
});

describe('encoding', () => {
  test('limits are checked by the receiver only', () => {
    const { message } = good('version', FULL);
    const agent: Message = { ...message, user_agent: new Uint8Array(257) };
    expect(fault('version', encodeMessage(agent))).toMatchObject(RANGE);
    const address = { time: 0, services: zeros(8), ip: new Uint8Array(16), port: 0 };
    const addr: Message = { command: 'addr', addresses: Array<typeof address>(1001).fill(address) };
    expect(countOf('addr', encodeMessage(addr))).toEqual({ count: 1001, limit: 1000 });
  });
  test('a gap in the tail is refused', () => {
    const { addr_from, ...rest } = good('version', FULL).message;
    expect(addr_from).toBeDefined();
    expect(() => encodeMessage(rest)).toThrow('ERR_LOCAL_ARGUMENT');
  });
});
