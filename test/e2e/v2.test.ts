/** BIP324 with real nodes: bitcoind in both directions, litecoind and bcoin, which do not know it. */
import { expect, test } from '@jest/globals';
import type { BitcoinNode, PeerInfo, Reason } from '../../src/index.js';
import { createNode } from '../../src/index.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const REKEY = 224;

const v2node = (): BitcoinNode => createNode({ chain: 'regtest', v2transport: true });
const nextEstablished = (node: BitcoinNode): Promise<PeerInfo> =>
  new Promise((resolve) => node.once('established', resolve));

/** Sends `count` pings and waits until as many pongs are back. */
async function pingPong(us: BitcoinNode, id: number, count: number): Promise<void> {
  let pongs = 0;
  const all = new Promise<void>((resolve) => {
    us.on('message', ({ direction, command }) => {
      if (direction === 'received' && command === 'pong' && ++pongs === count) resolve();
    });
  });
  for (let i = 0; i < count; i++)
    us.send(id, { command: 'ping', nonce: (i + 1).toString(16).padStart(16, '0') });
  await all;
}

/** The only handshaken peer of `node` speaks v2 with this session id. */
async function expectSameSession(node: RealNode, ours: PeerInfo): Promise<void> {
  const [theirs] = await node.handshaken(1);
  expect(ours.session_id).toMatch(/^[0-9a-f]{64}$/);
  expect(theirs?.raw).toMatchObject({ transport_protocol_type: 'v2', session_id: ours.session_id });
}

describeNode('bitcoind', 'v2 with bitcoind', () => {
  test('we dial: v2, the same session id, more than three rekeyings each way', async () => {
    await using node = await bitcoind();
    await using us = v2node();
    const peer = us.dial({ host: node.host, port: node.port });
    const ours = await peer.established();
    expect(ours).toMatchObject({ transport_protocol_type: 'v2', version: 70016 });
    await expectSameSession(node, ours);
    await pingPong(us, peer.id, 3 * REKEY + 100);
    expect(peer.info()?.state).toBe('established');
  });

  test('it dials: v2, the same session id, more than three rekeyings each way', async () => {
    await using node = await bitcoind();
    await using us = v2node();
    const { local } = await us.listen(LOOPBACK);
    const arrived = nextEstablished(us);
    await node.dial(local.host, local.port, true);
    const ours = await arrived;
    expect(ours).toMatchObject({ transport_protocol_type: 'v2', inbound: true });
    await expectSameSession(node, ours);
    await pingPong(us, ours.id, 3 * REKEY + 100);
    expect(us.peers.list()).toHaveLength(1);
  });

  test('it dials as v1: a listener with both transports accepts both', async () => {
    await using node = await bitcoind();
    await using us = v2node();
    const { local } = await us.listen(LOOPBACK);
    const arrived = nextEstablished(us);
    await node.dial(local.host, local.port, false);
    expect(await arrived).toMatchObject({ transport_protocol_type: 'v1', session_id: '' });
  });

  test('without v2 on its side, the dialler falls back to v1', async () => {
    await using node = await bitcoind({ args: ['-v2transport=0'] });
    await using us = v2node();
    const ours = await us.dial({ host: node.host, port: node.port }).established();
    expect(ours.transport_protocol_type).toBe('v1');
    const [theirs] = await node.handshaken(1);
    expect(theirs?.transport).toBe('v1');
  });
});

describeNode(['litecoind', 'bcoin'], 'nodes that do not know v2', () => {
  test('litecoind: v2 tried, v1 used', async () => {
    await using node = await litecoind();
    await using us = v2node();
    const fallbacks: PeerInfo[] = [];
    us.on('fallback', (peer) => fallbacks.push(peer));
    const ours = await us.dial({ host: node.host, port: node.port }).established();
    expect(ours.transport_protocol_type).toBe('v1');
    expect(fallbacks).toHaveLength(1);
    await node.handshaken(1);
  });

  test('bcoin sends its v1 version first: v2 tried, and v1 used at its header', async () => {
    await using node = await bcoin();
    // It reads our key as bad frames, bans for ten of them, and waits on for fewer.
    const padding = { garbage: 0, decoys: [] };
    await using us = createNode({
      chain: 'regtest',
      v2transport: true,
      padding,
    });
    const ends: (Reason | undefined)[] = [];
    us.on('ended', (peer) => ends.push(peer.lastreason));
    const fallbacks: (Reason | undefined)[] = [];
    us.on('fallback', (peer) => fallbacks.push(peer.lastreason));
    const arrived = nextEstablished(us);
    us.dial({ host: node.host, port: node.port }, { persistent: true });
    expect((await arrived).transport_protocol_type).toBe('v1');
    expect(fallbacks).toMatchObject([{ code: 'ERR_V2_UNSUPPORTED', facts: { transport: 'v2' } }]);
    expect(ends).toEqual([]);
    await node.handshaken(1);
  });

  test('bcoin may ban us for our garbage before we close: then the v1 connection ends with the reason', async () => {
    await using node = await bcoin();
    await using us = v2node();
    const codes: (string | undefined)[] = [];
    us.on('fallback', (peer) => codes.push(peer.lastreason?.code));
    const outcome = new Promise<PeerInfo>((resolve) => {
      us.on('established', resolve);
      us.on('ended', resolve);
    });
    us.dial({ host: node.host, port: node.port }, { persistent: true });
    const { state, transport_protocol_type, lastreason } = await outcome;
    expect(codes).toEqual(['ERR_V2_UNSUPPORTED']);
    expect(transport_protocol_type).toBe('v1');
    if (state !== 'established') expect(lastreason?.facts).toMatchObject({ afterv2: true });
  });
});
