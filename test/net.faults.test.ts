/** What leaves a misbehaving link, byte for byte, over memory and a virtual clock. */
import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { FAULT_NAMES, FAULTS, parseFault, withFault } from '../src/net/faults/faults.js';
import type { Link, LinkHandler } from '../src/net/link.js';
import { linkPair, type MemoryLink } from '../src/net/memory.js';
import { type LinkCode, REASONS, VerackError } from '../src/reasons.js';
import { VirtualClock } from '../src/net/virtual-clock.js';

const MAIN = 'f9beb4d9';
const REGTEST = 'fabfb5da';

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function frame(command: string, payload: Buffer = Buffer.alloc(0), magic = MAIN): Buffer {
  const header = Buffer.alloc(24);
  header.write(magic, 'hex');
  header.write(command, 4, 'latin1');
  header.writeUInt32LE(payload.length, 16);
  sha256(sha256(payload)).copy(header, 20, 0, 4);
  return Buffer.concat([header, payload]);
}

function versionPayload({ version = 70016, nonce = '1122334455667788' } = {}): Buffer {
  const payload = Buffer.alloc(102, 0xee);
  payload.writeInt32LE(version);
  Buffer.from(nonce, 'hex').reverse().copy(payload, 72);
  return payload;
}

const VERSION = frame('version', versionPayload());
const VERACK = frame('verack');
const PING = frame('ping', Buffer.alloc(8, 5));

class ReceivedBytes implements LinkHandler {
  readonly chunks: string[] = [];
  readonly ends: LinkCode[] = [];
  drains = 0;

  data(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk).toString('hex'));
  }

  closed(code: LinkCode): void {
    this.ends.push(code);
  }

  drained(): void {
    this.drains += 1;
  }

  get bytes(): string {
    return this.chunks.join('');
  }
}

interface FaultyPair {
  clock: VirtualClock;
  faulty: Link;
  healthy: MemoryLink;
  atFaulty: ReceivedBytes;
  atHealthy: ReceivedBytes;
}

function faultyPair(fault: string): FaultyPair {
  const clock = new VirtualClock();
  const [inner, healthy] = linkPair({ timers: clock });
  const faulty = withFault(inner, parseFault(fault), clock);
  const [atFaulty, atHealthy] = [new ReceivedBytes(), new ReceivedBytes()];
  faulty.attach(atFaulty);
  healthy.attach(atHealthy);
  return { clock, faulty, healthy, atFaulty, atHealthy };
}

/** A dialler's handshake, and a ping after it. */
function sendHandshake({ faulty, clock }: FaultyPair): void {
  faulty.write([VERSION]);
  clock.advance(1);
  faulty.write([VERACK, PING]);
  clock.advance(10_000);
}

const hex = (...frames: Buffer[]) => Buffer.concat(frames).toString('hex');

function altered(original: Buffer, at: number, bytes: number[]): Buffer {
  const copy = Buffer.from(original);
  copy.set(bytes, at);
  return copy;
}

describe('frames', () => {
  test.each<[string, string]>([
    ['checksum', hex(VERSION, altered(VERACK, 20, [0x5d ^ 0xff, 0xf6, 0xe0, 0xe2]), PING)],
    ['magic', hex(frame('version', versionPayload(), REGTEST), VERACK, PING)],
    ['oversize', hex(altered(VERSION, 16, [0x40, 0x4b, 0x4c, 0x00]), VERACK, PING)],
    ['truncate', hex(VERSION.subarray(0, 24 + 51))],
    ['silent', ''],
    ['no-verack', hex(VERSION, PING)],
    ['double-version', hex(VERSION, VERSION, VERACK, PING)],
    ['verack-first', hex(VERACK, VERSION, VERACK, PING)],
    ['late-wtxidrelay', hex(VERSION, VERACK, frame('wtxidrelay'), PING)],
    ['obsolete', hex(frame('version', versionPayload({ version: 209 })), VERACK, PING)],
    [
      'self-nonce=00c0ffee00c0ffee',
      hex(frame('version', versionPayload({ nonce: '00c0ffee00c0ffee' })), VERACK, PING),
    ],
    ['self-nonce', hex(VERSION, VERACK, PING)],
    ['hang-up', hex(VERSION)],
    ['split=7', hex(VERSION, VERACK, PING)],
    ['slow=500', hex(VERSION, VERACK, PING)],
  ])('%s', (fault, expected) => {
    const played = faultyPair(fault);
    sendHandshake(played);
    expect(played.atHealthy.bytes).toBe(expected);
    expect(played.clock.armed).toBe(0);
  });

  test('every fault is in the list above, and what it leads to is in the table of reasons', () => {
    expect(FAULT_NAMES).toHaveLength(14);
    for (const { expect: outcome } of Object.values(FAULTS)) {
      expect(outcome === 'established' || outcome in REASONS).toBe(true);
    }
  });

  test('the given frames are not modified', () => {
    const before = hex(VERSION, VERACK);
    for (const name of ['checksum', 'magic', 'oversize', 'obsolete', 'self-nonce=00c0ffee00c0ffee']) {
      sendHandshake(faultyPair(name));
      expect(hex(VERSION, VERACK)).toBe(before);
    }
  });

  test('a foreign magic is foreign on regtest too', () => {
    const { faulty, clock, atHealthy } = faultyPair('magic');
    faulty.write([frame('version', versionPayload(), REGTEST)]);
    clock.advance(0);
    expect(atHealthy.bytes).toBe(hex(VERSION));
  });

  test('the changed frames are one write, and reading continues', () => {
    const { faulty, healthy, clock, atFaulty, atHealthy } = faultyPair('double-version');
    faulty.write([VERSION, VERACK]);
    healthy.write([PING]);
    clock.advance(0);
    expect(atHealthy.chunks).toHaveLength(1);
    expect(atFaulty.bytes).toBe(hex(PING));
  });

  test('bytes that are not a frame pass unchanged', () => {
    for (const name of FAULT_NAMES.filter((fault) => fault !== 'split' && fault !== 'slow')) {
      const { faulty, clock, atHealthy } = faultyPair(name);
      faulty.write([Buffer.from('short')]);
      clock.advance(0);
      expect(atHealthy.bytes).toBe(name === 'silent' ? '' : Buffer.from('short').toString('hex'));
    }
  });
});

describe('self-nonce', () => {
  const theirs = frame('version', versionPayload({ nonce: 'a1b2c3d4e5f60718' }));
  const echoed = frame('version', versionPayload({ nonce: 'a1b2c3d4e5f60718' }));

  test.each([1, 50, 103, 104, 200])('repeats the received nonce, for chunks of %d bytes', (size) => {
    const { faulty, healthy, clock, atHealthy } = faultyPair('self-nonce');
    for (let at = 0; at < theirs.length; at += size) healthy.write([theirs.subarray(at, at + size)]);
    clock.advance(0);
    faulty.write([VERSION]);
    clock.advance(0);
    expect(atHealthy.bytes).toBe(hex(echoed));
  });

  test('does not take a nonce from another message, nor from half a version', () => {
    for (const came of [frame('other', versionPayload()), theirs.subarray(0, 103)]) {
      const { faulty, healthy, clock, atHealthy } = faultyPair('self-nonce');
      healthy.write([came]);
      clock.advance(0);
      faulty.write([frame('version', versionPayload({ nonce: '0000000000000001' }))]);
      clock.advance(0);
      expect(atHealthy.bytes).toBe(hex(frame('version', versionPayload({ nonce: '0000000000000001' }))));
    }
  });
});

describe('hang-up', () => {
  test('ends both sides, and frames after the version do not leave', () => {
    const { faulty, clock, atHealthy, atFaulty } = faultyPair('hang-up');
    faulty.write([VERSION, VERACK]);
    expect(atFaulty.ends).toEqual([]);
    clock.advance(0);
    expect(atHealthy.bytes).toBe(hex(VERSION));
    expect([atHealthy.ends, atFaulty.ends]).toEqual([['ERR_LINK_EOF'], ['ERR_LINK_EOF']]);
  });

  test.each(['end', 'destroy'] as const)('after %s the owner gets no event', (how) => {
    const { faulty, clock, atFaulty } = faultyPair('hang-up');
    faulty.write([VERSION]);
    faulty[how]();
    clock.advance(0);
    expect(atFaulty.ends).toEqual([]);
    expect(clock.armed).toBe(0);
  });

  test('an owner that attaches after destroy gets no event', () => {
    const clock = new VirtualClock();
    const [inner] = linkPair({ timers: clock });
    const faulty = withFault(inner, parseFault('hang-up'), clock);
    faulty.write([VERSION]);
    faulty.destroy();
    const ear = new ReceivedBytes();
    faulty.attach(ear);
    clock.advance(0);
    expect(ear.ends).toEqual([]);
  });

  test('an owner that attaches after writing gets the end too', () => {
    const clock = new VirtualClock();
    const [inner] = linkPair({ timers: clock });
    const faulty = withFault(inner, parseFault('hang-up'), clock);
    faulty.write([VERSION]);
    const ear = new ReceivedBytes();
    faulty.attach(ear);
    clock.advance(0);
    expect(ear.ends).toEqual(['ERR_LINK_EOF']);
  });
});

describe('delays and splitting', () => {
  test('split=10 writes ten bytes at a time, each in a turn of its own, and end waits', () => {
    const { faulty, clock, atHealthy, atFaulty } = faultyPair('split=10');
    faulty.write([VERACK, PING]);
    faulty.write([VERACK]);
    faulty.end();
    expect([faulty.pending, atHealthy.bytes]).toEqual([24 + 32 + 24, '']);
    clock.advance(0);
    expect(atHealthy.chunks.map((chunk) => chunk.length / 2)).toEqual([10, 10, 10, 10, 10, 6, 10, 10, 4]);
    expect(atHealthy.bytes).toBe(hex(VERACK, PING, VERACK));
    expect([atHealthy.ends, atFaulty.drains, faulty.pending]).toEqual([['ERR_LINK_EOF'], 0, 0]);
    expect(clock.armed).toBe(0);
  });

  test('split=1 is every byte for itself', () => {
    const { faulty, clock, atHealthy } = faultyPair('split=1');
    faulty.write([VERACK]);
    clock.advance(0);
    expect(atHealthy.chunks).toHaveLength(24);
  });

  test('slow=100 keeps each write whole and 100 ms late, in order', () => {
    const { faulty, clock, atHealthy, atFaulty } = faultyPair('slow=100');
    faulty.write([VERSION]);
    clock.advance(50);
    faulty.write([VERACK, PING]);
    expect(faulty.pending).toBe(VERSION.length + VERACK.length + PING.length);
    clock.advance(49);
    expect(atHealthy.chunks).toEqual([]);
    clock.advance(1);
    expect(atHealthy.chunks).toEqual([hex(VERSION)]);
    expect(atFaulty.drains).toBe(0);
    clock.advance(50);
    expect(atHealthy.chunks).toEqual([hex(VERSION), hex(VERACK, PING)]);
    expect([atFaulty.drains, faulty.pending]).toEqual([1, 0]);
  });

  test('slow: end waits for what is held, and nothing is taken after it', () => {
    const { faulty, healthy, clock, atHealthy, atFaulty } = faultyPair('slow=100');
    faulty.write([VERACK]);
    faulty.end();
    faulty.write([PING]);
    healthy.write([PING]);
    clock.advance(99);
    expect(atHealthy.ends).toEqual([]);
    clock.advance(1);
    expect([atHealthy.bytes, atHealthy.ends]).toEqual([hex(VERACK), ['ERR_LINK_EOF']]);
    expect([atFaulty.bytes, atFaulty.ends, atFaulty.drains]).toEqual(['', [], 0]);
    expect(clock.armed).toBe(0);
  });

  test('drained waits for what is held as well as for what is under way', () => {
    const { faulty, healthy, clock, atFaulty } = faultyPair('slow=100');
    healthy.pause();
    faulty.write([VERSION]);
    clock.advance(50);
    faulty.write([PING]);
    clock.advance(50);
    expect(faulty.pending).toBe(VERSION.length + PING.length);
    healthy.resume();
    clock.advance(0);
    expect([faulty.pending, atFaulty.drains]).toEqual([PING.length, 0]);
    clock.advance(50);
    expect([faulty.pending, atFaulty.drains]).toEqual([0, 1]);
  });

  test('slow: an end of the other side is not reported while our end waits', () => {
    const { faulty, healthy, clock, atFaulty } = faultyPair('slow=100');
    faulty.write([PING]);
    faulty.end();
    healthy.end();
    clock.advance(1_000);
    expect([atFaulty.ends, clock.armed]).toEqual([[], 0]);
  });

  test.each(['split=3', 'slow=100'])('%s: destroy forgets what is held and its timers', (fault) => {
    const { faulty, clock, atHealthy } = faultyPair(fault);
    faulty.write([VERSION]);
    faulty.write([PING]);
    faulty.destroy();
    expect([clock.armed, faulty.pending]).toEqual([1, 0]);
    clock.advance(1_000);
    expect([atHealthy.bytes, atHealthy.ends]).toEqual(['', ['ERR_LINK_EOF']]);
  });

  test.each(['split=3', 'slow=100'])('%s: when the other side ends, so do the timers', (fault) => {
    const { faulty, healthy, clock, atFaulty } = faultyPair(fault);
    healthy.end();
    faulty.write([VERSION]);
    faulty.write([PING]);
    clock.advance(0);
    expect([atFaulty.ends, clock.armed, faulty.pending]).toEqual([['ERR_LINK_EOF'], 0, 0]);
  });

  test('faults combine: delays apply last', () => {
    const clock = new VirtualClock();
    const [inner, healthy] = linkPair({ timers: clock });
    const faulty = withFault(withFault(inner, parseFault('split=5'), clock), parseFault('no-verack'), clock);
    const ear = new ReceivedBytes();
    healthy.attach(ear);
    faulty.write([VERSION, VERACK, PING]);
    clock.advance(0);
    expect(ear.bytes).toBe(hex(VERSION, PING));
    expect(ear.chunks[0]).toHaveLength(10);
  });
});

describe('parseFault', () => {
  test.each([
    ['silent', { name: 'silent', value: '' }],
    ['split=1', { name: 'split', value: '1' }],
    ['slow=0', { name: 'slow', value: '0' }],
    ['self-nonce', { name: 'self-nonce', value: '' }],
    ['self-nonce=00112233AABBCCDD', { name: 'self-nonce', value: '00112233AABBCCDD' }],
  ])('%s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });

  test.each([
    ['cheksum', 'did you mean "checksum"?'],
    ['Silent', 'did you mean "silent"?'],
    ['late-wtxid-relay', 'did you mean "late-wtxidrelay"?'],
    ['zebra', 'no such fault: the faults are checksum, magic'],
    ['', 'split=N, slow=MS'],
    ['toString', 'no such fault'],
    ['silent=1', 'silent takes no value: write silent'],
    ['silent=', 'silent takes no value'],
    ['split', 'split needs a number of bytes, 1 or more: write split=N'],
    ['split=0', 'split needs'],
    ['split=1.5', 'split needs'],
    ['split=-1', 'split needs'],
    ['slow=2147483648', 'slow needs a number of milliseconds'],
    ['slow=1s', 'slow needs'],
    ['self-nonce=12', 'self-nonce takes 16 hex digits: write self-nonce[=HEX16]'],
    ['self-nonce=', 'self-nonce takes 16 hex digits'],
  ])('%j is refused: %s', (text, why) => {
    try {
      parseFault(text);
    } catch (error) {
      expect(error).toBeInstanceOf(VerackError);
      expect(error).toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts: { value: text } });
      expect((error as VerackError).facts.why).toContain(why);
      return;
    }
    throw new Error('was accepted');
  });
});
