/**
 * The fault grid: every fault, from either end, at every state in which it can take effect, ends as expected, and the node
 * continues to serve the healthy peer. Latencies are seeded; no test waits for real time.
 */
import { describe, expect, test } from '@jest/globals';
import type { Rules } from '../machines/index.js';
import { type BitcoinNode, createNode, type Endpoint, type Net, VirtualClock } from '../src/index.js';
import { FAULT_NAMES, type FaultName, FAULTS, parseFault } from '../src/net/faults/faults.js';
import { memoryNet } from '../src/net/memory.js';
import { createV1Framer, decodeMessage } from '../src/wire/index.js';
import { Chance } from './simulation/seeded-random.js';
import { netWithFaultFrom } from './support/fault-from-frame.js';

const HERE = { host: '10.0.0.1', port: 18444 };
const HEALTHY = { host: '10.0.0.2', port: 18444 };
const FAULTY = { host: '10.0.1.1', port: 18444 };
const SEEDS = [1, 2, 3];
/** Past the handshake's deadline and a ping of the healthy peer; past a pong's. */
const ROUND = 130_000;
const PONG_ROUND = 1_300_000;

/** The faulty side has no deadlines, so that the node under test ends the connection. */
const PATIENT = { handshakeTimeout: 1e9, pongTimeout: 1e9, idleTimeout: 1e9 };

/** Whether the faulty side listens or dials; the node under test does the other. */
const ROLES = ['listens', 'dials'] as const;
type Role = (typeof ROLES)[number];

/** How the node's connection stands, or the reason that it ended for and the state that it ended in. */
type PeerOutcome = string;

/** Many addFaultyPeer at once here, and all come from one /24. */
const NO_LIMITS = { maxoutbound: 100, maxpending: 0, maxpersource: 0, acceptrate: 0 };

/** The node under test, a healthy peer that has dialled it, and faulty ones. */
class FaultTest {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly net;
  readonly node: BitcoinNode;
  readonly healthyPeer: BitcoinNode;
  readonly faultyPeers: BitcoinNode[] = [];

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.net = memoryNet({ timers: this.clock, latency: () => this.chance.whole(0, 120) });
    this.node = this.#make(1, this.net.at(HERE.host));
    this.healthyPeer = this.#make(2, this.net.at(HEALTHY.host));
  }

  async begin(): Promise<this> {
    await this.node.listen(HERE);
    this.healthyPeer.dial(HERE);
    this.clock.advance(1_000);
    return this;
  }

  /** A peer whose fault begins at its frame number `after` on. */
  async addFaultyPeer(fault: string, role: Role, after = 0, at: Endpoint = FAULTY): Promise<void> {
    const net = netWithFaultFrom(this.net.at(at.host), parseFault(fault), after, this.clock);
    const faultyPeer = this.#make(3 + this.faultyPeers.length, net, PATIENT);
    this.faultyPeers.push(faultyPeer);
    if (role === 'dials') faultyPeer.dial(HERE);
    else {
      await faultyPeer.listen(at);
      this.node.dial(at);
    }
  }

  outcomeOf({ host }: Endpoint = FAULTY): PeerOutcome {
    const isIt = ({ addr }: { addr: string }) => addr.startsWith(`${host}:`);
    const ended = this.node.peers.recent().find(isIt);
    if (ended) return `${String(ended.lastreason?.code)} in ${String(ended.lastreason?.facts.state)}`;
    return this.node.peers.list().find(isIt)?.state ?? 'unknown';
  }

  /** Pongs that the healthy peer has had so far; -1 when it is gone. */
  get pongs(): number {
    const [link] = this.healthyPeer.peers.list();
    const mine = this.node.peers.list().find(({ addr }) => addr.startsWith(HEALTHY.host));
    if (link?.state !== 'established' || mine?.state !== 'established') return -1;
    return (link.bytesrecv_per_msg.pong ?? 0) / 32;
  }

  #make(label: number, net: Net, rules: Partial<Rules> = {}): BitcoinNode {
    const source = this.chance.fork(label);
    const random = (count: number) => source.bytes(count);
    return createNode({ chain: 'regtest', clock: this.clock, net, random, rules, ...NO_LIMITS });
  }
}

/** The state of a healthy side that waits for the first message. */
const WAITING: Readonly<Record<Role, string>> = { listens: 'versionSent', dials: 'awaitingVersion' };

/**
 * Frames of a faulty side: 0 version, 1 wtxidrelay, 2 sendaddrv2, 3 verack, 4 and on when both are established. The state of
 * the healthy side when frame `n` arrives:
 */
const stateAt = (n: number, role: Role): string =>
  n === 0 ? WAITING[role] : n <= 3 ? 'versionReceived' : 'established';

/** Faults that can begin at any frame, and those that wait for one. */
const ANY = [0, 1, 2, 3, 4];
const FRAMES: Readonly<Record<FaultName, readonly number[]>> = {
  checksum: [0, 1, 2, 3],
  magic: ANY,
  oversize: ANY,
  truncate: [0],
  silent: ANY,
  'no-verack': [0, 1, 2, 3],
  'double-version': [0],
  'verack-first': [0],
  'late-wtxidrelay': [0, 1, 2, 3],
  'self-nonce': [0],
  obsolete: [0],
  'hang-up': [0],
  split: ANY,
  slow: ANY,
};
const VALUES: Readonly<Record<string, string>> = { split: '=7', slow: '=2000' };

/** The state that a fault is noticed in, for those that are noticed later than they begin. */
const NOTICED: Partial<Record<FaultName, string>> = {
  checksum: 'versionReceived',
  'no-verack': 'versionReceived',
  'late-wtxidrelay': 'established',
  'hang-up': 'versionReceived',
};

function expected(name: FaultName, role: Role, after: number): PeerOutcome {
  const { expect: end } = FAULTS[name];
  if (end === 'established') return end;
  if (name === 'silent' && after > 3) return 'ERR_TIME_PONG in established';
  return `${end} in ${NOTICED[name] ?? stateAt(after, role)}`;
}

const grid = FAULT_NAMES.flatMap((name) =>
  ROLES.flatMap((role) =>
    FRAMES[name].map((after) => ({ name, role, after, fate: expected(name, role, after) })),
  ),
);

describe('the fault grid', () => {
  test.each(grid)('$name, when the faulty side $role, from frame $after: $fate', async (cell) => {
    for (const seed of SEEDS) {
      const setup = await new FaultTest(seed).begin();
      const before = setup.pongs;
      await setup.addFaultyPeer(cell.name + (VALUES[cell.name] ?? ''), cell.role, cell.after);
      setup.clock.advance(cell.fate.startsWith('ERR_TIME_PONG') ? PONG_ROUND : ROUND);
      expect(setup.outcomeOf()).toBe(cell.fate);
      expect(setup.pongs).toBeGreaterThan(before);
    }
  });

  test('faults begin in every state that receives bytes', () => {
    const states = grid.map(({ fate }) => / in (.*)$/.exec(fate)?.[1]);
    expect(new Set(states)).toEqual(
      new Set(['awaitingVersion', 'versionSent', 'versionReceived', 'established', undefined]),
    );
  });

  test('all faults at once end as expected, and no resource is leaked', async () => {
    const setup = await new FaultTest(7).begin();
    const cells = grid.map((cell, n) => ({ ...cell, at: { host: `10.0.2.${n}`, port: 18444 } }));
    for (const { name, role, after, at } of cells)
      await setup.addFaultyPeer(name + (VALUES[name] ?? ''), role, after, at);
    setup.clock.advance(PONG_ROUND);
    expect(cells.map(({ at }) => setup.outcomeOf(at))).toEqual(cells.map(({ fate }) => fate));
    expect(setup.pongs).toBeGreaterThan(9);
    const stopped = [setup.node, setup.healthyPeer, ...setup.faultyPeers].map((node) => node.stop());
    await new Promise((resolve) => setImmediate(resolve));
    setup.clock.advance(10_000);
    await Promise.all(stopped);
    expect([setup.clock.armed, setup.net.links.size]).toEqual([0, 0]);
  });
});

describe('slow', () => {
  test.each([
    ['listens', 70_000, 'ERR_TIME_HANDSHAKE in versionSent'],
    ['dials', 70_000, 'ERR_TIME_HANDSHAKE in awaitingVersion'],
    ['dials', 40_000, 'ERR_TIME_HANDSHAKE in versionReceived'],
    ['listens', 40_000, 'established'],
  ] as const)('%s, past the deadline or not: %i ms', async (role, ms, fate) => {
    const setup = await new FaultTest(1).begin();
    await setup.addFaultyPeer(`slow=${ms}`, role);
    setup.clock.advance(ROUND);
    expect(setup.outcomeOf()).toBe(fate);
    expect(setup.pongs).toBeGreaterThan(1);
  });
});

describe('self-nonce', () => {
  /** A listener that sends nothing, and reads the nonce of the version that it receives. */
  async function nonceSent(setup: FaultTest): Promise<string> {
    let nonce = '';
    const framer = createV1Framer(setup.node.chain.magic);
    const receive = (chunk: Uint8Array) => {
      const [event] = framer.feed(chunk);
      const received = event?.kind === 'frame' ? decodeMessage(event.command, event.payload) : undefined;
      if (received?.ok && received.message.command === 'version') nonce = received.message.nonce ?? '';
    };
    const listener = { host: '10.0.3.1', port: 18444 };
    await setup.net
      .at(listener.host)
      .listen(listener, (link) => link.attach({ data: receive, closed: () => undefined }));
    setup.node.dial(listener);
    setup.clock.advance(1_000);
    return nonce;
  }

  test('of a connection that is being dialled ends the inbound connection only', async () => {
    const setup = await new FaultTest(1).begin();
    const nonce = await nonceSent(setup);
    expect(setup.outcomeOf({ host: '10.0.3.1', port: 0 })).toBe('versionSent');
    await setup.addFaultyPeer(`self-nonce=${nonce}`, 'dials');
    setup.clock.advance(1_000);
    expect(setup.outcomeOf()).toBe('ERR_PROTO_SELF in awaitingVersion');
    expect(setup.outcomeOf({ host: '10.0.3.1', port: 0 })).toBe('versionSent');
    expect(setup.pongs).toBeGreaterThan(0);
  });

  test('does not end the inbound connection when that dial has failed', async () => {
    const setup = await new FaultTest(1).begin();
    const nonce = await nonceSent(setup);
    setup.clock.advance(ROUND);
    await setup.addFaultyPeer(`self-nonce=${nonce}`, 'dials');
    setup.clock.advance(1_000);
    expect(setup.outcomeOf()).toBe('established');
  });

  test('does not end the inbound connection when that dial is established', async () => {
    const setup = await new FaultTest(1).begin();
    let nonce = '';
    setup.node.on('message', ({ direction, command, payload }) => {
      const sent =
        direction === 'sent' && command === 'version' ? decodeMessage(command, payload) : undefined;
      if (sent?.ok && sent.message.command === 'version') nonce ||= sent.message.nonce ?? '';
    });
    const other = { host: '10.0.3.1', port: 18444 };
    await setup.addFaultyPeer('split=1000', 'listens', 0, other);
    setup.clock.advance(5_000);
    expect([setup.outcomeOf(other), nonce]).toEqual(['established', expect.stringMatching(/^[0-9a-f]{16}$/)]);
    await setup.addFaultyPeer(`self-nonce=${nonce}`, 'dials');
    setup.clock.advance(5_000);
    expect(setup.outcomeOf()).toBe('established');
  });
});
