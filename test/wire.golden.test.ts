/** Do we agree with the bytes that real nodes sent? */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { NETWORKS } from '../src/networks.js';
import {
  createV1Framer,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  isKnownCommand,
} from '../src/wire/index.js';
import { fromHex } from './support/hex.js';

interface Capture {
  readonly context: string;
  readonly msg: string;
  readonly payload_len: number;
  readonly wire: string;
}

const file = readFileSync(new URL('data/golden-messages.json', import.meta.url), 'utf8');
const { captures } = JSON.parse(file) as { captures: Record<string, Capture[]> };
const { magic } = NETWORKS.regtest;

function payloadOf(capture: Capture): Uint8Array {
  const [event] = createV1Framer(magic).feed(fromHex(capture.wire));
  if (event?.kind !== 'frame') throw new Error('not a frame');
  return event.payload;
}

describe.each(Object.entries(captures))('%s', (_node, rows) => {
  test.each(rows)('$msg ($context): frame', (capture) => {
    const wire = fromHex(capture.wire);
    const events = createV1Framer(magic).feed(wire);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ kind: 'frame', command: capture.msg, size: wire.length });
    expect(payloadOf(capture)).toHaveLength(capture.payload_len);
    expect(encodeFrame(magic, capture.msg, payloadOf(capture))).toEqual(wire);
  });

  test.each(rows)('$msg ($context): payload, there and back', (capture) => {
    const payload = payloadOf(capture);
    expect(isKnownCommand(capture.msg)).toBe(true);
    const decoded = decodeMessage(capture.msg, payload);
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.fault));
    expect(decoded.message.command).toBe(capture.msg);
    expect(decoded.trailing).toHaveLength(0);
    expect(encodeMessage(decoded.message)).toEqual(payload);
  });
});

test('the fields of a captured version', () => {
  const [first] = captures['knots-29.4.3']!;
  const decoded = decodeMessage('version', payloadOf(first!));
  expect(decoded).toMatchObject({
    ok: true,
    message: {
      command: 'version',
      version: 70016,
      services: '0000000010000409',
      timestamp: '000000006b0296ed',
      addr_recv: { services: '0000000000000000', port: 40809 },
      addr_from: { services: '0000000010000409', ip: new Uint8Array(16), port: 0 },
      nonce: '88d9263e4d1e4d67',
      user_agent: new TextEncoder().encode('/Satoshi:29.4.3/Knots:20260508/'),
      start_height: 2,
      relay: true,
    },
  });
});

test('the entries of a captured addrv2', () => {
  const capture = captures['knots-29.4.3']!.find(({ msg }) => msg === 'addrv2')!;
  const decoded = decodeMessage('addrv2', payloadOf(capture));
  if (!decoded.ok || decoded.message.command !== 'addrv2') throw new Error('not an addrv2');
  expect(decoded.message.addresses).toHaveLength(15);
  expect(decoded.message.addresses.at(-1)).toEqual({
    time: 0x6b0296ef,
    services: '0000000010000409',
    networkID: 1,
    addr: Uint8Array.of(11, 22, 33, 44),
    port: 28444,
  });
});
