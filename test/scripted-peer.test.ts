/** A scripted peer that sends given bytes: how a node reacts to them, and what it reports. */
import { describe, expect, test } from '@jest/globals';
import type { Link, NodeOptions } from '../src/index.js';
import { createV1Framer, encodeFrame, encodeMessage, type MessageOf } from '../src/wire/index.js';
import { memoryNetwork } from './support/memory-nodes.js';

const A = { host: '10.0.0.1', port: 18444 };
const NOWHERE = { services: '0000000000000000', ip: new Uint8Array(16), port: 0 };
const VERSION: MessageOf<'version'> = {
  command: 'version',
  version: 70_017,
  services: '0000000000000000',
  timestamp: '0000000000000000',
  addr_recv: NOWHERE,
};

/** A node, and a peer that dials it and sends `frames` (command, payload) after a valid version. */
async function receiving(options: NodeOptions, ...frames: readonly (readonly [string, Uint8Array])[]) {
  const network = memoryNetwork();
  const node = network.node(options, A.host);
  const drops: string[] = [];
  node.on('dropped', ({ code, command }) => drops.push(`${command} ${code}`));
  await node.listen(A);
  let ours: Link | undefined;
  /** What the node sent, a chunk for each of its writes. */
  const chunks: string[][] = [];
  const framer = createV1Framer(node.chain.magic);
  const commandsOf = (chunk: Uint8Array): string[] =>
    framer.feed(chunk).flatMap((event) => (event.kind === 'frame' ? [event.command] : []));
  const frame = (command: string, payload: Uint8Array) => encodeFrame(node.chain.magic, command, payload);
  network.net.at('10.0.0.2').dial(A, {
    failed: () => undefined,
    opened: (link) => {
      ours = link;
      link.attach({ data: (chunk) => void chunks.push(commandsOf(chunk)), closed: () => undefined });
      link.write([
        frame('version', encodeMessage(VERSION)),
        ...frames.map(([name, bytes]) => frame(name, bytes)),
      ]);
    },
  });
  await network.pass();
  return { ...network, node, drops, chunks, frame, link: ours };
}

const NOTHING = new Uint8Array();
const FEATURE = encodeMessage({
  command: 'feature',
  featureid: new TextEncoder().encode('test'),
  featuredata: NOTHING,
});

const ANSWER = ['version', 'wtxidrelay', 'sendaddrv2', 'verack'];

describe('a scripted peer', () => {
  test('whose messages come together is answered in one write', async () => {
    const ping = encodeMessage({ command: 'ping', nonce: '0123456789abcdef' });
    const { chunks } = await receiving({}, ['verack', NOTHING], ['ping', ping]);
    expect(chunks).toEqual([[...ANSWER, 'sendcmpct', 'ping', 'pong']]);
  });

  test('is answered what came before the message that ends it', async () => {
    const { chunks, node } = await receiving(
      {},
      ['verack', NOTHING],
      ['wtxidrelay', NOTHING],
      ['ping', NOTHING],
    );
    expect(chunks).toEqual([[...ANSWER, 'sendcmpct', 'ping']]);
    expect(node.peers.recent()[0]?.lastreason?.code).toBe('ERR_PROTO_LATE_FEATURE');
  });

  test('that closes after a bad checksum: the reason names both', async () => {
    const { node, link, frame, pass } = await receiving({});
    const verack = frame('verack', NOTHING);
    verack[20] = (verack[20] ?? 0) ^ 1;
    link?.write([verack]);
    link?.end();
    await pass();
    expect(node.peers.recent()[0]?.lastreason).toEqual({
      code: 'ERR_LINK_EOF',
      facts: { state: 'versionReceived', dropped: 'verack: ERR_FRAME_CHECKSUM' },
    });
  });

  test.each([
    [70_016, 'established'],
    [70_017, undefined],
  ])('that sends feature after verack to a node of version %d', async (version, state) => {
    const { node } = await receiving({ rules: { version } }, ['verack', NOTHING], ['feature', FEATURE]);
    expect(node.peers.list()[0]?.state).toBe(state);
  });

  test('whose inventory is truncated is kept, and the drop is counted and reported', async () => {
    const { node, drops } = await receiving({}, ['verack', NOTHING], ['inv', Uint8Array.of(1, 2, 3)]);
    expect(drops).toEqual(['inv ERR_CODEC_SHORT']);
    expect(node.peers.list()[0]).toMatchObject({ state: 'established', dropped: { ERR_CODEC_SHORT: 1 } });
  });
});
