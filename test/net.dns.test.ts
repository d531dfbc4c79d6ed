/** Names and seeds against a real DNS server on loopback. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { resolveHost, type SeedAddress, seedAddresses, type DnsOptions } from '../src/net/dns.js';
import { NETWORKS } from '../src/networks.js';
import { VerackError } from '../src/reasons.js';
import { dnsServer, type DnsServer, type Zone } from './support/dns.js';

const servers: DnsServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(zone: Zone): Promise<DnsServer> {
  const server = await dnsServer(zone);
  servers.push(server);
  return server;
}

/** Repeatable (xorshift32). */
function seeded(state = 1): () => number {
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

async function errorOf(work: Promise<unknown>): Promise<VerackError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VerackError);
  return error as VerackError;
}

const numbered = (count: number, prefix = '203.0.113.') =>
  Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`);

describe('resolveHost', () => {
  const zone: Zone = {
    'both.example': { A: ['203.0.113.5', '203.0.113.6'], AAAA: ['2001:db8:0:0::1'] },
    'four.example': { A: ['203.0.113.5', '203.0.113.5'] },
    'none.example': {},
    'silent.example': 'silent',
  };

  async function resolve(host: string, options: DnsOptions = {}): Promise<string[]> {
    const { address } = await serve(zone);
    return resolveHost(host, { servers: [address], ...options });
  }

  test('gives every A and AAAA, in canonical spelling', async () => {
    expect(await resolve('both.example')).toEqual(['203.0.113.5', '203.0.113.6', '2001:db8::1']);
  });

  test('one address family without an answer is not a failure, and duplicates are removed', async () => {
    expect(await resolve('four.example')).toEqual(['203.0.113.5']);
  });

  test('onlynet queries only that address family', async () => {
    const { address, asked } = await serve(zone);
    const options: DnsOptions = { servers: [address], onlynet: ['ipv6'] };
    expect(await resolveHost('both.example', options)).toEqual(['2001:db8::1']);
    expect(asked).toEqual(['AAAA both.example']);
    expect((await errorOf(resolveHost('four.example', options))).code).toBe('ERR_DIAL_DNS');
    expect((await errorOf(resolveHost('1.2.3.4', options))).facts).toEqual({
      host: '1.2.3.4',
      syscode: 'ENODATA',
    });
  });

  test.each([
    ['missing.example', 'ENOTFOUND'],
    ['none.example', 'ENODATA'],
  ])('%s: %s', async (host, syscode) => {
    const error = await errorOf(resolve(host));
    expect([error.code, error.facts]).toEqual(['ERR_DIAL_DNS', { host, syscode }]);
  });

  test('no answer ends with a timeout', async () => {
    const error = await errorOf(resolve('silent.example', { timeout: 120 }));
    expect([error.code, error.facts]).toEqual([
      'ERR_DIAL_DNS',
      { host: 'silent.example', syscode: 'ETIMEOUT' },
    ]);
  });

  test('an answer of one family counts when the other does not come in time', async () => {
    const { address } = await serve({ 'half.example': { A: ['203.0.113.5'], AAAA: 'silent' } });
    const found = await resolveHost('half.example', { servers: [address], timeout: 1_500 });
    expect(found).toEqual(['203.0.113.5']);
  });

  test('a signal ends the wait', async () => {
    const controller = new AbortController();
    const { address, asked } = await serve(zone);
    const work = errorOf(resolveHost('silent.example', { servers: [address], signal: controller.signal }));
    while (asked.length === 0) await new Promise(setImmediate);
    controller.abort();
    expect((await work).code).toBe('ERR_LOCAL_CANCELLED');
  });

  test('a cancelled query is not sent again', async () => {
    const { address, asked } = await serve({ ...zone, 'other.example': 'silent' });
    const options: DnsOptions = { servers: [address], onlynet: ['ipv4'] };
    const controller = new AbortController();
    const first = errorOf(
      resolveHost('silent.example', { ...options, timeout: 500, signal: controller.signal }),
    );
    while (asked.length === 0) await new Promise(setImmediate);
    controller.abort();
    await first;
    await errorOf(resolveHost('other.example', { ...options, timeout: 700 }));
    expect(asked.filter((question) => question === 'A silent.example')).toHaveLength(1);
  });

  test('an aborted signal sends no query', async () => {
    const { address, asked } = await serve(zone);
    const options = { servers: [address], signal: AbortSignal.abort() };
    expect((await errorOf(resolveHost('both.example', options))).code).toBe('ERR_LOCAL_CANCELLED');
    expect((await errorOf(resolveHost('1.2.3.4', options))).code).toBe('ERR_LOCAL_CANCELLED');
    expect(asked).toEqual([]);
  });

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
  ])('%s is its own answer', async (host, address) => {
    const server = await serve(zone);
    expect(await resolveHost(host, { servers: [server.address] })).toEqual([address]);
    expect(server.asked).toEqual([]);
  });

  test.each(['abc.onion', 'ABC.B32.I2P', 'abc.onion.', 'a.internal'])(
    '%s is never asked for',
    async (host) => {
      const { address, asked } = await serve(zone);
      const error = await errorOf(resolveHost(host, { servers: [address] }));
      expect([error.code, error.facts]).toEqual(['ERR_DIAL_DNS', { host, syscode: 'ENOTDNS' }]);
      expect(asked).toEqual([]);
    },
  );

  test('without servers the system answers, from its hosts file too', async () => {
    expect(await resolveHost('localhost', { onlynet: ['ipv4'] })).toEqual(['127.0.0.1']);
  });
});

describe('seedAddresses', () => {
  const chain = {
    seeds: ['one.seed', 'two.seed'],
    fixedSeeds: ['198.51.100.1:1', '[2001:db8::f]:2'],
    port: 8333,
  };

  async function seedsOf(zone: Zone, options: Partial<DnsOptions> = {}, state = 1) {
    const server = await serve(zone);
    const random = seeded(state);
    const found = await seedAddresses(chain, { servers: [server.address], random, ...options });
    return { found, asked: server.asked };
  }

  test('queries each seed with the service prefix; the addresses have their seed and the default port', async () => {
    const { found, asked } = await seedsOf({
      'x9.one.seed': { A: ['203.0.113.1'], AAAA: ['2001:db8::1'] },
      'x9.two.seed': { A: ['203.0.113.2'] },
    });
    expect(found.sort((a, b) => a.host.localeCompare(b.host))).toEqual([
      { host: '2001:db8::1', port: 8333, source: 'one.seed' },
      { host: '203.0.113.1', port: 8333, source: 'one.seed' },
      { host: '203.0.113.2', port: 8333, source: 'two.seed' },
    ]);
    expect(asked.sort()).toEqual(['A x9.one.seed', 'A x9.two.seed', 'AAAA x9.one.seed', 'AAAA x9.two.seed']);
  });

  test('a seed without support for the prefix is queried without it', async () => {
    const { found, asked } = await seedsOf({
      'one.seed': { A: ['203.0.113.1'] },
      'x9.two.seed': {},
      'two.seed': {},
    });
    expect(found).toEqual([{ host: '203.0.113.1', port: 8333, source: 'one.seed' }]);
    expect(asked).toContain('A x9.one.seed');
    expect(asked).toContain('A two.seed');
  });

  test('at most 32 of one seed, each address once, for the seed that is listed first', async () => {
    const many = numbered(40);
    const { found } = await seedsOf({ 'x9.one.seed': { A: many }, 'x9.two.seed': { A: many.slice(0, 10) } });
    const bySource = (source: string) => found.filter((address) => address.source === source);
    expect(bySource('one.seed')).toHaveLength(32);
    expect(new Set(found.map(({ host }) => host)).size).toBe(found.length);
    expect(bySource('two.seed').length).toBeLessThan(10);
  });

  test('the random source alone decides the order', async () => {
    const zone: Zone = { 'x9.one.seed': { A: numbered(20) } };
    const order = async (state: number) => (await seedsOf(zone, {}, state)).found.map(({ host }) => host);
    const first = await order(1);
    expect(await order(1)).toEqual(first);
    expect(await order(2)).not.toEqual(first);
    expect(first).not.toEqual(numbered(20));
    expect([...first].sort()).toEqual(numbered(20).sort());
  });

  test('onlynet holds for DNS and for fixed seeds', async () => {
    const zone: Zone = { 'x9.one.seed': { A: ['203.0.113.1'], AAAA: ['2001:db8::1'] } };
    const six = await seedsOf(zone, { onlynet: ['ipv6'] });
    expect(six.found).toEqual([{ host: '2001:db8::1', port: 8333, source: 'one.seed' }]);
    expect(six.asked.some((question) => question.startsWith('A '))).toBe(false);
    const { found } = await seedsOf({}, { onlynet: ['ipv6'] });
    expect(found).toEqual([{ host: '2001:db8::f', port: 2, source: 'fixed' }]);
  });

  test('when no seed answers, the fixed ones, with their own ports', async () => {
    const silent: Zone = { 'x9.one.seed': 'silent', 'one.seed': 'silent' };
    const { found } = await seedsOf(silent, { timeout: 100 });
    expect(found.sort((a, b) => a.port - b.port)).toEqual([
      { host: '198.51.100.1', port: 1, source: 'fixed' },
      { host: '2001:db8::f', port: 2, source: 'fixed' },
    ]);
  });

  test('one seed without an answer does not affect the other', async () => {
    const zone: Zone = {
      'x9.one.seed': 'silent',
      'one.seed': 'silent',
      'x9.two.seed': { A: ['203.0.113.2'] },
    };
    const { found } = await seedsOf(zone, { timeout: 1_500 });
    expect(found).toEqual([{ host: '203.0.113.2', port: 8333, source: 'two.seed' }]);
  });

  test('unusable servers are reported as an error', async () => {
    const options = { servers: ['dns.example'], random: seeded() };
    expect((await errorOf(seedAddresses(chain, options))).code).toBe('ERR_LOCAL_ARGUMENT');
    expect((await errorOf(resolveHost('a.example', options))).code).toBe('ERR_LOCAL_ARGUMENT');
  });

  test('a signal ends it', async () => {
    const controller = new AbortController();
    const server = await serve({ 'x9.one.seed': 'silent', 'x9.two.seed': 'silent' });
    const { signal } = controller;
    const work = errorOf(seedAddresses(chain, { servers: [server.address], random: seeded(), signal }));
    while (server.asked.length === 0) await new Promise(setImmediate);
    controller.abort();
    expect((await work).code).toBe('ERR_LOCAL_CANCELLED');
    const again = seedAddresses(chain, { random: seeded(), signal });
    expect((await errorOf(again)).code).toBe('ERR_LOCAL_CANCELLED');
  });

  const PUBLIC_SEED = NETWORKS.main.seeds[0]!;

  /** What is dialled and what is left out when one seed answers so. */
  async function sinkholed(seed: string, answer: { A?: string[]; AAAA?: string[] }) {
    const { address } = await serve({ [`x9.${seed}`]: answer });
    const left: SeedAddress[] = [];
    const options = {
      servers: [address],
      random: seeded(),
      unroutable: (addresses: readonly SeedAddress[]) => void left.push(...addresses),
    };
    const found = await seedAddresses({ ...chain, seeds: [seed] }, options);
    return {
      found: found.map(({ host, source }) => `${host} ${source}`),
      left: left.map(({ host }) => host),
    };
  }

  test.each([
    '0.0.0.0',
    '127.0.0.9',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
  ])('%s of a public seed is reported, and the fixed list is used', async (host) => {
    const answer = host.includes(':') ? { AAAA: [host] } : { A: [host] };
    const { found, left } = await sinkholed(PUBLIC_SEED, answer);
    expect(left).toEqual([host]);
    expect(found.sort()).toEqual(['198.51.100.1 fixed', '2001:db8::f fixed']);
  });

  test('the public addresses of such an answer are used', async () => {
    const { found, left } = await sinkholed(PUBLIC_SEED, { A: ['0.0.0.0', '8.8.8.8'], AAAA: ['2a01::1'] });
    expect(left).toEqual(['0.0.0.0']);
    expect(found.sort()).toEqual([`2a01::1 ${PUBLIC_SEED}`, `8.8.8.8 ${PUBLIC_SEED}`]);
  });

  test("a caller's own seed may name any address", async () => {
    const { found, left } = await sinkholed('one.seed', { A: ['127.0.0.1', '10.0.0.1'] });
    expect(left).toEqual([]);
    expect(found.sort()).toEqual(['10.0.0.1 one.seed', '127.0.0.1 one.seed']);
  });

  test('one signal for the queries of all seeds causes no leak warning', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const { address } = await serve({});
    const seeds = Array.from({ length: 12 }, (_, n) => `${n}.seed`);
    const { signal } = new AbortController();
    await seedAddresses({ ...chain, seeds }, { servers: [address], random: seeded(), signal });
    await new Promise(setImmediate);
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  test('regtest queries no seed and has no fixed ones; the fixed seeds of main are all valid', async () => {
    const server = await serve({});
    const options = { servers: [server.address], random: seeded() };
    expect(await seedAddresses(NETWORKS.regtest, options)).toEqual([]);
    expect(server.asked).toEqual([]);
    expect(await seedAddresses({ ...NETWORKS.main, seeds: [] }, options)).toHaveLength(12);
  });
});
