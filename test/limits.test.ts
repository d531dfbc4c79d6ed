/** The cost of one peer: bytes that wait for it, and useless messages. On a virtual clock. */
import { describe, expect, test } from '@jest/globals';
import type { BitcoinNode, Net, NodeOptions, Reason } from '../src/index.js';
import type { Facts } from '../src/reasons.js';
import type { Link } from '../src/net/link.js';
import { NETWORKS } from '../src/networks.js';
import { UnsentBytes } from '../src/connection/unsent-bytes.js';
import { RateLimiter } from '../src/connection/rate-limiter.js';
import { createV1Framer } from '../src/wire/index.js';
import { greeting, VERACK } from './grid/handshake.js';
import { frame, framed, NONE, ZERO } from './grid/row.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { GOOD, play } from './support/scripted-node.js';

const A = { host: '10.0.0.1', port: 18_444 };
const MINUTE = 60_000;

const UNKNOWN = frame('xyzzy', NONE);
const PING = framed({ command: 'ping', nonce: ZERO });
const BAD_CHECKSUM = PING.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
const SHORT_PING = frame('ping', new Uint8Array(7));
const SHORT_INV = frame('inv', Uint8Array.of(2));
const VALID_INV = frame('inv', Uint8Array.of(1, 2, 0, 0, 0, ...Array<number>(32).fill(7)));

/** A node, and a raw link that dialled it. */
async function called(options: NodeOptions = {}) {
  const network = memoryNetwork();
  const node = network.node(options, A.host);
  await node.listen(A);
  const received: string[] = [];
  const ends: (Reason | undefined)[] = [];
  node.on('ended', ({ lastreason }) => ends.push(lastreason));
  let link!: Link;
  const framer = createV1Framer(NETWORKS.regtest.magic);
  const data = (chunk: Uint8Array) => {
    for (const event of framer.feed(chunk)) if (event.kind === 'frame') received.push(event.command);
  };
  network.net.at('10.0.0.2').dial(A, {
    opened: (opened) => (link = opened).attach({ data, closed: () => undefined }),
    failed: () => undefined,
  });
  network.clock.advance(10);
  const send = (...frames: Uint8Array[]) => {
    link.write(frames);
    network.clock.advance(10);
  };
  const repeat = (count: number, bytes: Uint8Array) => send(...Array<Uint8Array>(count).fill(bytes));
  const id = node.peers.list()[0]!.id;
  return { ...network, node, link, id, received, ends, send, repeat };
}

async function established(options: NodeOptions = {}) {
  const network = await called(options);
  network.send(greeting(70017));
  network.send(VERACK);
  expect(network.node.peers.get(network.id)?.state).toBe('established');
  return network;
}

/** Sends until it is refused; how many messages were taken. */
function fill(node: BitcoinNode, id: number): number {
  for (let count = 0; count < 1_000; count += 1)
    if (!node.send(id, { command: 'block', payload: new Uint8Array(100_000) })) return count;
  return Infinity;
}

describe('a peer that does not read', () => {
  test('gets no more data once a megabyte waits, until it has read all of it', async () => {
    const { node, link, id, clock } = await established();
    const drained: number[] = [];
    node.on('drained', (peer) => drained.push(peer.id));
    link.pause();
    expect(fill(node, id)).toBe(10);
    const { bytessent } = node.peers.get(id)!;
    expect(node.send(id, { command: 'verack' })).toBe(false);
    expect(node.peers.get(id)!.bytessent).toBe(bytessent);
    expect(drained).toEqual([]);
    link.resume();
    clock.advance(10);
    expect(drained).toEqual([id]);
    expect(node.send(id, { command: 'verack' })).toBe(true);
  });

  test('is not read meanwhile, so that its pings cannot make the heap grow', async () => {
    const { node, link, id, received, repeat, clock } = await established({ maxsendbuffer: 1_000 });
    link.pause();
    repeat(100, PING);
    const { bytessent, bytesrecv } = node.peers.get(id)!;
    repeat(100, PING);
    expect(node.peers.get(id)).toMatchObject({ bytessent, bytesrecv });
    link.resume();
    clock.advance(10);
    expect(received.filter((command) => command === 'pong')).toHaveLength(200);
  });

  test('ends with ERR_LINK_STALLED when it has read nothing for the limit; nextdeadline announces it', async () => {
    const { node, link, id, ends, clock } = await established({ rules: { stallTimeout: MINUTE } });
    link.pause();
    node.send(id, { command: 'verack' });
    clock.advance(1_000);
    expect(node.peers.get(id)?.nextdeadline?.what).toBe('stall');
    clock.advance(MINUTE - 1_000);
    expect(ends).toEqual([]);
    clock.advance(2_000);
    expect(ends).toEqual([
      { code: 'ERR_LINK_STALLED', facts: { state: 'established', ms: MINUTE, pending: 24 } },
    ]);
  });

  test('is kept when it reads from time to time', async () => {
    const { node, link, id, ends, clock } = await established({ rules: { stallTimeout: MINUTE } });
    for (let round = 0; round < 5; round += 1) {
      link.pause();
      node.send(id, { command: 'verack' });
      clock.advance(MINUTE - 5_000);
      link.resume();
      clock.advance(10);
    }
    expect(ends).toEqual([]);
  });

  test('is not closed for time in which this process was suspended', async () => {
    const { node, link, id, ends, clock } = await established({ rules: { stallTimeout: MINUTE } });
    link.pause();
    node.send(id, { command: 'verack' });
    clock.advance(1_000);
    clock.jump(10 * MINUTE);
    clock.advance(MINUTE - 5_000);
    expect(ends).toEqual([]);
    clock.advance(10_000);
    expect(ends).toMatchObject([{ code: 'ERR_LINK_STALLED' }]);
  });

  test('before verack has the handshake deadline', async () => {
    const { link, send, ends, clock } = await called({ rules: { stallTimeout: 1_000 } });
    link.pause();
    send(greeting(70017));
    clock.advance(MINUTE);
    expect(ends).toMatchObject([{ code: 'ERR_TIME_HANDSHAKE' }]);
  });
});

describe('bytes that wait to be sent', () => {
  const look = (...steps: [at: number, pending: number, added?: number][]): number => {
    const backlog = new UnsentBytes();
    for (const [at, pending, added] of steps) backlog.update(at, pending, added);
    return backlog.stalledat;
  };

  test.each<[string, number, [number, number, number?][]]>([
    ['nothing', -1, [[1, 0, 9]]],
    ['the first bytes', 1, [[1, 9, 9]]],
    [
      'as much as before',
      1,
      [
        [1, 9, 9],
        [5, 9],
      ],
    ],
    [
      'more, nothing taken',
      1,
      [
        [1, 9, 9],
        [5, 12, 3],
      ],
    ],
    [
      'more, one byte taken',
      5,
      [
        [1, 9, 9],
        [5, 11, 3],
      ],
    ],
    [
      'less',
      5,
      [
        [1, 9, 9],
        [5, 8],
      ],
    ],
    [
      'none of it any more',
      -1,
      [
        [1, 9, 9],
        [5, 0],
      ],
    ],
    [
      'new bytes after that',
      7,
      [
        [1, 9, 9],
        [5, 0],
        [7, 1, 1],
      ],
    ],
  ])('%s: nothing taken since %d', (_, since, steps) => expect(look(...steps)).toBe(since));
});

describe('a flood', () => {
  test('before their version is cut off with its reason at the 1,001st message', async () => {
    const { repeat, ends } = await called();
    repeat(1_000, UNKNOWN);
    expect(ends).toEqual([]);
    repeat(1, UNKNOWN);
    expect(ends).toEqual([
      {
        code: 'ERR_LINK_FLOOD',
        facts: { state: 'awaitingVersion', what: 'useless', limit: 1_000, ms: MINUTE },
      },
    ]);
  });

  test('before their verack is, too', async () => {
    const { send, repeat, ends } = await called();
    send(greeting(70017));
    repeat(1_000, PING);
    expect(ends).toMatchObject([{ code: 'ERR_LINK_FLOOD', facts: { state: 'versionReceived' } }]);
  });

  test.each([
    ['wrong checksums', BAD_CHECKSUM],
    ['payloads cut short', SHORT_PING],
    ['lists cut short', SHORT_INV],
  ])('of %s ends an established peer', async (_, bytes) => {
    const { repeat, ends, node, id } = await established();
    repeat(990, bytes);
    expect(node.peers.get(id)?.dropped).toMatchObject({
      [Object.keys(node.peers.get(id)!.dropped)[0]!]: 990,
    });
    expect(ends).toEqual([]);
    repeat(11, bytes);
    expect(ends).toMatchObject([
      { code: 'ERR_LINK_FLOOD', facts: { state: 'established', what: 'useless' } },
    ]);
  });

  test('is not 990 messages a minute for ten minutes', async () => {
    const { repeat, ends, clock, send } = await established({ rules: { pongTimeout: 1e9 } });
    for (let minute = 0; minute < 10; minute += 1) {
      repeat(990, BAD_CHECKSUM);
      clock.advance(MINUTE);
      send(UNKNOWN);
    }
    expect(ends).toEqual([]);
  });

  test('of pings is cut off at the limit, and every ping before is answered', async () => {
    const { repeat, ends, received } = await established({ rules: { maxPings: 50 } });
    repeat(51, PING);
    expect(received.filter((command) => command === 'pong')).toHaveLength(50);
    expect(ends).toMatchObject([{ code: 'ERR_LINK_FLOOD', facts: { what: 'ping', limit: 50 } }]);
  });

  test('is not valid traffic, at any rate', async () => {
    const { repeat, ends, node, id } = await established();
    repeat(20_000, VALID_INV);
    repeat(20_000, UNKNOWN);
    repeat(20_000, PING);
    repeat(3, frame('block', new Uint8Array(3_999_000)));
    expect(ends).toEqual([]);
    expect(node.peers.get(id)?.state).toBe('established');
  });

  test('has no limit with the rule 0', async () => {
    const { repeat, ends } = await called({ rules: { maxUseless: 0 } });
    repeat(5_000, UNKNOWN);
    expect(ends).toEqual([]);
  });
});

test('a list that is too long is counted as dropped where it does not end the connection', async () => {
  const { net, node: make, pass } = memoryNetwork();
  const long = Uint8Array.of(0xfd, 0xe9, 0x03, ...new Uint8Array(1_001 * 30));
  await net.listen(A, (link) =>
    play(link, {
      message: (connection, command, payload) => {
        GOOD.message?.(connection, command, payload);
        if (command === 'verack') connection.send('addr', long);
      },
    }),
  );
  const node = make({}, '10.0.0.2');
  const peer = node.dial(A);
  const dropped: string[] = [];
  node.on('dropped', ({ code }) => dropped.push(code));
  await pass();
  expect(peer.info()).toMatchObject({ state: 'established', dropped: { ERR_PROTO_LIMIT: 1 } });
  expect(dropped).toEqual(['ERR_PROTO_LIMIT']);
  await node.stop();
});

test('a connection that the system could not accept is reported, and the node keeps listening', async () => {
  const network = memoryNetwork();
  const path = network.net.at(A.host);
  let fail: (facts: Facts) => void = () => undefined;
  const listen: Net['listen'] = (at, accepted, failed) => {
    fail = failed ?? fail;
    return path.listen(at, accepted);
  };
  const node = network.node({ net: { dial: (to, handler) => path.dial(to, handler), listen } }, A.host);
  await node.listen(A);
  const refused: unknown[] = [];
  node.on('refused', (refusal) => refused.push(refusal));
  fail({ syscode: 'EMFILE', ...A });
  expect(refused).toEqual([
    { addr: '10.0.0.1:18444', reason: { code: 'ERR_LOCAL_LIMIT', facts: { syscode: 'EMFILE', ...A } } },
  ]);
  const peer = network.node({}, '10.0.0.2').dial(A);
  await network.pass();
  expect(peer.info()?.state).toBe('established');
});

test('the rate limiter starts again in each window', () => {
  const meter = new RateLimiter(2, 100);
  expect([0, 50, 100, 101, 102, 103].map((at) => meter.isOver(at))).toEqual([
    ...[false, false, true],
    ...[false, false, true],
  ]);
});
