/** The lab of the page: every peer ends as expected, messages at the wrong time have their reason, time executes. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { BitcoinNode } from '../src/node/node.js';
import type { PeerInfo } from '../src/node/peerinfo.js';
import { Lab, PEERS } from '../src/inspect/lab.js';
import type { LabCommand, TranscriptEntry } from '../src/inspect/page/feed-messages.js';
import { startRelay } from '../src/inspect/inspector-server.js';
import { FeedReader } from './support/page-feed-client.js';

/** Lets promises settle: listeners open, nodes stop. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A lab with a held clock, and its nodes. */
function setUp() {
  const seen: BitcoinNode[] = [];
  const lab = new Lab({ inspect: () => undefined, observe: (node) => void seen.push(node as BitcoinNode) });
  cleanups.push(() => lab.close());
  lab.execute({ do: 'hold' });
  const nodes = (): BitcoinNode[] => seen;
  const execute = async (...commands: LabCommand[]): Promise<void> => {
    for (const command of commands) {
      lab.execute(command);
      await settled();
      while (lab.report().busy) await pause(5);
    }
  };
  const peer = (): PeerInfo => seen.flatMap(({ peers }) => [...peers.recent(), ...peers.list()]).at(-1)!;
  return { lab, nodes, execute, peer };
}

const outcomeOf = ({ state, lastreason }: PeerInfo): string =>
  state === 'established' ? state : (lastreason?.code ?? state);

describe('every peer of the menu', () => {
  const { menu } = new Lab({ inspect: () => undefined, observe: () => undefined });
  const ways = menu.behaviours.flatMap((behaviour) => [
    { ...behaviour, dialled: true },
    { ...behaviour, dialled: false },
  ]);
  test.each(ways)(
    '$name, dialled: $dialled, ends with $expect',
    async ({ name, dialled, expect: expected }) => {
      const { execute, peer, lab } = setUp();
      await execute({ do: 'start', held: false, behaviour: name, dialled }, { do: 'skip', ms: 55_000 });
      if (expected === 'established') expect(outcomeOf(peer())).toBe('established');
      await execute({ do: 'skip', ms: 10_000 });
      expect(lab.report().error).toBe('');
      expect(outcomeOf(peer())).toBe(expected);
    },
  );
});

describe('a message by hand', () => {
  test.each([
    ['verack', [], 'awaitingVersion'],
    ['wtxidrelay', ['version'], 'versionReceived'],
    ['version', ['version'], 'versionReceived'],
    ['version 209', [], 'ERR_POLICY_VERSION'],
    ['feature', ['version'], 'ERR_PROTO_NEGOTIATION'],
    ['sendcmpct 2', ['version', 'verack'], 'ERR_PROTO_NEGOTIATION'],
    ['wtxidrelay', ['version', 'verack'], 'ERR_PROTO_LATE_FEATURE'],
    ['sendaddrv2', ['version', 'verack'], 'ERR_PROTO_LATE_FEATURE'],
    ['addr 1001', ['version', 'verack'], 'ERR_PROTO_LIMIT'],
    ['mempool', ['version', 'verack'], 'ERR_PROTO_NOT_OFFERED'],
    ['wrong magic', ['version'], 'ERR_FRAME_MAGIC'],
    ['oversize', ['version'], 'ERR_FRAME_OVERSIZE'],
    ['wrong checksum', ['version'], 'versionReceived'],
    ['ping', ['version', 'verack'], 'established'],
    ['pong', ['version', 'verack'], 'established'],
    ['unknown', ['version', 'verack'], 'established'],
    ['getaddr', ['version', 'verack'], 'established'],
    ['sendheaders', ['version', 'verack'], 'established'],
    ['feefilter', ['version', 'verack'], 'established'],
  ])('%s after %j: %s', async (message, before, expected) => {
    const { execute, peer, lab } = setUp();
    await execute(
      { do: 'start', held: false, behaviour: 'by hand', dialled: false },
      { do: 'skip', ms: 1_000 },
    );
    for (const name of [...before, message]) {
      await execute({ do: 'send', n: 1, message: name }, { do: 'skip', ms: 1_000 });
    }
    expect(lab.report().error).toBe('');
    expect(expected.startsWith('ERR_') ? outcomeOf(peer()) : peer().state).toBe(expected);
  });

  test('every message of the menu can be sent', async () => {
    const { execute, lab } = setUp();
    for (const { name } of lab.menu.messages) {
      await execute(
        { do: 'start', held: false, behaviour: 'by hand', dialled: true },
        { do: 'skip', ms: 1_000 },
      );
      const { n } = lab.report().peers.at(-1)!;
      await execute({ do: 'send', n, message: name });
      expect(lab.report().error).toBe('');
    }
    expect(lab.report().peers.length).toBeLessThanOrEqual(PEERS);
  });
});

describe('more peers than there is room for', () => {
  test('the oldest is replaced by one that our node dials', async () => {
    const { execute, lab } = setUp();
    for (let n = 0; n <= PEERS; n += 1)
      await execute(
        { do: 'start', held: false, behaviour: 'healthy', dialled: true },
        { do: 'skip', ms: 2_000 },
      );
    expect(lab.report()).toMatchObject({ error: '' });
    expect(lab.report().peers.at(-1)).toMatchObject({ key: `lab.${PEERS + 1}`, open: true });
  });

  test('while the clock is stopped our node does not notice an end, and has no free slot', async () => {
    const { execute, lab } = setUp();
    for (let n = 0; n <= 2 * PEERS; n += 1)
      await execute({ do: 'start', held: false, behaviour: 'healthy', dialled: true });
    expect(lab.report()).toMatchObject({ error: 'ERR_POLICY_FULL' });
  });

  test('silent peers of one network are not refused', async () => {
    const { execute, nodes } = setUp();
    for (let n = 0; n < PEERS; n += 1)
      await execute(
        { do: 'start', held: false, behaviour: 'by hand', dialled: false },
        { do: 'skip', ms: 500 },
      );
    expect(nodes()[0]?.peers.size).toBe(PEERS);
  });
});

describe('time and ends', () => {
  test('a held clock stands still, a step goes to the next message, a skip past a deadline', async () => {
    const { execute, peer, lab, nodes } = setUp();
    const messages: string[] = [];
    await execute({ do: 'start', held: false, behaviour: 'healthy', dialled: true });
    nodes()[0]?.on('message', ({ direction, command }) => messages.push(`${direction} ${command}`));
    const { now } = lab.report();
    expect([messages, lab.report().held]).toEqual([[], true]);
    await execute({ do: 'step' });
    expect(messages).toEqual(['sent version']);
    expect(lab.report().now).toBeGreaterThan(now);
    await execute({ do: 'step' });
    expect(messages).toContain('received version');
    await execute({ do: 'skip', ms: 5_000 });
    expect(peer().state).toBe('established');
    await execute({ do: 'pause', n: 1 }, { do: 'skip', ms: 130_000 });
    expect(peer().pingwait).toBeGreaterThan(1);
    await execute({ do: 'resume', n: 1 }, { do: 'skip', ms: 1_000 });
    expect(peer().pingwait).toBeUndefined();
  });

  test('a peer that never answers a ping fails after 20 minutes', async () => {
    const { execute, peer } = setUp();
    await execute(
      { do: 'start', held: false, behaviour: 'by hand', dialled: false },
      { do: 'skip', ms: 1_000 },
    );
    for (const message of ['version', 'verack'])
      await execute({ do: 'send', n: 1, message }, { do: 'skip', ms: 500 });
    expect(peer().state).toBe('established');
    await execute({ do: 'skip', ms: 1_210_000 });
    expect(outcomeOf(peer())).toBe('ERR_TIME_PONG');
  });

  test('the clock can be held before the first step', async () => {
    const lab = new Lab({ inspect: () => undefined, observe: () => undefined });
    cleanups.push(() => lab.close());
    lab.execute({ do: 'start', held: true, behaviour: 'healthy', dialled: false });
    const { now } = lab.report();
    await pause(100);
    expect(lab.report()).toMatchObject({ held: true, busy: false, now });
  });

  test('much time to pass is left to later slices, so that other work runs in between', async () => {
    const lab = new Lab({ inspect: () => undefined, observe: () => undefined });
    cleanups.push(() => lab.close());
    for (let n = 0; n < PEERS; n += 1)
      lab.execute({ do: 'start', held: true, behaviour: 'healthy', dialled: false });
    await settled();
    lab.execute({ do: 'skip', ms: 1_800_000 });
    expect(lab.report().busy).toBe(true);
    while (lab.report().busy) await pause(5);
    expect(lab.report().now).toBeGreaterThanOrEqual(1_800_000);
  });

  test('a message with a wrong checksum is in the transcript', async () => {
    const relay = await startRelay({ lab: true });
    cleanups.push(() => relay.close());
    const reader = await FeedReader.open(relay);
    await reader.until(({ start }) => start.lab !== undefined);
    const { token } = reader.state.start.lab!;
    reader.request({ token, lab: { do: 'start', held: false, behaviour: 'by hand', dialled: false } });
    await reader.until(({ rows }) => rows.get('lab.1')?.state === 'awaitingVersion');
    reader.request({ select: 'lab.1' });
    reader.request({ token, lab: { do: 'send', n: 1, message: 'wrong checksum' } });
    const isDropped = (entry: TranscriptEntry): boolean =>
      entry.kind === 'received' && entry.dropped !== undefined;
    await reader.until(({ transcript }) => transcript?.entries.some(isDropped) ?? false);
    expect(reader.state.transcript?.entries.find(isDropped)).toMatchObject({
      ...{ command: 'verack', dropped: 'ERR_FRAME_CHECKSUM' },
    });
  });

  test('either side closes', async () => {
    const { execute, peer } = setUp();
    const connect: LabCommand[] = [
      { do: 'start', held: false, behaviour: 'healthy', dialled: false },
      { do: 'skip', ms: 2_000 },
    ];
    await execute(...connect, { do: 'close', n: 1 }, { do: 'skip', ms: 500 });
    expect(outcomeOf(peer())).toBe('ERR_LINK_EOF');
    await execute(...connect, { do: 'disconnect', n: 2 }, { do: 'skip', ms: 500 });
    expect(outcomeOf(peer())).toBe('ERR_LOCAL_CANCELLED');
  });

  test('a lab that closes before its node listens ends no process', async () => {
    const { lab } = setUp();
    const rejections: unknown[] = [];
    const note = (error: unknown): void => void rejections.push(error);
    process.on('unhandledRejection', note);
    lab.execute({ do: 'start', held: false, behaviour: 'healthy', dialled: false });
    lab.close();
    await settled();
    await settled();
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  test('a command that fails is reported', async () => {
    const { execute, lab } = setUp();
    await execute({ do: 'start', held: false, behaviour: 'nobody', dialled: true });
    expect(lab.report().error).toContain('no such behaviour');
    await execute({ do: 'close', n: 9 });
    expect(lab.report().error).toContain('not exist');
    await execute(
      { do: 'start', held: false, behaviour: 'by hand', dialled: false },
      { do: 'send', n: 1, message: 'verack' },
    );
    expect(lab.report().error).toContain('not open yet');
    expect(lab.report().peers.at(-1)).toMatchObject({ open: true, connecting: true });
    await execute({ do: 'skip', ms: 1_000 });
    expect(lab.report().peers.at(-1)).toMatchObject({ open: true, connecting: false });
    await execute({ do: 'run' });
    expect(lab.report()).toMatchObject({ held: false, error: '' });
  });
});

test('over the page: a command with a wrong token is ignored, one with the right token starts a peer', async () => {
  const relay = await startRelay({ lab: true });
  cleanups.push(() => relay.close());
  const reader = await FeedReader.open(relay);
  await reader.until(({ start }) => start.lab !== undefined);
  const { token } = reader.state.start.lab!;
  const lab = { do: 'start', held: false, behaviour: 'obsolete', dialled: true } as const;
  reader.request({ token: 'x', lab });
  reader.request({ token, lab: { ...lab, behaviour: 'magic' } });
  await reader.until(({ rows }) => rows.get('lab.1')?.state === 'failed');
  expect(reader.state.lab?.peers.map(({ behaviour, key }) => `${behaviour} ${key}`)).toEqual(['magic lab.1']);
  expect(reader.state.rows.get('lab.1')?.reason?.code).toBe('ERR_FRAME_MAGIC');
  reader.request({ select: 'lab.1' });
  await reader.until(({ transcript }) => transcript?.key === 'lab.1');
  expect(reader.state.transcript?.entries.at(-1)).toMatchObject({
    ...{ kind: 'transition', to: 'failed', event: 'wire.broken', reason: { code: 'ERR_FRAME_MAGIC' } },
  });
  expect(reader.state.transcript?.entries.at(-2)).toMatchObject({
    ...{ kind: 'received', command: 'header', size: 24, dropped: 'ERR_FRAME_MAGIC' },
  });
});
