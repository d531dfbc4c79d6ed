/** For every row of the table: what is encoded comes back, and no bytes at all can make the decoder throw. */
import { describe, expect, test } from '@jest/globals';
import fc, { type Arbitrary } from 'fast-check';
import {
  COMMANDS,
  type Command,
  countOf,
  decodeMessage,
  encodeMessage,
  factsOf,
  type Message,
  type MessageOf,
} from '../src/wire/index.js';

type Fields<C extends Command> = Omit<MessageOf<C>, 'command'>;

const fixed = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const hex64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((n) => n.toString(16).padStart(16, '0'));
const u32 = fc.nat(0xffffffff);
const port = fc.nat(0xffff);
const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const netAddress = fc.record({ services: hex64, ip: fixed(16), port });
const inventory = fc.record({ inventory: fc.array(fc.record({ type: u32, hash: fixed(32) })) });
const locator = fc.record({ version: u32, locator: fc.array(fixed(32)), hash_stop: fixed(32) });
const empty = fc.constant({});
const opaque = fc.record({ payload: fc.uint8Array() });

const lengths = [undefined, 4, 16, undefined, 32, 32, 16];
const entryV2 = fc.record({ time: u32, services: hex64, networkID: fc.nat(255), port }).chain((entry) => {
  const size = lengths[entry.networkID];
  return (size === undefined ? fc.uint8Array({ maxLength: 512 }) : fixed(size)).map((addr) => ({
    ...entry,
    addr,
  }));
});

/** Absent tails: all of a version, or all of it up to one of its ends. */
const version: Arbitrary<Fields<'version'>> = fc
  .tuple(
    fc.record({ version: i32, services: hex64, timestamp: hex64, addr_recv: netAddress }),
    fc.record({ addr_from: netAddress, nonce: hex64 }),
    fc.record({ user_agent: fc.uint8Array({ maxLength: 256 }) }),
    fc.record({ start_height: i32 }),
    fc.record({ relay: fc.boolean() }),
    fc.nat(4),
  )
  .map(
    ([head, from, agent, height, relay, ends]) =>
      Object.assign(head, ...[from, agent, height, relay].slice(0, ends)) as Fields<'version'>,
  );
const nonce = fc.oneof(empty, fc.record({ nonce: hex64 }));

/** Every typed row; the others carry their payload. A new typed row does not compile without its line here. */
type Opaque = { [C in Command]: Fields<C> extends { payload: Uint8Array } ? C : never }[Command];
const typed: { [C in Exclude<Command, Opaque>]: Arbitrary<Fields<C>> } = {
  version,
  verack: empty,
  wtxidrelay: empty,
  sendaddrv2: empty,
  sendheaders: empty,
  getaddr: empty,
  sendtxrcncl: fc.record({ version: u32, salt: hex64 }),
  feature: fc.record({
    featureid: fc.uint8Array({ minLength: 4, maxLength: 80 }),
    featuredata: fc.uint8Array({ maxLength: 512 }),
  }),
  addr: fc.record({ addresses: fc.array(fc.record({ time: u32, services: hex64, ip: fixed(16), port })) }),
  addrv2: fc.record({ addresses: fc.array(entryV2) }),
  ping: nonce,
  pong: nonce,
  sendcmpct: fc.record({ announce: fc.nat(255), version: hex64 }),
  feefilter: fc.record({ feerate: hex64 }),
  reject: fc
    .tuple(
      fc.record({
        message: fc.uint8Array({ maxLength: 12 }),
        ccode: fc.nat(255),
        reason: fc.uint8Array({ maxLength: 111 }),
      }),
      fc.oneof(empty, fc.record({ data: fixed(32) })),
    )
    .map(([head, data]) => ({ ...head, ...data })),
  inv: inventory,
  getdata: inventory,
  notfound: inventory,
  getheaders: locator,
  getblocks: locator,
};

const messageOf = (command: Command): Arbitrary<Message> => {
  const fields = (typed as Partial<Record<Command, Arbitrary<object>>>)[command] ?? opaque;
  return fields.map((value) => ({ command, ...value }) as Message);
};

describe.each(COMMANDS)('%s', (command) => {
  test('round-trip', () => {
    fc.assert(
      fc.property(messageOf(command), (message) => {
        const payload = encodeMessage(message);
        const decoded = decodeMessage(command, payload);
        expect(decoded).toEqual({ ok: true, message, trailing: new Uint8Array(0) });
        if (decoded.ok) expect(encodeMessage(decoded.message)).toEqual(payload);
      }),
    );
  });

  test('trailing bytes are handed back, or are a fault where nothing may follow', () => {
    fc.assert(
      fc.property(messageOf(command), (message) => {
        const payload = encodeMessage(message);
        const decoded = decodeMessage(command, Uint8Array.from([...payload, 0xff]));
        if (factsOf(command)?.strict)
          expect(decoded).toMatchObject({ ok: false, fault: { path: 'trailing' } });
        else if (decoded.ok && 'payload' in decoded.message) expect(decoded.trailing).toHaveLength(0);
        else if (decoded.ok && decoded.message.command !== 'version')
          expect(decoded.trailing).toEqual(Uint8Array.of(0xff));
      }),
      { numRuns: 20 },
    );
  });

  test('random and damaged payloads never throw, and a fault lies inside the payload', () => {
    const damaged = fc
      .tuple(messageOf(command), fc.nat(), fc.nat(255), fc.nat())
      .map(([message, at, byte, cut]) => {
        const payload = encodeMessage(message).slice();
        if (payload.length > 0) payload[at % payload.length] = byte;
        return payload.subarray(0, payload.length - (cut % (payload.length + 1)));
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), (payload) => {
        countOf(command, payload);
        const decoded = decodeMessage(command, payload);
        if (!decoded.ok) expect(decoded.fault.offset).toBeLessThanOrEqual(payload.length);
        else expect(encodeMessage(decoded.message).length).toBeLessThanOrEqual(payload.length);
      }),
    );
  });
});

test('any command with any payload decodes to a value', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (command, payload) => {
      expect(typeof decodeMessage(command, payload).ok).toBe('boolean');
    }),
  );
});
