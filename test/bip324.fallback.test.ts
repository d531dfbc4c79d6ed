/** BIP324 between two nodes of verack, over links in memory: when v2 is used, when the dialler falls back, and how connections end. */
import { describe, expect, test } from '@jest/globals';
import type { NodeOptions, PeerInfo } from '../src/index.js';
import { V2_FAULT_NAMES, V2_FAULTS } from '../src/connection/v2-faults.js';
import { memoryNetwork } from './support/memory-nodes.js';

const A = { host: '10.0.0.1', port: 18444 };
const B = { host: '10.0.0.2', port: 18444 };

/** `a` listens, `b` dials it, and the clock advances. */
async function meet(listening: NodeOptions, dialling: NodeOptions, ms = 1_000) {
  const network = memoryNetwork();
  const a = network.node(listening, A.host);
  const b = network.node(dialling, B.host);
  const fallbacks: PeerInfo[] = [];
  b.on('fallback', (peer) => fallbacks.push(peer));
  await a.listen(A);
  const peer = b.dial(A);
  await network.pass(ms);
  return { ...network, a, b, peer, fallbacks };
}

const V2: NodeOptions = { v2transport: true };

describe('two nodes with v2', () => {
  test('use v2 and have the same session id', async () => {
    const { a, peer } = await meet(V2, V2);
    const ours = peer.info();
    const [theirs] = a.peers.list();
    expect(ours).toMatchObject({
      state: 'established',
      transport_protocol_type: 'v2',
      servicesnames: ['P2P_V2'],
    });
    expect(ours?.session_id).toMatch(/^[0-9a-f]{64}$/);
    expect(theirs).toMatchObject({ state: 'established', session_id: ours?.session_id });
    expect(ours?.pingtime).toBeCloseTo(0.002);
  });

  test.each([true, false])(
    'measure the time to version from the open link; dialled with v2: %s',
    async (v2transport) => {
      const { node, pass } = memoryNetwork(40);
      await node(V2, A.host).listen(A);
      const peer = node(V2, B.host).dial(A, { v2transport });
      await pass();
      expect(peer.info()?.phases).toEqual({ connect: 80, version: v2transport ? 160 : 80, verack: 0 });
    },
  );

  test.each([0, 1, 2_000, 4_094, 4_095])('accept %d bytes of garbage', async (garbage) => {
    const { peer } = await meet(
      { ...V2, padding: { garbage, decoys: [] } },
      { ...V2, padding: { garbage, decoys: [] } },
    );
    expect(peer.info()).toMatchObject({ state: 'established', transport_protocol_type: 'v2' });
  });

  test('skip decoys before the version packet', async () => {
    const padding = { garbage: 7, decoys: [0, 1, 300] };
    const { peer } = await meet({ ...V2, padding }, { ...V2, padding });
    expect(peer.info()).toMatchObject({ state: 'established', transport_protocol_type: 'v2' });
  });

  test('exchange messages through more than three rekeyings in each direction', async () => {
    const { a, b, peer, pass } = await meet(V2, V2);
    const pongs: string[] = [];
    b.on(
      'message',
      ({ direction, command }) => direction === 'received' && command === 'pong' && pongs.push(command),
    );
    for (let i = 0; i < 4 * 224; i++)
      b.send(peer.id, { command: 'ping', nonce: i.toString(16).padStart(16, '0') });
    await pass(100);
    expect(pongs).toHaveLength(4 * 224);
    expect(a.peers.list()[0]?.state).toBe('established');
    expect(peer.info()?.state).toBe('established');
  });

  test('use a new key and garbage on every connection', async () => {
    const first = await meet(V2, V2);
    const id = first.peer.info()?.session_id;
    first.peer.close();
    await first.pass();
    const again = first.b.dial(A);
    await first.pass();
    expect(again.info()?.session_id).toMatch(/^[0-9a-f]{64}$/);
    expect(again.info()?.session_id).not.toBe(id);
  });
});

describe('a node with v2 and a node without', () => {
  test('the listener detects v1 by the first bytes', async () => {
    const { a, peer } = await meet(V2, {});
    expect(peer.info()).toMatchObject({
      state: 'established',
      transport_protocol_type: 'v1',
      session_id: '',
    });
    expect(a.peers.list()[0]).toMatchObject({ transport_protocol_type: 'v1' });
  });

  test('the dialler reconnects once as v1, with the same handle', async () => {
    const { a, b, peer, fallbacks } = await meet({}, V2);
    expect(peer.info()).toMatchObject({ state: 'established', transport_protocol_type: 'v1' });
    expect(fallbacks.map(({ lastreason }) => lastreason?.facts)).toMatchObject([
      { transport: 'v2', retry: 'v1' },
    ]);
    expect(b.peers.size).toBe(1);
    // The v2 attempt is not an outcome of the connection that is established.
    expect(peer.info()?.lastreason).toBeUndefined();
    expect(b.peers.list()[0]?.lastreason).toBeUndefined();
    expect(a.peers.recent().map(({ lastreason }) => lastreason?.code)).toEqual(['ERR_FRAME_MAGIC']);
  });

  test('v2only refuses instead: as a dialler', async () => {
    const { peer, fallbacks } = await meet({}, { v2only: true });
    expect(peer.info()?.lastreason).toMatchObject({
      code: expect.stringMatching(/^ERR_LINK_/),
      facts: { transport: 'v2' },
    });
    expect(fallbacks).toEqual([]);
  });

  test('v2only refuses instead: as a listener', async () => {
    const { a } = await meet({ v2only: true }, {});
    expect(a.peers.recent()[0]?.lastreason).toMatchObject({ code: 'ERR_POLICY_TRANSPORT' });
  });

  test('a v1 node of another network is not taken for v2', async () => {
    const { a } = await meet(V2, { chain: 'testnet4' });
    expect(a.peers.recent()[0]?.lastreason).toMatchObject({
      code: 'ERR_V2_OTHER_NETWORK',
      facts: { network: 'testnet4' },
    });
  });

  test('v2 nodes of different networks never find a terminator', async () => {
    const { a, b, pass } = await meet(V2, { ...V2, chain: 'testnet4' });
    await pass(61_000);
    const codes = [...a.peers.recent(), ...b.peers.recent()].map(({ lastreason }) => lastreason?.code);
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) expect(code).toMatch(/^ERR_(V2_GARBAGE|TIME_HANDSHAKE|LINK_EOF|LINK_RESET)$/);
  });
});

describe('the outcome of an address', () => {
  test('is kept, so that a change from v2 to v1 is visible', async () => {
    const { a, b, peer, pass, node } = await meet(V2, V2);
    expect(peer.info()?.lasttransport).toBeUndefined();
    peer.close();
    await pass();
    const done = a.stop();
    await pass(3_000);
    await done;
    const older = node({}, A.host);
    await older.listen(A);
    const again = b.dial(A);
    await pass();
    expect(again.info()).toMatchObject({ transport_protocol_type: 'v1', lasttransport: 'v2' });
  });
});

describe('a silent peer', () => {
  const quiet = { data: () => undefined, closed: () => undefined };

  test("ends a v2 dialler's attempt at the deadline, and v1 is tried once", async () => {
    const network = memoryNetwork();
    const b = network.node(V2, B.host);
    let accepted = 0;
    await network.net.at(A.host).listen(A, (link) => (accepted++, link.attach(quiet)));
    const peer = b.dial(A);
    await network.pass(59_000);
    expect(peer.info()?.nextdeadline).toEqual({ what: 'handshake', in: expect.closeTo(1, 1) });
    expect([accepted, peer.info()?.state, peer.info()?.transport_protocol_type]).toEqual([
      1,
      'connecting',
      'detecting',
    ]);
    await network.pass(2_000);
    expect([accepted, peer.info()?.state]).toEqual([2, 'versionSent']);
    await network.pass(61_000);
    expect([accepted, peer.info()?.lastreason?.code]).toEqual([2, 'ERR_TIME_HANDSHAKE']);
  });

  test('ends on a v2 listener at the deadline', async () => {
    const network = memoryNetwork();
    const a = network.node(V2, A.host);
    await a.listen(A);
    network.net.at(B.host).dial(A, { opened: (link) => link.attach(quiet), failed: () => undefined });
    await network.pass(59_000);
    expect(a.peers.size).toBe(1);
    await network.pass(2_000);
    expect(a.peers.recent()[0]?.lastreason).toMatchObject({
      code: 'ERR_TIME_HANDSHAKE',
      facts: { transport: 'detecting', role: 'responder' },
    });
    expect(network.clock.armed).toBe(0);
  });

  test('after one received byte there is no fallback to v1', async () => {
    const network = memoryNetwork();
    const b = network.node(V2, B.host);
    await network.net.at(A.host).listen(A, (link) => {
      link.attach(quiet);
      link.write([Uint8Array.of(1)]);
      network.clock.setTimeout(() => link.end(), 10);
    });
    const peer = b.dial(A);
    await network.pass();
    expect(peer.info()?.lastreason).toMatchObject({ code: 'ERR_LINK_EOF', facts: { transport: 'v2' } });
    expect(b.peers.recent()).toHaveLength(1);
  });

  test('the reason of a peer that closes both a v2 and a v1 connection names both', async () => {
    const network = memoryNetwork();
    const b = network.node(V2, B.host);
    await network.net.at(A.host).listen(A, (link) => link.end());
    const peer = b.dial(A);
    await network.pass();
    expect(peer.info()?.lastreason).toMatchObject({ code: 'ERR_LINK_EOF', facts: { afterv2: true } });
  });
});

describe.each(V2_FAULT_NAMES)('%s', (v2fault) => {
  const { expect: expected } = V2_FAULTS[v2fault];
  const faulty: NodeOptions = { ...V2, v2fault, padding: { garbage: 10, decoys: [] } };
  const seen = ({ state, lastreason }: Partial<PeerInfo>) =>
    state === 'established' ? state : lastreason?.code;

  test(`in a dialler: the listener sees ${expected}`, async () => {
    const { a } = await meet(V2, faulty, 62_000);
    expect(seen(a.peers.list()[0] ?? a.peers.recent()[0] ?? {})).toBe(expected);
  });

  test(`in a listener: the dialler sees ${expected}`, async () => {
    const { peer, fallbacks } = await meet(faulty, V2, 62_000);
    expect(seen(peer.info() ?? {})).toBe(expected);
    expect(fallbacks).toEqual([]);
  });
});

test('endless decoys in a dialler: no message is taken for the version packet', async () => {
  const { a } = await meet(V2, { ...V2, v2fault: 'v2-endless-decoys' }, 62_000);
  const [ended] = a.peers.recent();
  expect(ended?.lastreason).toMatchObject({ code: 'ERR_TIME_HANDSHAKE', facts: { state: 'connecting' } });
});

describe('the secrets', () => {
  test('are cleared in a stopped node, with every timer and actor', async () => {
    const { a, b, clock, pass, net } = await meet(V2, V2);
    const done = Promise.all([a.stop(), b.stop()]);
    await pass(3_000);
    await done;
    expect([clock.armed, net.links.size]).toEqual([0, 0]);
  });
});
