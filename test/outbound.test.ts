/** Targets of a node, on a virtual clock: which transport each connection uses, when the next one follows, and to which address. */
import { describe, expect, test } from '@jest/globals';

import type { DialOptions, NodeOptions, PeerInfo } from '../src/index.js';
import type { Lookup } from '../src/net/dns.js';
import type { Endpoint, Link } from '../src/net/link.js';
import type { MemoryNet } from '../src/net/memory.js';
import { NETWORKS } from '../src/networks.js';
import { probe } from '../src/probe/probe.js';
import { encodeFrame } from '../src/wire/index.js';
import { driven } from './support/drive-clock.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { chain, GOOD, play, VERSION } from './support/scripted-node.js';

const A: Endpoint = { host: '10.0.0.1', port: 18444 };
const B: Endpoint = { host: '10.0.0.2', port: 18444 };
const HERE = '10.0.0.9';

/** The transport of an accepted connection, by its first bytes. */
const transportOf = (chunk: Uint8Array): 'v1' | 'v2' =>
  Buffer.from(chunk.subarray(0, 4)).equals(Buffer.from(chain.magic)) ? 'v1' : 'v2';

interface ScriptedPeer {
  /** The transport of each accepted connection, in order. */
  readonly accepted: ('v1' | 'v2')[];
  /** The open connection. */
  link: Link | undefined;
}

/** A v1 node that sends `version` before it reads (`eager`), and closes when the magic is wrong. */
async function v1Peer(net: MemoryNet, at: Endpoint, eager: boolean): Promise<ScriptedPeer> {
  const peer: ScriptedPeer = { accepted: [], link: undefined };
  await net.listen(at, (link) => {
    peer.link = link;
    let isFirst = true;
    play(link, {
      opened: (connection) => eager && connection.send('version', VERSION),
      bytes: (_, chunk) => {
        if (isFirst) peer.accepted.push(transportOf(chunk));
        isFirst = false;
        if (peer.accepted.at(-1) === 'v2') link.end();
      },
      message: (connection, command, payload) => {
        if (command === 'version') {
          if (!eager) connection.send('version', VERSION);
          connection.send('verack');
        } else GOOD.message?.(connection, command, payload);
      },
    });
  });
  return peer;
}

/** A node that dials, and one scripted v1 peer at A. */
async function target(eager: boolean, options: NodeOptions, dial: DialOptions) {
  const setup = memoryNetwork(0);
  const remote = await v1Peer(setup.net, A, eager);
  const node = setup.node(options, HERE);
  const ended: PeerInfo[] = [];
  const failures: number[] = [];
  node.on('ended', (peer) => ended.push(peer));
  node.on('redial', (round) => failures.push(round.failures));
  const peer = node.dial(A, dial);
  await setup.pass(0);
  return { ...setup, node, remote, peer, ended, failures };
}

const V2: NodeOptions = { v2transport: true };

describe('a peer that sends its v1 version before it reads', () => {
  test.each([false, true])('is connected again as v1 at once (persistent: %s)', async (persistent) => {
    const { peer, remote, clock, node } = await target(true, V2, { persistent });
    const at = clock.now();
    expect(peer.info()).toMatchObject({ state: 'established', transport_protocol_type: 'v1' });
    expect(remote.accepted).toEqual(['v2', 'v1']);
    expect(at).toBeLessThan(100);
    await node.stop();
  });

  test('stays v1 in every later round', async () => {
    const { peer, remote, pass, node } = await target(true, V2, { persistent: true });
    for (let round = 1; round <= 3; round++) {
      remote.link?.end();
      await pass(10_000);
      expect(peer.info()?.state).toBe('established');
    }
    expect(remote.accepted).toEqual(['v2', 'v1', 'v1', 'v1', 'v1']);
    await node.stop();
  });

  test('is connected again after more than 4,111 bytes too', async () => {
    const setup = memoryNetwork(0);
    const accepted: string[] = [];
    await setup.net.listen(A, (link) => {
      const frames = [encodeFrame(chain.magic, 'version', VERSION)];
      for (let i = 0; i < 100; i++) frames.push(encodeFrame(chain.magic, 'alert', new Uint8Array(50)));
      link.attach({ data: (chunk) => void accepted.push(transportOf(chunk)), closed: () => undefined });
      link.write(frames);
    });
    const node = setup.node(V2, HERE);
    node.dial(A);
    await setup.pass(0);
    expect([accepted[0], accepted.at(-1)]).toEqual(['v2', 'v1']);
    await node.stop();
  });

  /** A peer that accepts, sends the first `size` bytes of a v1 version, and then neither reads nor closes. */
  async function acceptWith(bytes: Uint8Array) {
    const setup = memoryNetwork(0);
    const accepted: string[] = [];
    await setup.net.listen(A, (link) => {
      link.attach({ data: (chunk) => void accepted.push(transportOf(chunk)), closed: () => undefined });
      link.write([bytes]);
    });
    return { ...setup, accepted };
  }
  const FRAME = encodeFrame(chain.magic, 'version', VERSION);

  test.each([
    [15, ['v2']],
    [16, ['v2', 'v1']],
  ] as const)('after %d bytes of its header: %j, at once', async (size, transports) => {
    const { accepted, node, pass } = await acceptWith(FRAME.slice(0, size));
    const us = node(V2, HERE);
    const fallbacks: PeerInfo[] = [];
    us.on('fallback', (peer) => fallbacks.push(peer));
    us.dial(A);
    await pass(0);
    expect(accepted).toEqual(transports);
    const codes = fallbacks.map(({ lastreason }) => lastreason?.code);
    expect(codes).toEqual(size === 16 ? ['ERR_V2_UNSUPPORTED'] : []);
    await us.stop();
  });

  test('is probed as v1', async () => {
    const { net, clock } = memoryNetwork(0);
    await v1Peer(net, A, true);
    const report = probe(`${A.host}:${A.port}`, { chain: 'regtest', net: net.at(HERE), clock, ...V2 });
    expect(await driven(clock, report)).toMatchObject({ ok: true, transport_protocol_type: 'v1' });
  });

  test('of another chain is named at once', async () => {
    const { accepted, node, pass } = await acceptWith(encodeFrame(NETWORKS.main.magic, 'version', VERSION));
    const us = node(V2, HERE);
    const peer = us.dial(A);
    await pass(0);
    expect(peer.info()?.lastreason).toMatchObject({
      code: 'ERR_V2_OTHER_NETWORK',
      facts: { network: 'main' },
    });
    expect(accepted).toEqual(['v2']);
    await us.stop();
  });

  test('ends a dial that refuses v1', async () => {
    const { peer, remote } = await target(true, { v2only: true }, {});
    expect(remote.accepted).toEqual(['v2']);
    expect((await peer.ended()).lastreason?.code).toBe('ERR_POLICY_TRANSPORT');
  });
});

describe('a peer that gives no answer to BIP324', () => {
  test('stays v1 in every later round', async () => {
    const { remote, pass, node } = await target(false, V2, { persistent: true });
    remote.link?.end();
    await pass(10_000);
    expect(remote.accepted).toEqual(['v2', 'v1', 'v1']);
    await node.stop();
  });
});

describe('the backoff', () => {
  /** The failures that are counted when the connection of the third round ends after `ms`. */
  async function afterConnectionOf(ms: number): Promise<number[]> {
    const { remote, pass, clock, node, failures } = await target(false, {}, { persistent: true });
    let establishedat = 0;
    node.on('established', () => (establishedat = clock.now()));
    for (let round = 1; round <= 2; round++) {
      remote.link?.end();
      await pass(10_000);
    }
    failures.splice(0);
    await pass(ms - (clock.now() - establishedat));
    remote.link?.end();
    await pass(0);
    await node.stop();
    return failures;
  }

  test.each([
    [59_999, [3]],
    [60_000, [1]],
    [3_600_000, [1]],
  ])('counts after a connection of %d ms: %j failures', async (ms, expected) => {
    expect(await afterConnectionOf(ms)).toEqual(expected);
  });
});

describe('a name', () => {
  /** A lookup that gives `answers` in turn, the last one again and again. */
  function lookupOf(answers: readonly (readonly string[])[]): { lookup: Lookup; names: string[] } {
    const names: string[] = [];
    const lookup: Lookup = (name, handler) => {
      handler.found(answers[Math.min(names.push(name), answers.length) - 1] ?? []);
      return () => undefined;
    };
    return { lookup, names };
  }

  test('is looked up again in every round, and its new address is dialled', async () => {
    const setup = memoryNetwork(0);
    const [first, second] = [await v1Peer(setup.net, A, false), await v1Peer(setup.net, B, false)];
    const { lookup, names } = lookupOf([[A.host], [B.host]]);
    const node = setup.node({ lookup }, HERE);
    const peer = node.dial('node.example', { persistent: true });
    await setup.pass(0);
    expect(peer.info()).toMatchObject({ addr: '10.0.0.1:18444', state: 'established' });
    first.link?.end();
    await setup.pass(10_000);
    expect(peer.info()).toMatchObject({ addr: '10.0.0.2:18444', state: 'established' });
    second.link?.end();
    await setup.pass(10_000);
    expect(names).toEqual(['node.example', 'node.example', 'node.example']);
    await node.stop();
  });

  test('has its address dialled as v1 in later rounds, as long as it keeps it', async () => {
    const setup = memoryNetwork(0);
    const first = await v1Peer(setup.net, A, true);
    const second = await v1Peer(setup.net, B, true);
    const { lookup } = lookupOf([[A.host], [A.host], [B.host], [A.host]]);
    const node = setup.node({ ...V2, lookup }, HERE);
    node.dial('node.example', { persistent: true });
    await setup.pass(0);
    for (const peer of [first, first, second]) {
      peer.link?.end();
      await setup.pass(20_000);
    }
    expect(second.accepted).toEqual(['v2', 'v1']);
    expect(first.accepted).toEqual(['v2', 'v1', 'v1', 'v2', 'v1']);
    await node.stop();
  });

  test('has its next address dialled with v2, although the one before speaks v1', async () => {
    const stage = memoryNetwork(0);
    await stage.net.listen(A, (link) => {
      link.attach({ data: () => link.end(), closed: () => undefined });
      link.write([encodeFrame(chain.magic, 'version', VERSION)]);
    });
    const node = stage.node({ ...V2, lookup: lookupOf([[A.host, B.host]]).lookup }, HERE);
    const dialled: [addr: string, transport: string][] = [];
    node.peers.subscribe(({ type, peer }) => {
      if (type === 'created') dialled.push([peer.addr, peer.transport_protocol_type]);
    });
    node.dial('node.example');
    await stage.pass(0);
    expect(dialled).toEqual([
      ['10.0.0.1:18444', 'detecting'],
      ['10.0.0.1:18444', 'v1'],
      ['10.0.0.2:18444', 'detecting'],
    ]);
    await node.stop();
  });

  test('is looked up again after the lookup has failed', async () => {
    const setup = memoryNetwork(0);
    await v1Peer(setup.net, A, false);
    let count = 0;
    const lookup: Lookup = (_, handler) => {
      if (++count < 3) handler.failed({ code: 'ERR_DIAL_DNS', facts: {} });
      else handler.found([A.host]);
      return () => undefined;
    };
    const node = setup.node({ lookup }, HERE);
    const peer = node.dial('node.example', { persistent: true });
    await setup.pass(10_000);
    expect(peer.info()?.state).toBe('established');
    expect(count).toBe(3);
    await node.stop();
  });

  test('has its next address dialled when the first one is connected already', async () => {
    const setup = memoryNetwork(0);
    for (const at of [A, B]) await v1Peer(setup.net, at, false);
    const { lookup } = lookupOf([[A.host, B.host]]);
    const node = setup.node({ lookup }, HERE);
    node.dial(A);
    const peer = node.dial('node.example');
    await setup.pass(0);
    expect(peer.info()).toMatchObject({ addr: '10.0.0.2:18444', state: 'established' });
    expect(node.peers.size).toBe(2);
    await node.stop();
  });

  test('is refused when its only address is connected already', async () => {
    const setup = memoryNetwork(0);
    await v1Peer(setup.net, A, false);
    const node = setup.node({ lookup: lookupOf([[A.host]]).lookup }, HERE);
    node.dial(A);
    await expect(node.dial('node.example').established()).rejects.toMatchObject({
      code: 'ERR_POLICY_DUPLICATE',
    });
    await node.stop();
  });

  test('is looked up again when its only address is connected already, and then has another', async () => {
    const setup = memoryNetwork(0);
    for (const at of [A, B]) await v1Peer(setup.net, at, false);
    const node = setup.node({ lookup: lookupOf([[A.host], [B.host]]).lookup }, HERE);
    node.dial(A);
    const peer = node.dial('node.example', { persistent: true });
    await setup.pass(5_000);
    expect(peer.info()).toMatchObject({ addr: '10.0.0.2:18444', state: 'established' });
    await node.stop();
  });

  test.each([
    [[A.host], 'established'],
    [[B.host], undefined],
  ])(
    'that leads to a stranger for a while is looked up again if it led to a node before: %j',
    async (first, state) => {
      const setup = memoryNetwork(0);
      const known = await v1Peer(setup.net, A, false);
      await setup.net.listen(B, (link) => link.write([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]));
      const { lookup, names } = lookupOf([first, [B.host], [A.host]]);
      const node = setup.node({ lookup, v2transport: false }, HERE);
      const peer = node.dial('node.example', { persistent: true });
      await setup.pass(0);
      known.link?.end();
      await setup.pass(20_000);
      expect(peer.info()?.state === 'established' ? 'established' : undefined).toBe(state);
      expect(names).toHaveLength(state === undefined ? 1 : 3);
      await node.stop();
    },
  );

  test('has its lookup cancelled by close', async () => {
    const setup = memoryNetwork(0);
    let cancelled = 0;
    const node = setup.node({ lookup: () => () => void cancelled++ }, HERE);
    const peer = node.dial('node.example', { persistent: true });
    peer.close();
    await expect(peer.established()).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
    expect([cancelled, setup.clock.armed]).toEqual([1, 0]);
    await node.stop();
  });
});
