/** Bitcoin Core's captures: read whatever their bytes are, and compared with what a node of ours sends in its place. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CapturedMessage,
  type CaptureFault,
  type Direction,
  mergedByTime,
  messagesIn,
} from '../src/recording/core-capture.js';
import {
  type CapturedSession,
  type CaptureVerdict,
  compare,
  type CompareOptions,
} from '../src/recording/capture-comparison.js';
import { encodeMessage } from '../src/wire/index.js';
import { nightly } from './support/nightly.js';

type Spoken = Omit<CapturedMessage, 'offset' | 'direction'>;

const NOTHING = new Uint8Array();
const MAX_TIME = Number.MAX_SAFE_INTEGER;

/** As Core writes it. */
function encode(messages: readonly Spoken[]): Buffer {
  return Buffer.concat(
    messages.map(({ at, command, payload }) => {
      const header = Buffer.alloc(24);
      header.writeBigUInt64LE(BigInt(at));
      header.write(command, 8, 'latin1');
      header.writeUInt32LE(payload.length, 20);
      return Buffer.concat([header, payload]);
    }),
  );
}

async function* inPieces(bytes: Uint8Array, piece = bytes.length || 1): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

interface Read {
  readonly messages: Spoken[];
  readonly fault: CaptureFault | undefined;
}

async function read(bytes: Uint8Array, piece?: number): Promise<Read> {
  const messages: Spoken[] = [];
  const reader = messagesIn(inPieces(bytes, piece), 'received');
  for (;;) {
    const { done, value } = await reader.next();
    if (done) return { messages, fault: value };
    messages.push({ at: value.at, command: value.command, payload: Uint8Array.from(value.payload) });
  }
}

interface Pair {
  readonly received: Uint8Array;
  readonly sent: Uint8Array;
}

const sample = (peer: string): Pair => ({
  received: readFileSync(`test/data/message_capture/${peer}/msgs_recv.dat`),
  sent: readFileSync(`test/data/message_capture/${peer}/msgs_sent.dat`),
});
const OUTBOUND = '127.0.0.1_37343';
const INBOUND = '127.0.0.1_50280';
const PEERS = [OUTBOUND, INBOUND];

interface Compared extends CaptureVerdict {
  readonly capturedSessions: readonly CapturedSession[];
}

async function compared({ received, sent }: Pair, options: Partial<CompareOptions> = {}): Promise<Compared> {
  const capturedSessions: CapturedSession[] = [];
  const merged = mergedByTime(messagesIn(inPieces(received), 'received'), messagesIn(inPieces(sent), 'sent'));
  const session = (one: CapturedSession): void => void capturedSessions.push(one);
  const verdict = await compare(merged, { peer: INBOUND, isWhole: true, session, ...options });
  return { ...verdict, capturedSessions };
}

const messagesOf = async (bytes: Uint8Array): Promise<Spoken[]> => (await read(bytes)).messages;

/** A capture of which one direction is changed. */
async function changed(
  peer: string,
  direction: Direction,
  change: (messages: Spoken[]) => readonly Spoken[],
): Promise<Pair> {
  const pair = sample(peer);
  return { ...pair, [direction]: encode(change(await messagesOf(pair[direction]))) };
}

const later = (messages: readonly Spoken[], by: number): Spoken[] =>
  messages.map((message) => ({ ...message, at: message.at + by }));

describe('the reader', () => {
  const message = fc.record({
    at: fc.nat(MAX_TIME),
    command: fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7f }).map((n) => String.fromCharCode(n)),
      maxLength: 12,
    }),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  const some = fc.array(message, { maxLength: 8 });

  test('reads back what was written, however it is split', async () => {
    await fc.assert(
      fc.asyncProperty(some, fc.integer({ min: 1, max: 400 }), async (messages, piece) => {
        expect(await read(encode(messages), piece)).toEqual({ messages, fault: undefined });
      }),
    );
  });

  test('reports where a file was cut off, at any byte', async () => {
    const bytes = readFileSync(`test/data/message_capture/${INBOUND}/msgs_recv.dat`);
    const whole = await messagesOf(bytes);
    const ends = whole.reduce<number[]>(
      (all, { payload }) => [...all, all.at(-1)! + 24 + payload.length],
      [0],
    );
    for (let size = 0; size < bytes.length; size++) {
      const { messages, fault } = await read(bytes.subarray(0, size), 7);
      const count = ends.filter((end) => end > 0 && end <= size).length;
      expect(messages).toEqual(whole.slice(0, count));
      expect(fault).toEqual(
        ends.includes(size) ? undefined : expect.objectContaining({ offset: ends[count], isCut: true }),
      );
    }
  });

  test.each([
    ['a length above the limit', 20, Buffer.from('01093d00', 'hex'), /claims 4000001 bytes/],
    ['the greatest length', 20, Buffer.from('ffffffff', 'hex'), /claims 4294967295 bytes/],
    ['a time that no date has', 0, Buffer.alloc(8, 0xff), /after the year 2255/],
    ['a command that is none', 8, Buffer.from([7]), /no command/],
    ['a command behind its end', 19, Buffer.from('x'), /no command/],
  ])('stops at %s', async (_, at, bytes, why) => {
    const good = { at: 1, command: 'verack', payload: NOTHING };
    const file = encode([good, { at: 2, command: 'ping', payload: Buffer.alloc(8) }]);
    file.set(bytes, 24 + at);
    const { messages, fault } = await read(file);
    expect(messages).toEqual([good]);
    expect(fault).toEqual({
      direction: 'received',
      offset: 24,
      isCut: false,
      why: expect.stringMatching(why),
    });
  });

  test('accepts the greatest length without allocating it', async () => {
    const file = encode([{ at: 1, command: 'block', payload: new Uint8Array(4_000_000) }]);
    expect((await read(file, 65_536)).messages[0]?.payload).toHaveLength(4_000_000);
    const { fault } = await read(file.subarray(0, 30));
    expect(fault).toMatchObject({ isCut: true, why: 'its payload ends after 6 of 4000000 bytes' });
  });

  test('never throws, for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const { messages, fault } = await read(bytes);
        const size = messages.reduce((sum, { payload }) => sum + 24 + payload.length, 0);
        expect(fault?.offset ?? bytes.length).toBe(size);
      }),
    );
  });

  test('merges by time; at equal times received messages come first', async () => {
    const at = (...times: number[]): AsyncGenerator<Uint8Array> =>
      inPieces(encode(times.map((time) => ({ at: time, command: 'x', payload: NOTHING }))));
    const merged = mergedByTime(messagesIn(at(2, 3, 9), 'received'), messagesIn(at(1, 3, 4), 'sent'));
    const order: string[] = [];
    for await (const one of merged) order.push(`${one.direction} ${one.at}`);
    expect(order).toEqual(['sent 1', 'received 2', 'received 3', 'sent 3', 'sent 4', 'received 9']);
  });
});

describe('the comparison', () => {
  test.each([
    [OUTBOUND, false, ['getaddr', 'sendcmpct', 'feefilter']],
    [INBOUND, true, ['sendcmpct', 'feefilter']],
  ])('finds that our node answers like the node of %s', async (peer, inbound, left_out) => {
    const { capturedSessions, ...verdict } = await compared(sample(peer));
    expect(verdict).toEqual({
      sessions: 1,
      messages: 16,
      differing: 0,
      differences: [],
      left_out,
      faults: [],
    });
    expect(capturedSessions).toMatchObject([{ number: 1, inbound, left: 0 }]);
    expect(capturedSessions[0]?.entries.map(({ text }) => text)).toContain(
      'verack: versionReceived → established',
    );
  });

  test.each(['version', 'wtxidrelay', 'sendaddrv2', 'verack', 'pong'])(
    'finds that %s was not sent',
    async (kind) => {
      const pair = await changed(INBOUND, 'sent', (all) => all.filter(({ command }) => command !== kind));
      const { differences } = await compared(pair);
      const [{ captured, ours, after } = { captured: [], ours: [], after: '' }] = differences;
      expect(differences).toHaveLength(1);
      expect(ours).toContain(kind);
      expect(ours.filter((one) => one !== kind)).toEqual(captured);
      expect(after).toBe(kind === 'pong' ? 'ping' : 'version');
    },
  );

  test('finds a different order', async () => {
    const swapped = ([a, b, c, d, ...rest]: Spoken[]) => [
      a!,
      { ...c!, at: b!.at },
      { ...b!, at: c!.at },
      d!,
      ...rest,
    ];
    const { differences } = await compared(await changed(INBOUND, 'sent', swapped));
    expect(differences).toEqual([
      {
        session: 1,
        after: 'version',
        offset: 0,
        captured: ['version', 'sendaddrv2', 'wtxidrelay', 'verack'],
        ours: ['version', 'wtxidrelay', 'sendaddrv2', 'verack'],
      },
    ]);
  });

  test('finds that the recorded node continued where ours ends', async () => {
    const pair = await changed(INBOUND, 'received', ([version, ...rest]) => {
      const payload = Buffer.from(version!.payload);
      payload.writeInt32LE(209);
      return [{ ...version!, payload }, ...rest];
    });
    const { differences } = await compared(pair);
    expect(differences).toMatchObject([
      { after: 'version', captured: ['version'], ours: ['ERR_POLICY_VERSION'] },
    ]);
  });

  test.each(PEERS)('distinguishes the connections of one address and port (%s)', async (peer) => {
    const pair = sample(peer);
    const again = async (bytes: Uint8Array): Promise<Buffer> => {
      const messages = await messagesOf(bytes);
      return encode([...messages, ...later(messages, 60e6)]);
    };
    const twice = { received: await again(pair.received), sent: await again(pair.sent) };
    const { capturedSessions, ...verdict } = await compared(twice);
    expect(verdict).toMatchObject({ sessions: 2, messages: 32, differing: 0 });
    expect(capturedSessions.map(({ inbound, entries }) => [inbound, entries[0]?.at])).toEqual(
      Array(2).fill([peer === INBOUND, 0]),
    );
  });

  test('does not take a second version for another connection', async () => {
    const pair = await changed(INBOUND, 'received', (all) => [...all, ...later(all.slice(0, 1), 1e6)]);
    expect(await compared(pair)).toMatchObject({ sessions: 1, differing: 0 });
  });

  test.each(PEERS)('finds no difference in a truncated capture (%s)', async (peer) => {
    const pair = sample(peer);
    for (const direction of ['received', 'sent'] as const) {
      for (let size = 1; size < pair[direction].length; size += nightly(1, 3)) {
        const verdict = await compared({ ...pair, [direction]: pair[direction].subarray(0, size) });
        // What ends between two messages looks like silence.
        if (verdict.faults.length > 0) expect([size, verdict.differences]).toEqual([size, []]);
      }
    }
  });

  test('does not require an answer that was not yet written', async () => {
    const { sent, received } = await changed(INBOUND, 'received', (all) => all.slice(0, 1));
    const whole = encode((await messagesOf(sent)).slice(0, 4));
    expect(await compared({ received, sent: whole })).toMatchObject({ messages: 5, differing: 0 });
    const verdict = await compared({ received, sent: whole.subarray(0, -3) });
    expect(verdict).toMatchObject({ messages: 4, differing: 0, faults: [{ isCut: true }] });
  });

  /** The node that captured announced another version. */
  const announcing = (peer: string, version: number, left: readonly string[] = []): Promise<Pair> =>
    changed(peer, 'sent', ([own, ...rest]) => {
      const payload = Buffer.from(own!.payload);
      payload.writeInt32LE(version);
      return [{ ...own!, payload }, ...rest.filter(({ command }) => !left.includes(command))];
    });

  test.each(PEERS)('uses the announced version (%s)', async (peer) => {
    const pair = await announcing(peer, 70_015, ['wtxidrelay', 'sendaddrv2']);
    expect(await compared(pair)).toMatchObject({ differing: 0, sessions: 1 });
  });

  test('uses our own version where the announced one is not supported', async () => {
    expect(await compared(await announcing(INBOUND, -1))).toMatchObject({ differing: 0, sessions: 1 });
  });

  test.each([
    ['127.0.0.1_50280', '127.0.0.1:50280'],
    ['[__1]_18444', '[::1]:18444'],
    ['short.onion_8333', '127.0.0.1:8333'],
    ['', '127.0.0.1:8333'],
  ])('calls the peer of %j %s', async (peer, addr) => {
    const addresses = new Set<string>();
    const watch: CompareOptions['watch'] = (node) =>
      node.on('transition', (moved) => addresses.add(moved.addr));
    await compared(sample(INBOUND), { peer, watch });
    expect([...addresses]).toEqual([addr]);
  });

  test('does not end a peer for flooding', async () => {
    const useless = { command: 'feefilter', payload: NOTHING };
    const pair = await changed(INBOUND, 'received', (all) => [
      ...all.slice(0, 4),
      ...Array<Spoken>(1_200).fill({ ...useless, at: all[3]!.at }),
      ...all.slice(4),
    ]);
    expect(await compared(pair)).toMatchObject({ messages: 1_216, differing: 0 });
  });

  test('replays nothing without one direction', async () => {
    const { capturedSessions, ...verdict } = await compared(
      { ...sample(INBOUND), received: NOTHING },
      { isWhole: false },
    );
    expect(verdict).toMatchObject({ sessions: 1, messages: 8, differing: 0 });
    expect(capturedSessions[0]?.entries.every(({ side }) => side === 'tester')).toBe(true);
  });

  test('stops on its signal', async () => {
    expect(await compared(sample(INBOUND), { signal: AbortSignal.abort() })).toMatchObject({ messages: 0 });
  });

  const TWO_MINUTES = 120_020_000;
  const pingOf = (n: number) =>
    encodeMessage({ command: 'ping', nonce: (n + 1).toString(16).padStart(16, '0') });

  /** Some hours, in which it pings and is answered. */
  async function hours(pings: number, pongs = pings): Promise<Pair> {
    const { received, sent } = sample(INBOUND);
    const [theirs, own] = [await messagesOf(received), await messagesOf(sent)];
    const began = own[0]!.at;
    const each = (command: string, count: number, after: number): Spoken[] =>
      Array.from({ length: count }, (_, n) => ({
        at: began + (n + 1) * TWO_MINUTES + after,
        command,
        payload: pingOf(n),
      }));
    return {
      received: encode([...theirs, ...each('pong', pongs, 5_000)]),
      sent: encode([...own, ...each('ping', pings, 0)]),
    };
  }

  test('treats an answered ping of the recorded node as an answer to ours', async () => {
    expect(await compared(await hours(100))).toMatchObject({ differing: 0, messages: 216 });
  });

  test('finds a ping that our node would not send', async () => {
    const { differences } = await compared(await hours(30, 0));
    expect(differences).toEqual([
      {
        session: 1,
        after: 'the whole session',
        offset: -1,
        captured: ['31 × ping'],
        ours: [expect.stringMatching(/^[12] × ping$/)],
      },
    ]);
  });

  test('does not wait for implausible timestamps', async () => {
    const pair = await changed(INBOUND, 'received', (all) => [
      ...all,
      { at: MAX_TIME, command: 'ping', payload: pingOf(0) },
    ]);
    expect((await compared(pair)).differences).toMatchObject([{ captured: [], ours: ['pong'] }]);
  });

  test('keeps 20 differences and 64 kinds, and 400 entries', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => ({
      at: 2e15 + n,
      command: `x${n}`,
      payload: NOTHING,
    }));
    const pings = Array.from({ length: 50 }, (_, n) => ({
      at: 3e15 + n,
      command: 'ping',
      payload: pingOf(n),
    }));
    const { received, sent } = sample(INBOUND);
    const pair = {
      received: encode([...(await messagesOf(received)), ...pings]),
      sent: encode([...(await messagesOf(sent)), ...many]),
    };
    const { differing, differences, left_out, capturedSessions } = await compared(pair);
    expect([differing, differences.length, left_out.length]).toEqual([50, 20, 64]);
    expect([capturedSessions[0]?.entries.length, capturedSessions[0]?.left]).toEqual([
      400,
      16 + 3 + 1_000 + 50 + 50 - 400,
    ]);
  });

  test('keeps 64 kinds of messages per step', async () => {
    const pongs = (all: Spoken[]) => [...all, ...Array<Spoken>(100).fill(all.at(-1)!)];
    const { differences } = await compared(await changed(INBOUND, 'sent', pongs));
    expect(differences.map(({ captured, ours }) => [captured.length, ours])).toEqual([[64, ['pong']]]);
  });

  test('never throws, for any conversation', async () => {
    const spoken = fc.record({
      at: fc.oneof(fc.nat(1e9), fc.nat(MAX_TIME)),
      command: fc.constantFrom('version', 'verack', 'ping', 'pong', 'inv', 'wtxidrelay', ''),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 120 }),
        fc.constant(sample(INBOUND).received.subarray(24, 124)),
      ),
    });
    const side = fc.array(spoken, { maxLength: 12 }).map(encode);
    await fc.assert(
      fc.asyncProperty(side, side, async (received, sent) => {
        const { messages, sessions } = await compared({ received, sent });
        expect(sessions).toBeLessThanOrEqual(messages);
      }),
      { numRuns: 60 },
    );
  });
});
