/** `connect` without a host, on a net in memory: whom it asks and whom it dials. */
import { expect, test } from '@jest/globals';
import { Seeding } from '../src/cli/automatic-outbound.js';
import { NETWORKS } from '../src/index.js';
import { dnsServer } from './support/dns.js';
import { scene } from './support/memory-nodes.js';

test.each([
  [true, ['A x9.seed.example', 'AAAA x9.seed.example'], 'seed.example'],
  [false, [], 'fixed'],
])('dnsseed %p', async (dnsseed, questions, source) => {
  const dns = await dnsServer({ 'x9.seed.example': { A: ['10.0.0.1'] } });
  const chain = { ...NETWORKS.signet, seeds: ['seed.example'], fixedSeeds: ['10.0.0.1'] };
  const stage = scene();
  const there = stage.node({ chain }, '10.0.0.1');
  await there.listen({ host: '10.0.0.1', port: chain.port });
  const node = stage.node({ chain, rules: { requiredServices: '0000000000000000' } }, '10.0.0.2');
  const sources = await new Promise<string[]>((found) => {
    new Seeding(node, {
      slots: 1,
      once: true,
      dnsseed,
      dns: { servers: [dns.address], timeout: 5_000 },
      signal: new AbortController().signal,
      found: (addresses) => found(addresses.map((address) => address.source)),
      unreachable: () => undefined,
    }).start();
  });
  await stage.pass();
  await dns.close();
  expect(dns.asked.sort()).toEqual(questions);
  expect(sources).toEqual([expect.stringContaining(source)]);
  expect(node.peers.list()).toMatchObject([{ addr: `10.0.0.1:${chain.port}`, state: 'established' }]);
  await Promise.all([node.stop(), there.stop()]);
});
