/** Names of options, and values out of a list, that do not exist: JavaScript has no compiler to find them. */
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createAddressBook } from '../src/addresses/index.js';
import { createNode } from '../src/index.js';
import { nodeMetrics, startExporter } from '../src/metrics/index.js';
import {
  linkPair,
  lookupWith,
  memoryNet,
  parseEndpoint,
  ProxiedNet,
  resolveHost,
  SamNet,
  seedAddresses,
  socks5Net,
  systemClock,
  systemRandom,
  tcpNet,
} from '../src/net/index.js';
import { probe } from '../src/probe/probe.js';

test.each<[options: object, value: string, hint: string]>([
  [{ chian: 'regtest' }, 'chian', 'did you mean chain?'],
  [{ maxInbound: 3 }, 'maxInbound', 'did you mean maxinbound?'],
  [{ rules: { handshakeTimout: 3 } }, 'handshakeTimout', 'did you mean handshakeTimeout?'],
  [{ outbound: { slot: 8 } }, 'slot', 'did you mean slots?'],
  [{ nothing_like_it: 1 }, 'nothing_like_it', 'the options are chain, rules,'],
  [{ v2fault: 'v2-bad-tags' }, 'v2-bad-tags', 'v2fault has no such value; did you mean v2-bad-tag?'],
  [{ outbound: { slots: 1, networks: ['ipv9'] } }, 'ipv9', 'did you mean ipv4?'],
  [{ dns: { onlynet: ['onion'] } }, 'onion', 'onlynet has no such value; the values are ipv4, ipv6'],
])('%j', (options, value, hint) => {
  // If it does not throw, it dials nobody, and ends.
  expect(() => void createNode({ chain: 'regtest', net, ...options }).stop()).toThrow(
    expect.objectContaining({
      code: 'ERR_LOCAL_ARGUMENT',
      facts: { value, why: expect.stringContaining(hint) },
    }),
  );
});

test('a dial', async () => {
  const node = createNode({ chain: 'regtest' });
  const dial = () => node.dial('127.0.0.1:1', { persistant: true } as object);
  const facts = { value: 'persistant', why: expect.stringContaining('did you mean persistent?') };
  expect(dial).toThrow(expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts }));
  await node.stop();
});

test('a type of connection that a dial cannot have', async () => {
  const node = createNode({ chain: 'regtest' });
  const dial = () => node.dial('127.0.0.1:1', { connection_type: 'inbound' as never });
  const why = expect.stringContaining('connection_type has no such value; the values are manual,');
  expect(dial).toThrow(
    expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts: { value: 'inbound', why } }),
  );
  await node.stop();
});

test('a listener', async () => {
  const node = createNode({ chain: 'regtest', net });
  const listening = node.listen(at, { singal: AbortSignal.abort() } as object);
  const facts = { value: 'singal', why: expect.stringContaining('did you mean signal?') };
  await expect(listening).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts });
  await node.stop();
});

test('a probe', async () => {
  const asked = probe('127.0.0.1:1', { chian: 'regtest' } as object);
  const facts = { value: 'chian', why: expect.stringContaining('did you mean chain?') };
  await expect(asked).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts });
});

test('undefined options and undefined rules are as if they were absent', async () => {
  await createNode({ chain: 'regtest', rules: undefined as never }).stop();
});

const at = { host: '127.0.0.1', port: 1 };
const book = { key: new Uint8Array(32), clock: systemClock, random: systemRandom };
const net = memoryNet();

test.each<[name: string, call: (options: never) => unknown, options: object, hint: string]>([
  ['tcpNet', tcpNet, { localAdress: '127.0.0.1' }, 'localAddress'],
  ['memoryNet', memoryNet, { timer: systemClock }, 'timers'],
  ['linkPair', linkPair, { endpoint: [at, at] }, 'endpoints'],
  ['parseEndpoint', (options) => parseEndpoint('127.0.0.1:0', 1, options), { allowzero: true }, 'allowZero'],
  ['lookupWith', lookupWith, { timout: 1 }, 'timeout'],
  ['createNode', (dns) => createNode({ dns }), { server: ['127.0.0.1'] }, 'servers'],
  ['socks5Net', socks5Net, { net, proxy: at, credential: () => undefined }, 'credentials'],
  ['SamNet', (options) => new SamNet(options), { net, proxy: at, key: undefined }, 'keys'],
  ['ProxiedNet', (options) => new ProxiedNet(options), { net, proxies: {}, onlyNet: [] }, 'onlynet'],
  ['its proxies', (proxies) => new ProxiedNet({ net, proxies }), { onions: at }, 'onion'],
  ['createAddressBook', createAddressBook, { ...book, netgroup: undefined }, 'netgroups'],
  ['select', (options) => createAddressBook(book).select(options), { newonly: true }, 'newOnly'],
  ['getAddr', (options) => createAddressBook(book).getAddr(options), { filterd: false }, 'filtered'],
  [
    'nodeMetrics',
    (options) => nodeMetrics({} as never, new Registry(), options),
    { bytesbuffered: 1 },
    'bytesBuffered',
  ],
])('%s', (_name, call, options, hint) => {
  const facts = { value: Object.keys(options).at(-1), why: expect.stringContaining(`did you mean ${hint}?`) };
  expect(() => call(options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts }),
  );
});

test.each<[name: string, call: (options: never) => Promise<unknown>, options: object, hint: string]>([
  ['resolveHost', (options) => resolveHost('127.0.0.1', options), { onlyNet: ['ipv6'] }, 'onlynet'],
  [
    'seedAddresses',
    (options) => seedAddresses({ seeds: [], fixedSeeds: [], port: 1 }, options),
    { rnadom: Math.random },
    'random',
  ],
  [
    'probe',
    (require) => probe('127.0.0.1:1', { chain: 'regtest', require }),
    { service: ['NETWORK'] },
    'services',
  ],
  ['startExporter', startExporter, { tokens: 'secret' }, 'token'],
])('%s', async (_name, call, options, hint) => {
  const facts = { value: Object.keys(options)[0], why: expect.stringContaining(`did you mean ${hint}?`) };
  await expect(call(options as never)).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts });
});
