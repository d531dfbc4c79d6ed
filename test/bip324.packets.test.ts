/** Packets of BIP324: the official vectors, rekeying, and the contents of application packets. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NETWORKS } from '../src/networks.js';
import { COMMANDS, shortIdOf } from '../src/wire/index.js';
import { decodeContents, encodeContents } from '../src/wire/bip324/packet-contents.js';
import { decodeEllswift, sharedSecret, sharedX } from '../src/wire/bip324/ellswift.js';
import { FSChaCha20, FSChaCha20Poly1305, REKEY } from '../src/wire/bip324/fschacha20.js';
import { createV2Key, deriveV2Keys, type DirectionKeys } from '../src/wire/bip324/keys.js';
import { createPacketEncoder } from '../src/wire/bip324/packet-encoder.js';
import { seededRandom } from './support/memory-nodes.js';
import { fromHex, toHex } from './support/hex.js';

const ascii = (text: string) => new TextEncoder().encode(text);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const NOTHING = new Uint8Array(0);

const [head = '', ...lines] = readFileSync('test/data/packet_encoding_test_vectors.csv', 'utf8')
  .trim()
  .split(/\r?\n/);
const names = head.split(',');
type Row = Record<string, string>;
const rows: Row[] = lines.map((line) =>
  Object.fromEntries(line.split(',').map((value, i) => [names[i]!, value])),
);

/** One direction's ciphers, without the rest of a sender: the vectors have an AAD on late packets too. */
class Direction {
  readonly #lengths: FSChaCha20;
  readonly #packets: FSChaCha20Poly1305;
  constructor(keys: DirectionKeys) {
    this.#lengths = new FSChaCha20(keys.lengths);
    this.#packets = new FSChaCha20Poly1305(keys.packets);
  }
  seal(contents: Uint8Array, aad = NOTHING, header = 0): Uint8Array {
    const packet = new Uint8Array(contents.length + 20);
    const { length } = contents;
    const hidden = this.#lengths.crypt(Uint8Array.of(length, length >> 8, length >> 16));
    packet.set([hidden, hidden >> 8, hidden >> 16]);
    this.#packets.seal(aad, [Uint8Array.of(header), contents], packet, 3);
    return packet;
  }
  open(packet: Uint8Array, aad = NOTHING) {
    return { length: this.#lengths.crypt(packet), opened: this.#packets.open(aad, packet.subarray(3)) };
  }
}

describe('vectors of BIP324', () => {
  test('there are 7, across several rekeyings', () => {
    expect(rows.map((row) => row.in_idx)).toEqual(['1', '999', '0', '223', '448', '673', '1024']);
  });

  describe.each(rows)('packet $in_idx, initiating $in_initiating', (row) => {
    const at = (name: string) => row[name]!;
    const [secret, ours, theirs] = ['in_priv_ours', 'in_ellswift_ours', 'in_ellswift_theirs'].map((name) =>
      fromHex(at(name)),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const initiating = at('in_initiating') === '1';
    const keys = deriveV2Keys(
      sharedSecret(secret, ours, theirs, initiating),
      initiating,
      NETWORKS.main.magic,
    );
    const initiator = initiating ? keys.send : keys.receive;
    const responder = initiating ? keys.receive : keys.send;
    const contents = fromHex(at('in_contents').repeat(Number(at('in_multiply'))));
    const aad = fromHex(at('in_aad'));
    const decoy = at('in_ignore') === '1';

    test('x coordinates and shared secret', () => {
      expect(toHex(decodeEllswift(ours))).toBe(at('mid_x_ours'));
      expect(toHex(decodeEllswift(theirs))).toBe(at('mid_x_theirs'));
      expect(toHex(sharedX(secret, theirs))).toBe(at('mid_x_shared'));
      expect(toHex(sharedSecret(secret, ours, theirs, initiating))).toBe(at('mid_shared_secret'));
    });
    test('keys, terminators, session id', () => {
      expect(toHex(initiator.lengths)).toBe(at('mid_initiator_l'));
      expect(toHex(initiator.packets)).toBe(at('mid_initiator_p'));
      expect(toHex(responder.lengths)).toBe(at('mid_responder_l'));
      expect(toHex(responder.packets)).toBe(at('mid_responder_p'));
      expect(toHex(keys.send.terminator)).toBe(at('mid_send_garbage_terminator'));
      expect(toHex(keys.receive.terminator)).toBe(at('mid_recv_garbage_terminator'));
      expect(toHex(keys.sessionId)).toBe(at('out_session_id'));
    });
    test('the packet, encoded and decoded', () => {
      const [sending, receiving] = [new Direction(keys.send), new Direction(keys.send)];
      for (let i = 0; i < Number(at('in_idx')); i++) {
        const { length, opened } = receiving.open(sending.seal(NOTHING));
        expect(length === 0 && opened?.length === 1).toBe(true);
      }
      const packet = sending.seal(contents, aad, decoy ? 0x80 : 0);
      if (at('out_ciphertext') !== '') expect(toHex(packet)).toBe(at('out_ciphertext'));
      expect(toHex(packet).endsWith(at('out_ciphertext_endswith'))).toBe(true);
      const { length, opened } = receiving.open(packet, aad);
      expect(length).toBe(contents.length);
      expect(toHex(opened) === toHex(join(Uint8Array.of(decoy ? 0x80 : 0), contents))).toBe(true);
    });
  });
});

describe('keys', () => {
  const { magic } = NETWORKS.regtest;

  test('both sides derive the same keys, and only on the same network', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (one, other) => {
        const [a, b] = [createV2Key(seededRandom(one)), createV2Key(seededRandom(other + 2 ** 31 + 7))];
        const [ours, theirs] = [a.agree(b.ellswift, true, magic), b.agree(a.ellswift, false, magic)];
        expect(toHex(ours.sessionId)).toBe(toHex(theirs.sessionId));
        expect(ours.send).toEqual(theirs.receive);
        expect(ours.receive).toEqual(theirs.send);
        expect(ours.send).not.toEqual(ours.receive);
        const strange = b.agree(a.ellswift, false, NETWORKS.main.magic);
        expect(toHex(strange.sessionId)).not.toBe(toHex(ours.sessionId));
        expect(toHex(strange.receive.terminator)).not.toBe(toHex(ours.send.terminator));
      }),
      { numRuns: 50 },
    );
  });
  test('two ends that both dial do not agree', () => {
    const [a, b] = [createV2Key(seededRandom(1)), createV2Key(seededRandom(2))];
    const [ours, theirs] = [a.agree(b.ellswift, true, magic), b.agree(a.ellswift, true, magic)];
    expect(toHex(ours.sessionId)).not.toBe(toHex(theirs.sessionId));
  });
  test('are cleared by wipe; the session id stays', () => {
    const key = createV2Key(seededRandom(1));
    const keys = key.agree(key.ellswift, true, magic);
    const { send, receive } = keys;
    keys.wipe();
    for (const secret of [send.lengths, send.packets, receive.lengths, receive.packets]) {
      expect(toHex(secret)).toBe('00'.repeat(32));
    }
    expect(toHex(keys.sessionId)).not.toBe('00'.repeat(32));
    key.wipe();
    expect(() => key.agree(key.ellswift, true, magic)).toThrow('ERR_LOCAL_ARGUMENT');
  });
  test('the bytes drawn for the private key are cleared', () => {
    const drawn: Uint8Array[] = [];
    const random = seededRandom(9);
    createV2Key((size) => {
      drawn.push(random(size));
      return drawn.at(-1)!;
    });
    expect(toHex(drawn[0])).toBe('00'.repeat(32));
    expect(toHex(drawn[1])).not.toBe('00'.repeat(33));
  });
  test('a draw that is not a valid key is repeated', () => {
    const random = seededRandom(4);
    let first = true;
    const key = createV2Key((size) => {
      const drawn = first ? new Uint8Array(size).fill(0xff) : random(size);
      first = false;
      return drawn;
    });
    expect(key.ellswift.length).toBe(64);
  });
});

describe('forward secrecy', () => {
  const key = new Uint8Array(32).fill(7);

  test('equal plaintexts have different ciphertexts, and both ends stay synchronised over five rekeyings', () => {
    const [a, b] = [new FSChaCha20Poly1305(key), new FSChaCha20Poly1305(key)];
    const seen = new Set<string>();
    for (let i = 0; i < 5 * REKEY + 3; i++) {
      const sealed = new Uint8Array(17);
      a.seal(NOTHING, [Uint8Array.of(1), NOTHING], sealed, 0);
      seen.add(toHex(sealed));
      expect(b.open(NOTHING, sealed)).toEqual(Uint8Array.of(1));
    }
    expect(seen.size).toBe(5 * REKEY + 3);
  });
  test.each([223, 224, 225, 448])('one packet skipped before number %i is detected', (index) => {
    const [a, b] = [new FSChaCha20Poly1305(key), new FSChaCha20Poly1305(key)];
    const sealed = new Uint8Array(17);
    for (let i = 0; i <= index; i++) {
      a.seal(NOTHING, [Uint8Array.of(1), NOTHING], sealed, 0);
      if (i < index - 1) b.open(NOTHING, sealed);
    }
    expect(b.open(NOTHING, sealed)).toBeUndefined();
  });
  test('lengths are decrypted over five rekeyings', () => {
    const [a, b] = [new FSChaCha20(key), new FSChaCha20(key)];
    for (let i = 0; i < 5 * REKEY + 3; i++) {
      const hidden = a.crypt(Uint8Array.of(i, i >> 8, 0x5a));
      const plain = b.crypt(Uint8Array.of(hidden, hidden >> 8, hidden >> 16));
      expect(plain).toBe(i | 0x5a0000);
    }
  });
  test('the given key is neither changed nor used afterwards', () => {
    const mine = key.slice();
    const cipher = new FSChaCha20Poly1305(mine);
    const sealed = new Uint8Array(17);
    cipher.wipe();
    expect(mine).toEqual(key);
    const other = new FSChaCha20Poly1305(mine);
    mine.fill(0);
    other.seal(NOTHING, [Uint8Array.of(1), NOTHING], sealed, 0);
    expect(new FSChaCha20Poly1305(key).open(NOTHING, sealed)).toEqual(Uint8Array.of(1));
    expect(new FSChaCha20Poly1305(new Uint8Array(32)).open(NOTHING, sealed)).toBeUndefined();
  });
});

describe('a sender', () => {
  const keys = deriveV2Keys(new Uint8Array(32), true, NETWORKS.main.magic).send;

  test('makes the packets of the ciphers: garbage authenticated once, decoys marked', () => {
    const garbage = fromHex('0102');
    const sender = createPacketEncoder(keys, garbage);
    const direction = new Direction(keys);
    garbage.fill(0);
    expect(sender.terminator).toEqual(keys.terminator);
    expect(toHex(sender.decoy(5))).toBe(toHex(direction.seal(new Uint8Array(5), fromHex('0102'), 0x80)));
    expect(toHex(sender.version())).toBe(toHex(direction.seal(NOTHING)));
    expect(toHex(sender.message('ping', fromHex('aa')))).toBe(toHex(direction.seal(fromHex('12aa'))));
    expect(toHex(sender.packet(fromHex('ff'), 0x7f))).toBe(
      toHex(direction.seal(fromHex('ff'), NOTHING, 0x7f)),
    );
  });
  test('makes nothing once wiped, and nothing too long', () => {
    const sender = createPacketEncoder(keys, NOTHING);
    const refusal = (expected: string) =>
      expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts: { expected } });
    expect(() => sender.packet(new Uint8Array(2 ** 24))).toThrow(refusal('contents of less than 2^24 bytes'));
    sender.wipe();
    expect(() => sender.version()).toThrow(refusal('an encoder whose keys have not been wiped'));
  });
});

describe('contents', () => {
  /** BIP324's table and BIP434's `feature`, written out once more. */
  const ids =
    `addr block blocktxn cmpctblock feefilter filteradd filterclear filterload getblocks getblocktxn getdata
    getheaders headers inv mempool merkleblock notfound ping pong sendcmpct tx getcfilters cfilter getcfheaders
    cfheaders getcfcheckpt cfcheckpt addrv2`.split(/\s+/);
  const short = new Map([...ids.map((name, i) => [name, i + 1] as const), ['feature', 37] as const]);

  test.each([...short])('%s is %i, and may come with its name as well', (command, id) => {
    expect(toHex(encodeContents(command, fromHex('cc')))).toBe(`${toHex(Uint8Array.of(id))}cc`);
    for (const long of [false, true]) {
      const contents = encodeContents(command, fromHex('cc'), long);
      expect(decodeContents(contents)).toEqual({ valid: true, command, payload: fromHex('cc') });
    }
  });
  test('every other command of the table has no short id and travels with its name', () => {
    const others = COMMANDS.filter((command) => !short.has(command));
    expect(others).toEqual(
      expect.arrayContaining(['version', 'verack', 'getaddr', 'wtxidrelay', 'sendaddrv2']),
    );
    for (const command of others) {
      expect(shortIdOf(command)).toBeUndefined();
      const contents = encodeContents(command, fromHex('cc'));
      expect(toHex(contents)).toBe(`00${toHex(ascii(command)).padEnd(24, '0')}cc`);
      expect(decodeContents(contents)).toEqual({ valid: true, command, payload: fromHex('cc') });
    }
  });
  test('unassigned ids', () => {
    const free = Array.from({ length: 255 }, (_, i) => i + 1).filter(
      (id) => ![...short.values()].includes(id),
    );
    expect(free.length).toBe(255 - 29);
    for (const id of free) {
      expect(decodeContents(Uint8Array.of(id, 1, 2))).toEqual({ valid: false, command: `#${id}` });
    }
  });
  test.each([
    ['DEL, which v1 refuses', '61'.repeat(11) + '7f', true, 'a'.repeat(11) + '\x7f'],
    ['12 characters', toHex(ascii('abcdefghijkl')), true, 'abcdefghijkl'],
    ['no character at all', '00'.repeat(12), true, ''],
    ['an unknown name', toHex(ascii('hello')).padEnd(24, '0'), true, 'hello'],
    ['a high byte', '80'.padEnd(24, '0'), false, '?'],
    ['a control character', '6107'.padEnd(24, '0'), false, 'a?'],
    ['something behind the end', '610061'.padEnd(24, '0'), false, 'a?a'],
    ['a name cut short', toHex(ascii('verack')).padEnd(22, '0'), false, 'verack'],
    ['no name', '', false, ''],
  ])('long form with %s', (_what, field, valid, command) => {
    const whole = { valid: true, command, payload: NOTHING };
    expect(decodeContents(fromHex(`00${field}`))).toEqual(valid ? whole : { valid: false, command });
  });
  test('an empty packet has no message', () => {
    expect(decodeContents(NOTHING)).toEqual({ valid: false, command: '' });
  });
  test('a command that does not fit is refused', () => {
    expect(() => encodeContents('thirteenchars', NOTHING)).toThrow('ERR_LOCAL_ARGUMENT');
  });
});
