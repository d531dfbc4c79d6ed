/** Dialling: errors of a caller, redials, and the handle, which remains the same. */
import { describe, expect, test } from '@jest/globals';
import type { Net, NodeOptions } from '../src/index.js';
import { createNode } from '../src/index.js';
import { A, B, memoryNetwork, twoNodes } from './support/memory-nodes.js';

describe('redial', () => {
  test('waits longer after each failure, with jitter, up to five minutes', async () => {
    const network = memoryNetwork();
    const b = network.node({}, B.host);
    const delays: number[] = [];
    b.on('redial', ({ delay }) => delays.push(delay));
    b.dial(A, { persistent: true });
    await network.pass(3_600_000);
    delays.slice(0, 8).forEach((delay, i) => {
      expect(delay).toBeGreaterThanOrEqual(500 * 2 ** i);
      expect(delay).toBeLessThanOrEqual(1_000 * 2 ** i);
    });
    expect(Math.max(...delays)).toBeLessThanOrEqual(300_000);
    expect(delays.length).toBeGreaterThan(15);
    await b.stop();
    expect(network.clock.armed).toBe(0);
  });

  test('reconnects when the peer is back', async () => {
    const network = memoryNetwork();
    const b = network.node({}, B.host);
    b.dial(A, { persistent: true });
    await network.pass(5_000);
    const a = network.node({}, A.host);
    await a.listen(A);
    await network.pass(60_000);
    expect(a.peers.size).toBe(1);
    expect(b.peers.list()[0]?.state).toBe('established');
  });

  test('tries the addresses of one host in turn', async () => {
    const { b, a, pass } = await twoNodes();
    b.dial([{ host: '10.9.9.9', port: 1 }, A], { persistent: true });
    // No backoff before the others were tried: the first one would be half a second.
    await pass(100);
    expect(a.peers.size).toBe(1);
  });
});

test.each<[string, number, string | undefined]>([
  ['main', 8333, 'main'],
  ['signet', 38333, 'signet'],
  ['main', 9999, undefined],
  ['main', 18444, undefined],
])('a node of %s that ends the connection on port %s: portof %s', async (chain, port, portof) => {
  const setup = memoryNetwork();
  const at = { host: A.host, port };
  await setup.node({ chain }, A.host).listen(at);
  const b = setup.node({}, B.host);
  const facts: unknown[] = [];
  b.on('ended', ({ lastreason }) => facts.push(lastreason?.facts.portof));
  b.dial(at);
  await setup.pass(61_000);
  expect(facts).toEqual([portof]);
});

describe('invalid calls', () => {
  test('throw at once: no port, no address, invalid options', async () => {
    const { b } = await twoNodes();
    const wrong = expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT' });
    expect(() => b.dial({ host: '10.0.0.1', port: 70_000 })).toThrow(wrong);
    expect(() => b.dial([] as never)).toThrow(wrong);
    expect(() => createNode({ services: 'xyz' })).toThrow(wrong);
    expect(() => createNode({ rules: { handshakeTimeout: Number.NaN } })).toThrow(wrong);
  });

  test('with an aborted signal create a stopped node', async () => {
    const b = memoryNetwork().node({ signal: AbortSignal.abort() }, B.host);
    await expect(b.dial(A).established()).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
    await expect(b.listen(B)).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
  });

  test('listening during or after the stop opens nothing', async () => {
    const { a, b, net } = await twoNodes();
    const pending = b.listen(B);
    await b.stop();
    await expect(pending).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
    await expect(b.listen(B)).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
    await expect(a.listen(B, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_LOCAL_CANCELLED',
    });
    await (await net.at(B.host).listen(B, () => undefined)).close();
  });

  test('a net that fails inside dial is reported to the handle', async () => {
    const failing: Net = {
      listen: () => Promise.reject(new Error('no')),
      dial: (_, handler) => {
        handler.failed('ERR_DIAL_REFUSED', {});
        return () => undefined;
      },
    };
    const peer = memoryNetwork().node({ net: failing }).dial(A);
    await expect(peer.established()).rejects.toMatchObject({ code: 'ERR_DIAL_REFUSED' });
    expect((await peer.ended()).lastreason?.code).toBe('ERR_DIAL_REFUSED');
  });

  test('an event listener that throws does not stop the node', async () => {
    const { a, b, pass } = await twoNodes();
    const later: unknown[] = [];
    // What is thrown in a microtask would end this process; here it is only seen.
    const real = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (run) => later.push(run);
    b.on('ended', () => {
      throw new Error('in ended');
    });
    b.peers.subscribe(({ type }) => {
      if (type === 'deleted') throw new Error('in deleted');
    });
    b.dial(A).close();
    globalThis.queueMicrotask = real;
    await pass();
    b.dial(A);
    await pass();
    expect([a.peers.size, b.peers.size]).toEqual([1, 1]);
    expect(later).toHaveLength(2);
    for (const run of later) expect(run).toThrow(/^in (ended|deleted)$/);
  });
});

describe('the handle', () => {
  test('of an established peer gives its row to whoever asks later', async () => {
    const { b, pass } = await twoNodes();
    const peer = b.dial(A);
    const early = peer.established();
    await pass();
    expect(await early).toMatchObject({ id: peer.id, state: 'established', timeinstate: 0 });
    expect(await peer.established()).toMatchObject({ id: peer.id, state: 'established' });
    peer.close();
    await pass();
    expect(await peer.established()).toMatchObject({ id: peer.id, state: 'closed' });
  });

  test('has the last row already when the end is reported', async () => {
    const { a, b, pass } = await twoNodes();
    const peer = b.dial(A);
    await pass();
    const rows: unknown[] = [];
    b.on('ended', (last) => rows.push([last.state, peer.info()?.state, peer.info()?.id === last.id]));
    a.close(1);
    await pass();
    expect(rows).toEqual([['failed', 'failed', true]]);
  });
});

/** Events of a persistent dial that is refused, connected, disconnected, redialled and closed. */
async function lifeOfTarget(options: NodeOptions): Promise<unknown[]> {
  const network = memoryNetwork();
  const [a, b] = [network.node({}, A.host), network.node(options, B.host)];
  const seen: unknown[] = [];
  for (const event of ['redial', 'established', 'ended', 'abandoned'] as const)
    b.on(event, (payload: unknown) => seen.push([event, payload]));
  const controller = new AbortController();
  const peer = b.dial(A, { persistent: true, v2transport: true, signal: controller.signal });
  await network.pass(1_000);
  await a.listen(A);
  await network.pass(60_000);
  a.close(1);
  await network.pass(60_000);
  controller.abort();
  await network.pass();
  seen.push([peer.id, network.clock.armed]);
  await Promise.all([a.stop(), b.stop()]);
  return seen;
}

test('a target is the same with an actor, for whoever inspects, and without one', async () => {
  const plain = await lifeOfTarget({});
  expect(plain.length).toBeGreaterThan(5);
  const actors = new Set<string>();
  const inspected = await lifeOfTarget({
    inspect: ({ actorRef }) => void ('id' in actorRef && actors.add(String(actorRef.id))),
  });
  expect(inspected).toEqual(plain);
  expect([...actors]).toContain('outbound.1');
});

describe('a persistent dial', () => {
  test('keeps its handle after a redial', async () => {
    const { a, b, pass } = await twoNodes();
    const peer = b.dial(A, { persistent: true });
    await pass();
    const first = peer.id;
    a.close(1);
    await pass(10_000);
    expect(peer.id).not.toBe(first);
    expect(peer.info()?.state).toBe('established');
    peer.close();
    await pass(600_000);
    expect([a.peers.size, b.peers.size, b.redialling]).toEqual([0, 0, 0]);
  });

  test.each(['close', 'abort'] as const)('is ended by %s while it waits for its next round', async (how) => {
    const network = memoryNetwork();
    const b = network.node({}, B.host);
    const stop = new AbortController();
    const peer = b.dial(A, { persistent: true, signal: stop.signal });
    await network.pass(100);
    expect(b.redialling).toBe(1);
    if (how === 'close') peer.close();
    else stop.abort();
    expect([b.redialling, network.clock.armed]).toEqual([0, 0]);
  });
});
