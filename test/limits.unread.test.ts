/** Payloads that are ignored anyway: hashed as they arrive and not held, with the verdicts that they would get otherwise. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Reason } from '../src/index.js';
import type { Link } from '../src/net/link.js';
import { greeting, VERACK } from './grid/handshake.js';
import { frame } from './grid/row.js';
import { memoryNetwork } from './support/memory-nodes.js';

const HERE = { host: '10.0.0.1', port: 18_444 };
const LARGE = 1_000_000;

/** A node, and a link that dialled it. `isListened`: there is a listener for messages, so every payload is buffered. */
async function called({ isListened = false } = {}) {
  const network = memoryNetwork();
  const node = network.node({}, HERE.host);
  await node.listen(HERE);
  if (isListened) node.on('message', () => undefined);
  const ends: (Reason | undefined)[] = [];
  node.on('ended', ({ lastreason }) => ends.push(lastreason));
  let link!: Link;
  network.net.at('10.0.0.2').dial(HERE, {
    opened: (opened) => (link = opened).attach({ data: () => undefined, closed: () => undefined }),
    failed: () => undefined,
  });
  network.clock.advance(10);
  const send = (...bytes: Uint8Array[]) => {
    link.write(bytes);
    network.clock.advance(50);
  };
  const peer = () => node.peers.list()[0];
  return { node, send, peer, ends };
}

/** All of a frame but its last byte, and the last byte. */
function parts(command: string, size = LARGE): [Uint8Array, Uint8Array] {
  const bytes = frame(command, new Uint8Array(size));
  return [bytes.subarray(0, -1), bytes.subarray(-1)];
}

const joined = (...bytes: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(bytes));

describe('a payload of 1 MB', () => {
  test.each(['block', 'xyzzy'])(
    'before version: %s is not held, and is counted when it is complete',
    async (command) => {
      const { node, send, peer } = await called();
      const [most, last] = parts(command);
      send(most);
      expect(node.bytesBuffered).toBeLessThan(1_000);
      send(last);
      const name = command === 'block' ? command : '*other*';
      expect(peer()?.bytesrecv_per_msg).toEqual({ [name]: LARGE + 24 });
      expect(peer()?.dropped).toEqual({});
    },
  );

  test('before version with a wrong checksum is dropped', async () => {
    const { send, peer } = await called();
    const [most, last] = parts('block');
    send(
      most,
      last.map((byte) => byte ^ 1),
    );
    expect(peer()?.dropped).toEqual({ ERR_FRAME_CHECKSUM: 1 });
  });

  test('before version is buffered when there is a listener for messages', async () => {
    const { node, send } = await called({ isListened: true });
    send(parts('block')[0]);
    expect(node.bytesBuffered).toBeGreaterThan(LARGE / 2);
  });

  test.each(['version', 'inv'])('before version: %s is held, since its content decides', async (command) => {
    const { node, send } = await called();
    send(parts(command)[0]);
    expect(node.bytesBuffered).toBeGreaterThan(LARGE / 2);
  });

  test('after version: block is held, and an unknown command is not', async () => {
    const { node, send } = await called();
    send(greeting(70017), VERACK, frame('xyzzy', new Uint8Array(LARGE)).subarray(0, -1));
    expect(node.bytesBuffered).toBeLessThan(1_000);
    const other = await called();
    other.send(greeting(70017), VERACK, parts('block')[0]);
    expect(other.node.bytesBuffered).toBeGreaterThan(LARGE / 2);
  });
});

test('whatever comes before, between and after version and verack: the verdicts are those of a node that buffers every payload', async () => {
  const command = fc.constantFrom(
    'block',
    'tx',
    'headers',
    'mempool',
    'inv',
    'xyzzy',
    'ping',
    'verack',
    '\u0001',
  );
  const message = fc.record({
    command,
    payload: fc.uint8Array({ maxLength: 80 }),
    damage: fc.option(fc.integer({ min: 20, max: 60 }), { freq: 3 }),
  });
  const messages = fc.array(message, { maxLength: 10 });
  const bytesOf = ({ command, payload, damage }: typeof message extends fc.Arbitrary<infer M> ? M : never) =>
    frame(command, payload).map((byte, at) => (at === damage ? byte ^ 1 : byte));
  await fc.assert(
    fc.asyncProperty(messages, messages, messages, fc.nat(400), async (before, between, behind, cut) => {
      const [first, second, third] = [before, between, behind].map((list) => list.map(bytesOf));
      const stream = joined(...first!, greeting(70017), ...second!, VERACK, ...third!);
      const reports = [];
      for (const isListened of [false, true]) {
        const { send, peer, ends } = await called({ isListened });
        send(stream.subarray(0, cut), stream.subarray(cut));
        const { state, dropped, bytesrecv_per_msg } = peer() ?? {};
        reports.push({ state, dropped, bytesrecv_per_msg, ends });
      }
      expect(reports[0]).toEqual(reports[1]);
    }),
    { numRuns: 20 },
  );
});
