import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { BitcoinNode, Net, Reason } from '../src/index.js';
import { createNode } from '../src/index.js';
import { encodeFrame, encodeMessage, type MessageOf } from '../src/wire/index.js';
import { A, B, memoryNetwork, twoNodes } from './support/memory-nodes.js';

const endsOf = (node: BitcoinNode): (Reason | undefined)[] => {
  const ends: (Reason | undefined)[] = [];
  node.on('ended', (peer) => ends.push(peer.lastreason));
  return ends;
};
const codes = (ends: (Reason | undefined)[]) => ends.map((reason) => reason?.code);

describe('a handshake', () => {
  test('completes on both sides, each with what the other announced', async () => {
    const { a, b, pass } = await twoNodes();
    const peer = b.dial(A);
    await pass();
    expect(peer.info()).toMatchObject({
      state: 'established',
      subver: '/verack:0.1.0/',
      version: 70017,
      inbound: false,
    });
    expect(a.peers.list()).toHaveLength(1);
    expect(a.peers.list()[0]).toMatchObject({
      state: 'established',
      inbound: true,
      negotiated: ['wtxidrelay', 'sendaddrv2', 'sendcmpct'],
      services: '0000000000000000',
      relaytxes: false,
      startingheight: 0,
    });
    expect(peer.info()?.pingtime).toBeCloseTo(0.002);
  });

  test('announces what the options state, and nothing else', async () => {
    const network = memoryNetwork();
    const a = network.node({}, A.host);
    await a.listen(A);
    const b = network.node(
      { services: '0000000000000409', startingheight: 7, uacomment: ['lab'], rules: { relay: true } },
      B.host,
    );
    b.dial(A);
    await network.pass();
    expect(a.peers.list()[0]).toMatchObject({
      servicesnames: ['NETWORK', 'WITNESS', 'NETWORK_LIMITED'],
      startingheight: 7,
      subver: '/verack:0.1.0(lab)/',
      relaytxes: true,
      minfeefilter: 0.00001,
    });
  });

  test('both sides dialling each other at once leaves two live connections', async () => {
    const { a, b, pass } = await twoNodes();
    await b.listen(B);
    const ab = a.dial(B);
    const ba = b.dial(A);
    await pass();
    expect([ab.info()?.state, ba.info()?.state]).toEqual(['established', 'established']);
    expect([a.peers.size, b.peers.size]).toEqual([2, 2]);
  });
});

describe('a connection to itself', () => {
  test('is detected by the accepting side; the dialling side reports it when its link ends', async () => {
    const { a, pass } = await twoNodes();
    const ends = endsOf(a);
    a.dial(A);
    await pass();
    expect(codes(ends)).toEqual(['ERR_PROTO_SELF', 'ERR_PROTO_SELF']);
    expect(a.peers.size).toBe(0);
  });

  test('compares with all connections that are being dialled, not only the latest', async () => {
    const { a, pass } = await twoNodes();
    const ends = endsOf(a);
    const others = Array.from({ length: 5 }, (_, i) => a.dial({ host: '10.9.9.9', port: 1_000 + i }));
    a.dial(A);
    a.dial({ host: '10.9.9.9', port: 999 });
    await pass(4);
    expect(codes(ends).filter((code) => code === 'ERR_PROTO_SELF')).toHaveLength(2);
    expect(others).toHaveLength(5);
  });

  test('is tried again a bounded number of times: another party could have caused it', async () => {
    const { a, pass } = await twoNodes();
    const abandoned: string[] = [];
    const retries: string[] = [];
    a.on('abandoned', ({ reason }) => abandoned.push(reason.code));
    a.on('redial', ({ reason }) => retries.push(reason.code));
    a.dial(A, { persistent: true });
    await pass(3_600_000);
    expect(retries).toEqual(['ERR_PROTO_SELF', 'ERR_PROTO_SELF']);
    expect(abandoned).toEqual(['ERR_PROTO_SELF']);
    expect(a.redialling).toBe(0);
  });
});

describe('slots', () => {
  test('a second connection to the same address is refused', async () => {
    const { b, pass } = await twoNodes();
    b.dial(A);
    const duplicate = { name: 'VerackError', code: 'ERR_POLICY_DUPLICATE' };
    await expect(b.dial(A).established()).rejects.toMatchObject(duplicate);
    await pass();
    await expect(b.dial(A).ended()).rejects.toMatchObject(duplicate);
    expect(b.peers.size).toBe(1);
  });

  test('full outbound slots refuse the next dial and free up at an end', async () => {
    const network = memoryNetwork();
    const b = network.node({ maxoutbound: 1 }, B.host);
    b.dial(A);
    await expect(b.dial({ ...A, port: 2 }).established()).rejects.toMatchObject({ code: 'ERR_POLICY_FULL' });
    await network.pass();
    expect(b.peers.size).toBe(0);
    b.dial({ ...A, port: 2 });
    expect(b.peers.size).toBe(1);
  });

  test('full inbound slots close a new connection without a byte', async () => {
    const network = memoryNetwork();
    const a = network.node({ maxinbound: 1 }, A.host);
    await a.listen(A);
    const refused: string[] = [];
    a.on('refused', ({ reason }) => refused.push(reason.code));
    const first = network.node({}, B.host).dial(A);
    const second = network.node({}, '10.0.0.3').dial(A);
    await network.pass();
    expect(first.info()?.state).toBe('established');
    expect(second.info()).toMatchObject({ bytesrecv: 0 });
    expect(second.info()?.lastreason?.code).toMatch(/^ERR_LINK_/);
    expect(refused).toEqual(['ERR_POLICY_FULL']);
    expect(a.peers.size).toBe(1);
  });
});

describe('the end', () => {
  test('stop closes every peer in order and leaves no timer, link or actor', async () => {
    const { a, b, pass, clock, net } = await twoNodes();
    b.dial(A);
    await pass();
    const ends = endsOf(a);
    const stopped = b.stop();
    await pass(10);
    await stopped;
    expect(codes(ends)).toEqual(['ERR_LINK_EOF']);
    const done = a.stop();
    await pass(3_000);
    await done;
    expect([clock.armed, net.links.size, a.peers.size, b.peers.size]).toEqual([0, 0, 0, 0]);
    await a.stop();
  });

  test('a stopping node refuses to dial', async () => {
    const { b } = await twoNodes();
    await b.stop();
    await expect(b.dial(A).established()).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
  });

  test('await using stops the node', async () => {
    const { a, b, pass } = await twoNodes();
    b.dial(A);
    await pass();
    const gone = b[Symbol.asyncDispose]();
    await pass(10);
    await gone;
    expect(a.peers.size).toBe(0);
  });

  test('an abort signal closes one connection and ends its redials', async () => {
    const { b, pass } = await twoNodes();
    const stop = new AbortController();
    const peer = b.dial(A, { persistent: true, signal: stop.signal });
    await pass();
    stop.abort();
    await pass(600_000);
    expect(peer.info()?.lastreason?.code).toBe('ERR_LOCAL_CANCELLED');
    expect([b.peers.size, b.redialling]).toEqual([0, 0]);
  });

  test('one abort signal ends any number of dials, listeners and nodes, and keeps none of them', async () => {
    const stop = new AbortController();
    const { signal } = stop;
    const { a, b, node, pass } = await twoNodes();
    const peers = Array.from({ length: 20 }, (_, n) => b.dial({ host: A.host, port: n + 1 }, { signal }));
    for (let n = 0; n < 20; n++) {
      node({ signal }, `10.1.0.${n}`);
      b.peers.subscribe(() => undefined, { signal });
      await a.listen({ host: A.host, port: n + 100 }, { signal });
    }
    stop.abort();
    await pass();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(new Set(peers.map((peer) => peer.info()?.lastreason?.code ?? 'ERR_LOCAL_CANCELLED')).size).toBe(1);
  });

  test('established() rejects with the reason when the handshake fails', async () => {
    const { b, pass } = await twoNodes();
    const established = b.dial({ ...A, port: 1 }).established();
    const outcome = established.catch((error: unknown) => error);
    await pass();
    expect(await outcome).toMatchObject({ name: 'VerackError', code: 'ERR_DIAL_REFUSED' });
  });
});

describe('one crashed peer', () => {
  /** Writing to one port throws, as a fault of ours would. */
  const breaking = (inner: Net, port: number): Net => ({
    ...inner,
    dial: (to, handler) =>
      inner.dial(to, {
        ...handler,
        failed: (code, facts) => handler.failed(code, facts),
        opened: (link) => {
          if (to.port === port)
            link.write = () => {
              throw new Error('boom');
            };
          handler.opened(link);
        },
      }),
  });

  test('ends with ERR_LOCAL_BUG and no other peer ends', async () => {
    const { a, net, clock, pass } = await twoNodes();
    await a.listen({ ...A, port: 2 });
    const b = createNode({ chain: 'regtest', clock, net: breaking(net.at(B.host), 2) });
    const healthy = b.dial(A);
    await pass();
    const broken = b.dial({ ...A, port: 2 });
    await pass();
    expect(broken.info()?.lastreason).toMatchObject({ code: 'ERR_LOCAL_BUG', facts: { what: 'boom' } });
    expect(healthy.info()?.state).toBe('established');
    expect(b.dial({ ...A, port: 2 })).toBeDefined();
  });
});

describe('the clock', () => {
  test('a ping goes out every two minutes and its latency is kept', async () => {
    const { b, pass } = await twoNodes(memoryNetwork(20));
    const peer = b.dial(A);
    const pings: string[] = [];
    b.on(
      'message',
      ({ direction, command }) => direction === 'sent' && command === 'ping' && pings.push(command),
    );
    await pass(1_000);
    expect(pings).toHaveLength(1);
    await pass(121_000);
    expect(pings).toHaveLength(2);
    await pass(10 * 121_000);
    expect(pings.length).toBeGreaterThanOrEqual(11);
    expect(peer.info()).toMatchObject({ state: 'established', pingtime: 0.04, minping: 0.04 });
  });

  test('a pong that answers our ping is reported with its round trip, another one is not', async () => {
    const { a, b, pass } = await twoNodes(memoryNetwork(20));
    const pongs: object[] = [];
    b.on('pong', (pong) => pongs.push(pong));
    const peer = b.dial(A);
    await pass();
    const expectedPongs = [{ id: peer.id, addr: '10.0.0.1:18444', pingtime: 0.04 }];
    expect(pongs).toEqual(expectedPongs);
    for (const { id } of a.peers.list()) a.send(id, { command: 'pong', nonce: '0000000000000007' });
    await pass();
    expect(pongs).toEqual(expectedPongs);
    await pass(121_000);
    expect(pongs).toHaveLength(2);
  });

  test('a jump of an hour ends no peer and is reported', async () => {
    const { a, b, clock, pass } = await twoNodes();
    const peer = b.dial(A);
    await pass();
    const jumps: number[] = [];
    b.on('jump', ({ ms }) => jumps.push(ms));
    clock.jump(3_600_000);
    await pass(300_000);
    expect(jumps).toHaveLength(1);
    expect(jumps[0]).toBeGreaterThan(3_590_000);
    expect(peer.info()?.state).toBe('established');
    expect(a.peers.size).toBe(1);
  });

  test('silence for longer than the idle limit ends a peer, with the reason', async () => {
    const network = memoryNetwork();
    const a = network.node({}, A.host);
    await a.listen(A);
    const peer = network.node({ rules: { idleTimeout: 30_000 } }, B.host).dial(A);
    await network.pass(29_000);
    expect(peer.info()?.state).toBe('established');
    await network.pass(3_000);
    expect(peer.info()?.lastreason).toEqual({
      code: 'ERR_TIME_IDLE',
      facts: { state: 'established', ms: 30_000 },
    });
  });
});

describe('the tracker', () => {
  test('reports created, changed and ended peers, until unsubscribed', async () => {
    const { b, pass } = await twoNodes();
    const seen: [string, string][] = [];
    const stop = b.peers.subscribe(({ type, peer }) => seen.push([type, peer.state]));
    const peer = b.dial(A);
    await pass();
    peer.close();
    await pass();
    stop();
    b.dial(A);
    expect(seen.filter((change, i) => i === 0 || change.join() !== seen[i - 1]?.join())).toEqual([
      ['created', 'connecting'],
      ['updated', 'versionSent'],
      ['updated', 'versionReceived'],
      ['updated', 'established'],
      ['updated', 'closed'],
      ['deleted', 'closed'],
    ]);
  });

  test('reports a pong, but not an event that changed nothing', async () => {
    const { b, pass } = await twoNodes();
    const pings: (number | undefined)[] = [];
    b.peers.subscribe(({ peer }) => peer.state === 'established' && pings.push(peer.pingtime));
    b.dial(A);
    await pass(100_000);
    // Established, then their sendcmpct, then the pong; their ping and getaddr teach nothing.
    expect(pings).toEqual([undefined, undefined, expect.any(Number)]);
  });

  test('gives frozen snapshots and the next deadline', async () => {
    const { b, pass } = await twoNodes();
    const peer = b.dial(A);
    const before = peer.info();
    expect(before?.nextdeadline).toEqual({ what: 'connect', in: 5 });
    await pass();
    const after = peer.info();
    expect(Object.isFrozen(after)).toBe(true);
    expect(after?.nextdeadline?.what).toBe('ping');
    expect(after?.timeinstate).toBeGreaterThan(0.9);
    expect(before?.state).toBe('connecting');
  });

  test('can be read only', async () => {
    const { b, pass } = await twoNodes();
    const peer = b.dial({ ...A, port: 1 });
    await pass();
    expect(Object.keys(b.peers).sort()).toEqual(['get', 'list', 'recent', 'size', 'subscribe']);
    const reason = peer.info()?.lastreason;
    expect(() => Object.assign(reason ?? {}, { code: 'HACKED' })).toThrow(TypeError);
    expect(() => Object.assign(reason?.facts ?? {}, { state: 'HACKED' })).toThrow(TypeError);
  });

  test('has the reason of the previous connection', async () => {
    const { b, pass } = await twoNodes();
    const first = b.dial({ ...A, port: 1 });
    await pass();
    expect(first.info()?.lastreason?.code).toBe('ERR_DIAL_REFUSED');
    const again = b.dial({ ...A, port: 1 });
    expect(again.info()?.lastreason?.code).toBe('ERR_DIAL_REFUSED');
    expect(b.peers.recent().map((peer) => peer.id)).toEqual([first.id]);
  });
});

describe('a version with a garbled tail', () => {
  const NOWHERE = { services: '0000000000000000', ip: new Uint8Array(16), port: 0 };
  const version = (number: number) =>
    encodeMessage({ ...versionMessageOf(number), user_agent: new Uint8Array(300) });
  const versionMessageOf = (number: number): MessageOf<'version'> => ({
    command: 'version',
    version: number,
    services: '0000000000000000',
    timestamp: '0000000000000000',
    addr_recv: NOWHERE,
    addr_from: NOWHERE,
    nonce: '00000000000000aa',
  });

  /** Sends `payloads` as version messages over a link that we open to `a`. */
  async function tell(payloads: Uint8Array[]) {
    const { a, net, pass } = await twoNodes();
    const silent = { data: () => undefined, closed: () => undefined };
    net.at(B.host).dial(A, {
      failed: () => undefined,
      opened: (link) => {
        link.attach(silent);
        for (const payload of payloads) link.write([encodeFrame(a.chain.magic, 'version', payload)]);
      },
    });
    await pass();
    return a;
  }

  test('is refused for its version number, which Core checks first', async () => {
    const a = await tell([version(31_799)]);
    expect(a.peers.recent()[0]?.lastreason?.code).toBe('ERR_POLICY_VERSION');
  });

  test('is dropped, and a valid one is accepted afterwards', async () => {
    const a = await tell([version(70_016), encodeMessage(versionMessageOf(70_016))]);
    expect(a.peers.list()[0]).toMatchObject({
      state: 'versionReceived',
      version: 70_016,
      dropped: { ERR_CODEC_RANGE: 1 },
    });
  });

  test('is dropped, and named in the reason of the timeout', async () => {
    const { a, net, pass } = await twoNodes();
    net.at(B.host).dial(A, {
      failed: () => undefined,
      opened: (link) => {
        link.attach({ data: () => undefined, closed: () => undefined });
        link.write([encodeFrame(a.chain.magic, 'version', version(70_016))]);
      },
    });
    await pass(61_000);
    expect(a.peers.recent()[0]?.lastreason).toMatchObject({
      code: 'ERR_TIME_HANDSHAKE',
      facts: { awaited: 'version', dropped: 'version: ERR_CODEC_RANGE' },
    });
  });
});
