/** The address that `conform`, `learn` and `identify` use for a host. */
import { expect, test } from '@jest/globals';
import { endpointOf, routeTo } from '../src/cli/host-endpoint.js';
import type { NodeNet } from '../src/cli/node-net.js';
import { ProxiedNet, tcpNet } from '../src/net/index.js';
import { dnsServer } from './support/dns.js';

test.each([
  ['of which one is closed, is the other', '127.0.0.1'],
  ['of which none is open, is the first', '127.0.0.8'],
])('a name with two addresses, %s', async (_, expected) => {
  const server = await dnsServer({ 'a.test': { A: ['127.0.0.8', '127.0.0.1'] } });
  const listener = await tcpNet().listen({ host: '127.0.0.1', port: 0 }, (link) => link.destroy());
  const { port } = listener.local;
  if (expected !== '127.0.0.1') await listener.close();
  const options = { dns: { servers: [server.address] } } as unknown as NodeNet['options'];
  const net: NodeNet = { proxied: new ProxiedNet({ net: tcpNet(), proxies: {} }), options };
  const { at } = await routeTo(`a.test:${port}`, 8_333, net);
  await Promise.all([server.close(), listener.close()]);
  expect(at).toEqual({ host: expected, port });
});

test.each([
  ['a.b32.i2p', { host: 'a.b32.i2p', port: 0 }],
  ['a.onion', { host: 'a.onion', port: 8_333 }],
  ['[::1]:1', { host: '::1', port: 1 }],
])('the port of %s', (text, expected) => {
  expect(endpointOf(text, 8_333)).toEqual(expected);
});
