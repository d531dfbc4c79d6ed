/** The address of a node as its peers see it: of one peer, of all of them, and which address is announced. */
import { describe, expect, test } from '@jest/globals';

import { localAddresses, type PeerInfo } from '../src/index.js';
import { type AnnouncedTo, announcedAddress } from '../src/node/self-announcement.js';
import { formatAddress } from '../src/wire/index.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { listenWithAddrRecv, PUBLIC } from './support/addr-recv-peer.js';

const PORT = 18_444;

test("a peer's version contains the address at which it sees us; zeros are ignored", async () => {
  const { net, node: make, pass } = memoryNetwork(0);
  await listenWithAddrRecv(net, { host: '10.0.0.1', port: PORT }, { ip: PUBLIC, port: 51_234 });
  await listenWithAddrRecv(net, { host: '10.0.0.2', port: PORT }, { ip: new Uint8Array(16), port: 0 });
  const node = make({}, '10.0.0.9');
  for (const host of ['10.0.0.1', '10.0.0.2']) node.dial({ host, port: PORT });
  await pass();
  expect(node.peers.list().map(({ addrlocal }) => addrlocal)).toEqual(['8.8.4.4:51234', undefined]);
  expect(localAddresses(node.peers.list())).toEqual([{ address: '8.8.4.4', network: 'ipv4', score: 1 }]);
  await node.stop();
});

test('most peers first; those that are not established do not count', () => {
  const seen = (addrlocal: string, state = 'established') => ({ addrlocal, state }) as PeerInfo;
  const peers = [
    seen('1.2.3.4:1'),
    seen('8.8.4.4:2'),
    seen('8.8.4.4:3'),
    seen('[2a00::1]:8333'),
    seen('1.2.3.4:5', 'failed'),
    seen('1.2.3.4:6', 'failed'),
  ];
  expect(localAddresses(peers).map(({ address, score }) => [address, score])).toEqual([
    ['8.8.4.4', 2],
    ['1.2.3.4', 1],
    ['2a00::1', 1],
  ]);
});

describe('the announced address', () => {
  const peer: AnnouncedTo = {
    ...{ inbound: false, remote: { host: '9.9.9.9', port: 8_333 }, addrlocal: '8.8.4.4:51234' },
    local: { host: '192.168.0.2', port: 51_234 },
  };
  const announced = (to: Partial<AnnouncedTo>, listening: readonly string[], draw = 0) => {
    const address = announcedAddress(
      { ...peer, ...to },
      listening.map((host) => ({ host, port: 8_444 })),
      draw,
    );
    return address && `${formatAddress(address)} ${address.port}`;
  };

  test.each([
    ['nothing without a listener', {}, [], 0, undefined],
    ['what the peer sees, with the port that we listen on', {}, ['0.0.0.0'], 0, '8.8.4.4 8444'],
    ['what an accepted peer sees, with its port', { inbound: true }, ['0.0.0.0'], 0, '8.8.4.4 51234'],
    ['the listener every second time', {}, ['8.8.8.8'], 0.5, '8.8.8.8 8444'],
    ['what the peer sees every other time', {}, ['8.8.8.8'], 0.49, '8.8.4.4 8444'],
    [
      'the listener of the network of the peer',
      { remote: { host: '2a00::2', port: 1 } },
      ['8.8.8.8', '2a00::1'],
      0.9,
      '2a00::1 8444',
    ],
    [
      'the interface behind a wildcard',
      { addrlocal: '', local: { host: '8.8.8.8', port: 5 } },
      ['0.0.0.0'],
      0.9,
      '8.8.8.8 8444',
    ],
    ['nothing when no address is public', { addrlocal: '10.0.0.1:1' }, ['0.0.0.0'], 0, undefined],
    [
      'nothing that a peer of the local network sees',
      { remote: { host: '10.0.0.1', port: 1 } },
      ['127.0.0.1'],
      0,
      undefined,
    ],
  ] as const)('is %s', (_, to, listening, draw, expected) => {
    expect(announced(to, listening, draw)).toBe(expected);
  });
});
