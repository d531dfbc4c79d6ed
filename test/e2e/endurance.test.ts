/** Three minutes with each real node: still up, pinged more than once, seen so by both sides. */
import { expect, test } from '@jest/globals';
import { createNode } from '../../src/index.js';
import { bcoin, bitcoind, describeNode, litecoind } from './nodes/nodes.js';

const THREE_MINUTES = 180_000;

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'a connection of three minutes', () => {
  test(
    'is still up on both sides, with a ping time',
    async () => {
      const nodes = await Promise.all([bitcoind(), litecoind(), bcoin()]);
      await using us = createNode({ chain: 'regtest' });
      const peers = nodes.map((node) => us.dial({ host: node.host, port: node.port }));
      await Promise.all(peers.map((peer) => peer.established()));
      await new Promise((resolve) => setTimeout(resolve, THREE_MINUTES));
      for (const [i, node] of nodes.entries()) {
        expect(peers[i]?.info()).toMatchObject({ state: 'established', pingtime: expect.any(Number) });
        expect(peers[i]?.info()?.bytessent_per_msg).toMatchObject({ ping: 64 });
        const [theirs] = await node.handshaken(1);
        expect(theirs).toMatchObject({ subver: '/verack:0.1.0/', transport: 'v1' });
        if (node.name !== 'bcoin') expect(theirs?.raw).toMatchObject({ pingtime: expect.any(Number) });
      }
    },
    THREE_MINUTES + 60_000,
  );
});
