/**
 * Handshakes with real nodes, in both directions. A handshake counts when `getpeerinfo` of the other side shows it.
 */
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import type { BitcoinNode, NodeOptions, PeerInfo } from '../../src/index.js';
import { createNode } from '../../src/index.js';
import { servicesOf } from '../../src/wire/index.js';
import { bcoin, bitcoind, describeNode, litecoind, type NodeName, type RealNode } from './nodes/nodes.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const start = { bitcoind, bcoin, litecoind };

/** What each node announces, and what it agrees to with a peer of protocol 70017. */
const KNOWN: Record<NodeName, { subver: RegExp; version: number; negotiated: string[] }> = {
  bitcoind: { subver: /^\/Satoshi:/, version: 70016, negotiated: ['wtxidrelay', 'sendaddrv2', 'sendcmpct'] },
  litecoind: {
    subver: /^\/LitecoinCore:/,
    version: 70016,
    negotiated: ['wtxidrelay', 'sendaddrv2', 'sendcmpct'],
  },
  bcoin: { subver: /^\/bcoin:/, version: 70015, negotiated: [] },
};

/** The next peer of `node` that becomes established. */
const nextEstablished = (node: BitcoinNode): Promise<PeerInfo> =>
  new Promise((resolve) => node.once('established', resolve));

/** Waits until `peer` has had its first pong. */
async function firstPong(node: BitcoinNode, id: number): Promise<PeerInfo> {
  for (let tries = 0; tries < 3_000; tries++) {
    const peer = node.peers.get(id);
    if (peer?.pingtime !== undefined) return peer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('no pong within 30 s');
}

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'handshakes with real nodes', () => {
  let us: BitcoinNode;
  const fresh = (options: NodeOptions = {}) =>
    (us = createNode({ chain: 'regtest', uacomment: ['e2e'], ...options }));
  afterEach(() => us.stop());

  for (const name of ['bitcoind', 'litecoind', 'bcoin'] as const) {
    let node: RealNode;
    beforeAll(async () => {
      node = await start[name]();
    });

    test(`we dial ${name}`, async () => {
      const peer = fresh().dial({ host: node.host, port: node.port });
      const seen = await peer.established();
      expect(seen).toMatchObject({
        subver: expect.stringMatching(KNOWN[name].subver),
        version: KNOWN[name].version,
      });
      const [theirs] = await node.handshaken(1);
      expect(theirs).toMatchObject({
        subver: '/verack:0.1.0(e2e)/',
        version: 70017,
        inbound: true,
        transport: 'v1',
      });
      expect(theirs).toMatchObject({ services: '0000000000000000', startingheight: 0, relaytxes: false });
      expect((await firstPong(us, peer.id)).negotiated).toEqual(
        expect.arrayContaining(KNOWN[name].negotiated),
      );
    });

    test(`${name} dials us`, async () => {
      // bcoin keeps only peers that claim to serve blocks; the others take us as we are.
      const { local } = await fresh(
        name === 'bcoin' ? { services: servicesOf('NETWORK', 'WITNESS') } : {},
      ).listen(LOOPBACK);
      const arrived = nextEstablished(us);
      await node.dial(local.host, local.port, false);
      const seen = await arrived;
      expect(seen).toMatchObject({ inbound: true, version: KNOWN[name].version });
      const mine = (peers: { inbound: boolean; subver: string }[]) =>
        peers.some((peer) => !peer.inbound && peer.subver === '/verack:0.1.0(e2e)/');
      await node.peersUntil(mine, 'outbound peer of our name');
    });

    test(`${name} sees no more of us after we stop`, async () => {
      const peer = fresh().dial({ host: node.host, port: node.port });
      await peer.established();
      await us.stop();
      await node.peersUntil((peers) => peers.length === 0, 'empty list of peers');
      expect(peer.info()?.lastreason?.code).toBe('ERR_LOCAL_CANCELLED');
    });
  }
});

describeNode('bcoin', 'what only bcoin does', () => {
  test('it closes the connection to a node without services, and the reason has the state', async () => {
    await using node = await bcoin();
    await using us = createNode({ chain: 'regtest' });
    const { local } = await us.listen(LOOPBACK);
    const ended = new Promise<PeerInfo>((resolve) => us.once('ended', resolve));
    await node.dial(local.host, local.port);
    expect((await ended).lastreason).toEqual({ code: 'ERR_LINK_EOF', facts: { state: 'versionReceived' } });
  });
});

describeNode('bitcoind', 'what only bitcoind does', () => {
  test('its BIP324 attempt to us falls back to v1 and completes', async () => {
    await using node = await bitcoind();
    await using us = createNode({ chain: 'regtest' });
    const { local } = await us.listen(LOOPBACK);
    const arrived = nextEstablished(us);
    await node.dial(local.host, local.port, true);
    await arrived;
    expect(us.peers.recent().map((peer) => peer.lastreason?.code)).toEqual(['ERR_FRAME_MAGIC']);
    const [theirs] = await node.handshaken(1);
    expect(theirs).toMatchObject({ transport: 'v1', inbound: false });
  });

  test('a node of another chain is detected by its end', async () => {
    await using node = await bitcoind();
    await using us = createNode({ chain: 'testnet4' });
    const end = await us.dial({ host: node.host, port: node.port }).ended();
    expect(end.lastreason?.code).toMatch(/^ERR_(LINK_EOF|LINK_RESET|FRAME_MAGIC)$/);
  });

  test('an automatic connection to a node without a chain tip is checked for its services', async () => {
    await using node = await bitcoind();
    await using us = createNode({ chain: 'regtest' });
    const peer = us.dial({ host: node.host, port: node.port }, { connection_type: 'outbound-full-relay' });
    const seen = await peer.established();
    expect(seen.servicesnames).toEqual(expect.arrayContaining(['NETWORK', 'WITNESS']));
  });

  test('a feeler ends as soon as it has their version', async () => {
    await using node = await bitcoind();
    await using us = createNode({ chain: 'regtest' });
    const end = await us.dial({ host: node.host, port: node.port }, { connection_type: 'feeler' }).ended();
    expect(end).toMatchObject({
      lastreason: { code: 'END_DONE' },
      subver: expect.stringContaining('Satoshi'),
    });
    await node.peersUntil((peers) => peers.length === 0, 'empty list of peers');
  });
});
