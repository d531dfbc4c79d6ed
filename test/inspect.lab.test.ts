/** The lab of the page: every peer ends as expected, messages at the wrong time have their reason, time obeys. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { BitcoinNode } from '../src/node/node.js';
import type { PeerInfo } from '../src/node/peerinfo.js';
import { Lab, PEERS } from '../src/inspect/lab.js';
import type { LabCommand } from '../src/inspect/page/feed-messages.js';
import { startRelay } from '../src/inspect/inspector-server.js';
import { FeedReader } from './support/page-feed-client.js';

/** Lets what was promised happen: listeners open, nodes stop. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A lab whose time stands still, and its node once it has begun. */
function stage() {
  const seen: BitcoinNode[] = [];
  const lab = new Lab({ inspect: () => undefined, follow: (node) => void seen.push(node as BitcoinNode) });
  cleanups.push(() => lab.close());
  lab.obey({ do: 'hold' });
  const nodes = (): BitcoinNode[] => seen;
  const obey = async (...commands: LabCommand[]): Promise<void> => {
    for (const command of commands) {
      lab.obey(command);
      await settled();
    }
  };
  const peer = (): PeerInfo => seen.flatMap(({ peers }) => [...peers.recent(), ...peers.list()]).at(-1)!;
  return { lab, nodes, obey, peer };
}

const outcomeOf = ({ state, lastreason }: PeerInfo): string =>
  state === 'established' ? state : (lastreason?.code ?? state);

describe('every peer of the menu', () => {
  const { menu } = new Lab({ inspect: () => undefined, follow: () => undefined });
  const ways = menu.actors.flatMap((actor) => [
    { ...actor, dialled: true },
    { ...actor, dialled: false },
  ]);
  test.each(ways)(
    '$name, dialled: $dialled, ends with $expect',
    async ({ name, dialled, expect: expected }) => {
      const { obey, peer, lab } = stage();
      await obey({ do: 'start', actor: name, dialled }, { do: 'skip', ms: 19_000 });
      if (expected === 'established') expect(outcomeOf(peer())).toBe('established');
      await obey({ do: 'skip', ms: 5_000 });
      expect(lab.report().complaint).toBe('');
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
    ['hello', ['version', 'verack'], 'established'],
    ['getaddr', ['version', 'verack'], 'established'],
    ['sendheaders', ['version', 'verack'], 'established'],
    ['feefilter', ['version', 'verack'], 'established'],
  ])('%s after %j: %s', async (message, before, expected) => {
    const { obey, peer, lab } = stage();
    await obey({ do: 'start', actor: 'by hand', dialled: false }, { do: 'skip', ms: 1_000 });
    for (const word of [...before, message]) {
      await obey({ do: 'send', n: 1, message: word }, { do: 'skip', ms: 1_000 });
    }
    expect(lab.report().complaint).toBe('');
    expect(expected.startsWith('ERR_') ? outcomeOf(peer()) : peer().state).toBe(expected);
  });

  test('every message of the menu can be sent', async () => {
    const { obey, lab } = stage();
    for (const { name } of lab.menu.messages) {
      await obey({ do: 'start', actor: 'by hand', dialled: true }, { do: 'skip', ms: 1_000 });
      const { n } = lab.report().peers.at(-1)!;
      await obey({ do: 'send', n, message: name });
      expect(lab.report().complaint).toBe('');
    }
    expect(lab.report().peers.length).toBeLessThanOrEqual(PEERS);
  });
});

describe('more peers than there is room for', () => {
  test('the oldest gives way to one that our node dials', async () => {
    const { obey, lab } = stage();
    for (let n = 0; n <= PEERS; n += 1)
      await obey({ do: 'start', actor: 'healthy', dialled: true }, { do: 'skip', ms: 2_000 });
    expect(lab.report()).toMatchObject({ complaint: '' });
    expect(lab.report().peers.at(-1)).toMatchObject({ key: `lab.${PEERS + 1}`, open: true });
  });

  test('while time stands still our node hears of no end, and says that it is full', async () => {
    const { obey, lab } = stage();
    for (let n = 0; n <= 2 * PEERS; n += 1) await obey({ do: 'start', actor: 'healthy', dialled: true });
    expect(lab.report()).toMatchObject({ complaint: 'ERR_POLICY_FULL' });
  });

  test('peers that say nothing are not turned away for coming from one network', async () => {
    const { obey, nodes } = stage();
    for (let n = 0; n < PEERS; n += 1)
      await obey({ do: 'start', actor: 'by hand', dialled: false }, { do: 'skip', ms: 500 });
    expect(nodes()[0]?.peers.size).toBe(PEERS);
  });
});

describe('time and ends', () => {
  test('held time stands still, a step goes to the next word, a leap past a deadline', async () => {
    const { obey, peer, lab, nodes } = stage();
    const said: string[] = [];
    await obey({ do: 'start', actor: 'healthy', dialled: true });
    nodes()[0]?.on('message', ({ direction, command }) => said.push(`${direction} ${command}`));
    const { now } = lab.report();
    expect([said, lab.report().held]).toEqual([[], true]);
    await obey({ do: 'step' });
    expect(said).toEqual(['sent version']);
    expect(lab.report().now).toBeGreaterThan(now);
    await obey({ do: 'step' });
    expect(said).toContain('received version');
    await obey({ do: 'skip', ms: 5_000 });
    expect(peer().state).toBe('established');
    await obey({ do: 'pause', n: 1 }, { do: 'skip', ms: 130_000 });
    expect(peer().pingwait).toBeGreaterThan(1);
    await obey({ do: 'resume', n: 1 }, { do: 'skip', ms: 1_000 });
    expect(peer().pingwait).toBeUndefined();
  });

  test('who never answers a ping is given up after 20 minutes', async () => {
    const { obey, peer } = stage();
    await obey({ do: 'start', actor: 'by hand', dialled: false }, { do: 'skip', ms: 1_000 });
    for (const message of ['version', 'verack'])
      await obey({ do: 'send', n: 1, message }, { do: 'skip', ms: 500 });
    expect(peer().state).toBe('established');
    await obey({ do: 'skip', ms: 1_210_000 });
    expect(outcomeOf(peer())).toBe('ERR_TIME_PONG');
  });

  test('either side closes', async () => {
    const { obey, peer } = stage();
    const meet: LabCommand[] = [
      { do: 'start', actor: 'healthy', dialled: false },
      { do: 'skip', ms: 2_000 },
    ];
    await obey(...meet, { do: 'close', n: 1 }, { do: 'skip', ms: 500 });
    expect(outcomeOf(peer())).toBe('ERR_LINK_EOF');
    await obey(...meet, { do: 'disconnect', n: 2 }, { do: 'skip', ms: 500 });
    expect(outcomeOf(peer())).toBe('ERR_LOCAL_CANCELLED');
  });

  test('what cannot be done is said', async () => {
    const { obey, lab } = stage();
    await obey({ do: 'start', actor: 'nobody', dialled: true });
    expect(lab.report().complaint).toContain('no such peer');
    await obey({ do: 'close', n: 9 });
    expect(lab.report().complaint).toContain('gone');
    await obey({ do: 'start', actor: 'by hand', dialled: false }, { do: 'send', n: 1, message: 'verack' });
    expect(lab.report().complaint).toContain('not open yet');
    await obey({ do: 'run' });
    expect(lab.report()).toMatchObject({ held: false, complaint: '' });
  });
});

test('over the page: a wrong token is not heard, the right one starts a peer that tells its transcript', async () => {
  const relay = await startRelay({ lab: true });
  cleanups.push(() => relay.close());
  const reader = await FeedReader.open(relay);
  await reader.until(({ hello }) => start.lab !== undefined);
  const { token } = reader.state.start.lab!;
  const lab = { do: 'start', actor: 'obsolete', dialled: true } as const;
  reader.say({ token: 'x', lab });
  reader.say({ token, lab: { ...lab, actor: 'magic' } });
  await reader.until(({ rows }) => rows.get('lab.1')?.state === 'failed');
  expect(reader.state.lab?.peers.map(({ actor, key }) => `${actor} ${key}`)).toEqual(['magic lab.1']);
  expect(reader.state.rows.get('lab.1')?.reason?.code).toBe('ERR_FRAME_MAGIC');
  reader.say({ choose: 'lab.1' });
  await reader.until(({ transcript }) => transcript?.key === 'lab.1');
  expect(reader.state.transcript?.entries.at(-1)).toMatchObject({
    ...{ kind: 'transition', to: 'failed', event: 'wire.broken', reason: { code: 'ERR_FRAME_MAGIC' } },
  });
});
