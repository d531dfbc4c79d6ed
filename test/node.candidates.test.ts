/** The addresses of automatic connections: what a node does with the answers of a DNS server that blocks names. */
import { afterEach, expect, test } from '@jest/globals';

import { foundSentence } from '../src/cli/connect.js';
import { unroutableSentence } from '../src/cli/unroutable-seeds.js';
import { type Net, type NodeOptions, NETWORKS, tcpNet } from '../src/index.js';
import { failLater } from '../src/net/negotiation.js';
import { recordedNode } from '../src/recording/record-and-replay.js';
import { dnsServer, type DnsServer, type Zone } from './support/dns.js';

let server: DnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const SINKHOLE: Zone = Object.fromEntries(
  NETWORKS.main.seeds.map((seed) => [`x9.${seed}`, { A: ['0.0.0.0'], AAAA: ['::'] }]),
);

test('seeds that name addresses that are not public are reported and not dialled', async () => {
  server = await dnsServer(SINKHOLE);
  const dialled: string[] = [];
  const net: Net = {
    ...tcpNet(),
    dial: ({ host }, handler) => {
      dialled.push(host);
      return failLater(handler, { code: 'ERR_DIAL_REFUSED', facts: {} });
    },
  };
  const outbound = { slots: 2, once: true };
  const options: NodeOptions = { chain: 'main', net, outbound, dns: { servers: [server.address] } };
  const lines: string[] = [];
  const node = recordedNode({ isOpen: true, take: (more) => void lines.push(...more) }, options);
  const events: string[] = [];
  node.on('unroutable', ({ addresses }) => events.push(unroutableSentence(addresses)));
  node.on('candidates', ({ addresses }) => events.push(`candidates: ${addresses.length}`));
  await new Promise((filled) => node.once('filled', filled));
  await node.stop();
  expect(events).toEqual([
    '7 DNS seeds returned addresses that are not public (0.0.0.0, ::); they are not dialled. DNS servers that block names return such addresses.',
    'candidates: 12',
  ]);
  expect(dialled).toHaveLength(12);
  expect(dialled).not.toContain('0.0.0.0');
  // It happens before the input that a replay starts from.
  expect(lines.filter((line) => line.includes('unroutable'))).toEqual([]);
});

test('one seed, and more addresses than the sentence lists', () => {
  const addresses = ['0.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3'].map((host) => ({
    host,
    port: 8333,
    source: 'a.seed',
  }));
  expect(unroutableSentence(addresses)).toContain(
    '1 DNS seed returned addresses that are not public (0.0.0.0, 10.0.0.1, 10.0.0.2, …);',
  );
});

test('the sentence about what is dialled', () => {
  expect([0, 1, 2].map(foundSentence)).toEqual([
    'no address to dial',
    '1 address in the address book',
    '2 addresses in the address book',
  ]);
});
