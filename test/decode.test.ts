/** Annotated bytes: each byte belongs to one field, and the verdict is that of Core. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { annotationLines } from '../src/cli/hex-dump.js';
import { NETWORKS } from '../src/networks.js';
import { annotateFrames, annotatePayload, type Annotation, looksFramed } from '../src/decode/annotate.js';
import { COMMANDS, encodeFrame, encodeMessage } from '../src/wire/index.js';
import { fromHex } from './support/hex.js';

const { main, regtest } = NETWORKS;
const frame = (command: string, hex = '', magic = main.magic): Uint8Array =>
  encodeFrame(magic, command, fromHex(hex));
const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const codes = (annotations: readonly Annotation[]): string[][] =>
  annotations.map(({ verdicts }) => verdicts.map(({ code }) => code));
const values = ({ fields }: Annotation): Record<string, string> =>
  Object.fromEntries(fields.map(({ name, value }) => [name, value]));

/** The payload of a version message in which every field has a different value. */
const VERSION =
  '80110100 0904000000000000 00e1f50500000000' +
  '0100000000000000 00000000000000000000ffff0a000001 208d' +
  '0000000000000000 00000000000000000000000000000000 0000' +
  'efcdab8967452301 0f 2f5361746f7368693a32372e302e302f 20a10700 01';

describe('a payload', () => {
  test('has a name and a meaning for every field', () => {
    expect(values(annotatePayload('version', fromHex(VERSION.replace(/0f 2f/, '10 2f'))))).toEqual({
      version: '70016',
      services: '1033 (NETWORK, WITNESS, NETWORK_LIMITED)',
      timestamp: '100000000 (1973-03-03T09:46:40Z)',
      'addr_recv.services': '1 (NETWORK)',
      'addr_recv.ip': '10.0.0.1',
      'addr_recv.port': '8333',
      'addr_from.services': '0 (none)',
      'addr_from.ip': '::',
      'addr_from.port': '0',
      nonce: '0123456789abcdef',
      'user_agent.length': '16',
      user_agent: '"/Satoshi:27.0.0/"',
      start_height: '500000',
      relay: 'true',
    });
  });

  test('may hold lists of addresses of any network', () => {
    const entry = '00e1f505 09 04 20 79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f 208d';
    const { fields, ok } = annotatePayload('addrv2', fromHex(`01 ${entry}`));
    expect(ok).toBe(true);
    expect(fields.map(({ name, value }) => [name, value])).toEqual([
      ['addresses.count', '1'],
      ['addresses[0].time', '100000000 (1973-03-03T09:46:40Z)'],
      ['addresses[0].services', '9 (NETWORK, WITNESS)'],
      ['addresses[0].networkID', '4 (torv3)'],
      ['addresses[0].addr.length', '32'],
      [
        'addresses[0].addr',
        expect.stringMatching(/^pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd\.onion$/),
      ],
      ['addresses[0].port', '8333'],
    ]);
  });

  test('of an inventory names types and shows hashes in display byte order', () => {
    const { fields } = annotatePayload(
      'inv',
      fromHex(`02 01000040 ${'00'.repeat(31)}ab 07000000 ${'11'.repeat(32)}`),
    );
    expect(fields.map(({ value }) => value)).toEqual([
      '2',
      '1073741825 (transaction with witness)',
      `ab${'00'.repeat(31)}`,
      '7 (unknown)',
      '11'.repeat(32),
    ]);
  });

  test.each<[command: string, hex: string, code: string, says: RegExp]>([
    [
      'version',
      '80110100',
      'ERR_CODEC_SHORT',
      /services \(payload byte 4\) is incomplete.*Core drops this message and keeps/,
    ],
    ['version', VERSION.replace(/0f 2f.*/, 'fd0f00'), 'ERR_CODEC_NONMINIMAL', /user_agent.*Core drops/],
    ['feature', '03 616263 00', 'ERR_CODEC_RANGE', /featureid.*Core closes/],
    [
      'addr',
      `fde903${'00'.repeat(30 * 1001)}`,
      'ERR_PROTO_LIMIT',
      /1001 entries, and the limit is 1000; Core closes/,
    ],
    ['ping', '010203040506070809', 'TRAILING', /1 byte after the last field; Core ignores them/],
    ['hello', '00', 'UNKNOWN_COMMAND', /Core ignores/],
  ])('%s %s: %s', (command, hex, code, says) => {
    const annotation = annotatePayload(command, fromHex(hex));
    expect(annotation.verdicts).toEqual([{ code, says: expect.stringMatching(says) }]);
    expect(annotation.ok).toBe(!code.startsWith('ERR_'));
  });
});

describe('frames', () => {
  test('of any network follow each other', () => {
    const annotations = annotateFrames(
      joined(frame('verack'), frame('ping', '0102030405060708', regtest.magic)),
    );
    expect(annotations).toMatchObject([
      { command: 'verack', network: 'main', offset: 0, size: 24, ok: true },
      { command: 'ping', network: 'regtest', offset: 24, size: 32, ok: true },
    ]);
  });

  const broken = (at: number, value: number): Uint8Array => {
    const copy = frame('ping', '0102030405060708').slice();
    copy[at] = value;
    return copy;
  };

  test.each<[name: string, input: Uint8Array, codes: string[][]]>([
    ['a wrong checksum', broken(24, 0xff), [['ERR_FRAME_CHECKSUM']]],
    ['an invalid command', broken(5, 0x1b), [['ERR_FRAME_COMMAND']]],
    ['a claim of too much', broken(19, 0xff), [['ERR_FRAME_OVERSIZE']]],
    ['an unfinished payload', frame('ping', '0102030405060708').subarray(0, 30), [['INCOMPLETE']]],
    ['an unfinished header', joined(frame('verack'), fromHex('f9be')), [[], ['INCOMPLETE']]],
    ['a bad payload', frame('sendcmpct', '00'), [['ERR_CODEC_SHORT']]],
  ])('%s', (_, input, expected) => {
    const annotations = annotateFrames(input);
    expect(codes(annotations)).toEqual(expected);
    expect(annotations.at(-1)!.ok).toBe(false);
  });

  test('are distinguished from payloads', () => {
    expect(looksFramed(frame('verack'))).toBe(true);
    expect(looksFramed(fromHex('fabfb5da'))).toBe(true);
    expect(looksFramed(frame('verack', '', fromHex('01020304')))).toBe(true);
    expect(looksFramed(fromHex('0102030405060708'))).toBe(false);
    expect(looksFramed(fromHex('00'.repeat(24)))).toBe(false);
  });

  test('are printed as in this sample', () => {
    const input = joined(
      frame('sendcmpct', '000200000000000000', regtest.magic),
      frame('tx', '00'.repeat(100)),
    );
    const lines = annotateFrames(input).flatMap((annotation) =>
      annotationLines(annotation, (_, text) => text),
    );
    expect(lines).toEqual([
      'sendcmpct, regtest, 33 bytes at 0: good',
      '       0  fa bf b5 da                                      magic     regtest',
      '       4  73 65 6e 64 63 6d 70 63 74 00 00 00              command   sendcmpct',
      '      16  09 00 00 00                                      length    9',
      '      20  e9 2f 5e f8                                      checksum  correct',
      '      24  00                                               announce  0',
      '      25  02 00 00 00 00 00 00 00                          version   2',
      'tx, main, 124 bytes at 33: good',
      '      33  f9 be b4 d9                                      magic     main',
      '      37  74 78 00 00 00 00 00 00 00 00 00 00              command   tx',
      '      49  64 00 00 00                                      length    100',
      '      53  71 81 6d f1                                      checksum  correct',
      '      57  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  payload',
      '      73  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
      '      89  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
      '          … 52 more bytes',
    ]);
  });
});

describe('any bytes', () => {
  /** The hex of all fields, one after the other, is the hex of the input. */
  const covered = (annotations: readonly Annotation[]): string =>
    annotations.flatMap(({ fields }) => fields.map(({ hex }) => hex)).join('');
  const printable = (annotations: readonly Annotation[]): boolean =>
    annotations.every((each) =>
      annotationLines(each, (_, text) => text).every((line) => /^[ -~…]*$/.test(line)),
    );

  test('in a frame: no exception, no lost byte, no control character', () => {
    const command = fc.oneof(
      fc.constantFrom(...COMMANDS),
      fc.string({ maxLength: 12 }).filter((text) => !/[^\0-\xff]/.test(text)),
    );
    fc.assert(
      fc.property(command, fc.uint8Array({ maxLength: 300 }), fc.nat(400), (name, payload, cut) => {
        const input = encodeFrame(main.magic, name, payload).subarray(0, cut);
        const annotations = annotateFrames(input);
        expect(covered(annotations)).toBe(Buffer.from(input).toString('hex'));
        expect(printable(annotations)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of an encoded message: decoded without a fault', () => {
    const ping = encodeMessage({ command: 'ping', nonce: '0123456789abcdef' });
    expect(annotatePayload('ping', ping)).toMatchObject({
      ok: true,
      fields: [{ name: 'nonce', value: '0123456789abcdef' }],
    });
  });
});
