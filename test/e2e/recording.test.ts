/**
 * Records the bytes that real nodes send, and replays them in pieces. `UPDATE_RECORDINGS=1` writes the recordings that
 * test/conversation.test.ts replays to test/data/conversations.json.
 */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createNode, tcpNet, type Link, type Net } from '../../src/index.js';
import { type Conversation, eventsOf } from '../support/replay-conversation.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

/** A net that keeps a copy of everything that its links receive. */
function recording(inner: Net): { net: Net; received: () => string } {
  const chunks: Uint8Array[] = [];
  const tap = (link: Link): Link => {
    const attach = link.attach.bind(link);
    link.attach = (handler) =>
      attach({
        data: (chunk) => (chunks.push(Uint8Array.from(chunk)), handler.data(chunk)),
        closed: (code) => handler.closed(code),
        drained: () => handler.drained?.(),
      });
    return link;
  };
  const net: Net = {
    dial: (to, handler) =>
      inner.dial(to, {
        opened: (link) => handler.opened(tap(link)),
        failed: (code, facts) => handler.failed(code, facts),
      }),
    listen: (at, accepted) => inner.listen(at, (link) => accepted(tap(link))),
  };
  return { net, received: () => Buffer.concat(chunks).toString('hex') };
}

/** Connects to `node` until it has answered our first ping (for one second if it is not pinged). */
async function record(node: RealNode, role: Conversation['role']): Promise<Conversation> {
  const { net, received } = recording(tcpNet());
  await using us = createNode({ chain: 'regtest', net, services: '0000000000000009' });
  const established = new Promise((resolve) => us.once('established', resolve));
  if (role === 'dialled') {
    us.dial({ host: node.host, port: node.port });
  } else {
    const { local } = await us.listen({ host: '127.0.0.1', port: 0 });
    await node.dial(local.host, local.port, false);
  }
  await established;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return { name: `${node.version} ${role}`, role, received: received() };
}

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'conversations with real nodes', () => {
  test('give the same events whole and byte by byte', async () => {
    const conversations: Conversation[] = [];
    for (const start of [bitcoind, litecoind, bcoin]) {
      await using node = await start();
      conversations.push(await record(node, 'dialled'), await record(node, 'accepted'));
    }
    for (const conversation of conversations) {
      const bytes = Buffer.from(conversation.received, 'hex');
      const whole = await eventsOf(conversation, [bytes]);
      expect(whole.join()).toContain('"state":"established"');
      expect(
        await eventsOf(
          conversation,
          [...bytes].map((byte) => Uint8Array.of(byte)),
        ),
      ).toEqual(whole);
    }
    if (process.env.UPDATE_RECORDINGS) {
      writeFileSync('test/data/conversations.json', `${JSON.stringify(conversations, null, 1)}\n`);
    }
  });
});
