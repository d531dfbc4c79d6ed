/** The feed of the page: rows as the tracker has them, changes, transcripts with their bytes; collected and bounded. */
import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WebSocket } from 'ws';
import { memoryNet } from '../src/net/memory.js';
import { createNode } from '../src/node/create-node.js';
import type { PeerInfo } from '../src/node/peerinfo.js';
import type { TransitionEntry, MessageEntry, Transcript } from '../src/inspect/page/feed-messages.js';
import { ENDED_TRANSCRIPTS } from '../src/inspect/page-feed.js';
import { PageClient, MAX_UNREAD } from '../src/inspect/page-client.js';
import { type Relay, type RelayOptions, startRelay } from '../src/inspect/inspector-server.js';
import { HEAD, PAYLOAD, TAIL } from '../src/inspect/transcript.js';
import { encodeMessage } from '../src/wire/index.js';
import { FeedReader } from './support/page-feed-client.js';
import { listenWithAddrRecv, PUBLIC } from './support/addr-recv-peer.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(options: RelayOptions = {}, v2transport = false) {
  const relay = await startRelay(options);
  const common = { chain: 'regtest', net: memoryNet(), v2transport } as const;
  const shown = createNode({ ...common, inspect: relay.inspect, maxoutbound: 5_000 });
  const other = createNode({ ...common, uacomment: ['other'] });
  relay.observe(shown);
  cleanups.push(
    () => relay.close(),
    () => shown.stop(),
    () => other.stop(),
  );
  const { local: at } = await other.listen({ host: '127.0.0.1', port: 18_444 });
  return { relay, shown, other, at };
}

/** Dials, and waits for both ends. */
async function meet({ shown, other, at }: Awaited<ReturnType<typeof setUp>>): Promise<number> {
  const [[theirs]] = (await Promise.all([once(other, 'established'), shown.dial(at).established()])) as [
    [PeerInfo],
    unknown,
  ];
  return theirs.id;
}

async function transcriptOf(
  relay: Relay,
  key: string,
  holds: (transcript: Transcript) => boolean,
): Promise<Transcript> {
  const reader = await FeedReader.open(relay);
  reader.request({ select: key });
  await reader.until(({ transcript }) => transcript?.key === key && holds(transcript));
  return reader.state.transcript!;
}

const messages = ({ entries }: Transcript): MessageEntry[] =>
  entries.filter((entry) => entry.kind !== 'transition');
const cells = ({ entries }: Transcript): TransitionEntry[] =>
  entries.filter((entry) => entry.kind === 'transition');
const hasPonged = ({ pings }: Transcript): boolean => pings.length > 0;

describe('rows', () => {
  test('of several nodes have different keys', async () => {
    const { relay, shown, at } = await setUp();
    const second = createNode({ chain: 'regtest', net: memoryNet(), inspect: relay.inspect });
    cleanups.push(() => second.stop());
    relay.observe(second);
    await shown.dial(at).established();
    await expect(second.dial(at).established()).rejects.toThrow('ERR_DIAL_REFUSED');
    const reader = await FeedReader.open(relay);
    await reader.until(({ rows }) => rows.size === 2);
    const states = ['1', '2.1'].map((key) => reader.state.rows.get(key)?.state);
    expect(states).toEqual(['established', 'failed']);
  });

  test('agree with the tracker for every peer, live or ended, early or late', async () => {
    const { relay, shown, at } = await setUp();
    const early = await FeedReader.open(relay);
    await shown.dial(at).established();
    await shown.dial({ host: '127.0.0.1', port: 1 }).ended();
    const late = await FeedReader.open(relay);
    for (const reader of [early, late]) {
      await reader.until(
        ({ rows }) => rows.get('1')?.state === 'established' && rows.get('2')?.state === 'failed',
      );
      const { rows, counts } = reader.state;
      const { addr, subver, version } = shown.peers.get(1)!;
      expect(rows.get('1')).toMatchObject({
        id: 1,
        inbound: false,
        addr,
        subver,
        version,
        next: { what: 'ping' },
      });
      expect(rows.get('2')).toMatchObject({ reason: { code: 'ERR_DIAL_REFUSED' } });
      expect(rows.get('2')).not.toHaveProperty('next');
      expect([counts.get('established'), counts.get('failed'), counts.get('connecting')]).toEqual([1, 1, 0]);
    }
  });

  test('the addresses at which the peers see this node are sent, with how many see each', async () => {
    const relay = await startRelay();
    const net = memoryNet();
    const node = createNode({ chain: 'regtest', net, inspect: relay.inspect });
    relay.observe(node);
    cleanups.push(
      () => relay.close(),
      () => node.stop(),
    );
    for (const host of ['10.0.0.1', '10.0.0.2']) {
      await listenWithAddrRecv(net, { host, port: 18_444 }, { ip: PUBLIC, port: 51_234 });
      await node.dial({ host, port: 18_444 }).established();
    }
    const reader = await FeedReader.open(relay);
    await reader.until(({ localAddresses }) => localAddresses.length > 0);
    expect(reader.state.localAddresses).toEqual([{ address: '8.8.4.4', score: 2 }]);
  });

  test('changes and counts from before a page was opened are sent too', async () => {
    const { relay, shown, at } = await setUp();
    await shown.dial(at).established();
    const { state, ...reader } = await FeedReader.open(relay);
    await once(reader.socket, 'message');
    expect(state.changes.map(({ from, to, event }) => `${from} ${event} ${to}`)).toEqual([
      'connecting link.open versionSent',
      'versionSent wire.version versionReceived',
      'versionReceived wire.verack established',
    ]);
    expect(state.outcomeCounts.outcomes).toEqual({ established: 1 });
    expect(state.outcomeCounts.handshakes.reduce((sum, { count }) => sum + count, 0)).toBe(1);
  });

  test('a thousand peers at once come in a few updates', async () => {
    const { relay, shown } = await setUp();
    const reader = await FeedReader.open(relay);
    const dials = Array.from({ length: 1_000 }, (_, n) => shown.dial({ host: '127.0.0.9', port: n + 1 }));
    await Promise.all(dials.map((peer) => peer.ended()));
    await reader.until(({ counts }) => counts.get('failed') === 1_000);
    expect(reader.state.rows.size).toBe(1_000);
    expect(reader.updates).toBeGreaterThanOrEqual(4);
    expect(reader.updates).toBeLessThan(60);
    expect(reader.state.changes.length).toBeLessThanOrEqual(1_000);
    expect(reader.state.changeCount + reader.state.missed).toBe(1_000);
    await shown.dial({ host: '127.0.0.9', port: 5_000 }).ended();
    await reader.until(({ rows }) => !rows.has('1') && rows.has('1001'));
    expect(reader.state.rows.size).toBe(1_000);
  });
});

describe('a transcript', () => {
  test('has every message with its bytes and fields, and the transition of each event, in order', async () => {
    const { relay, shown, at } = await setUp();
    await shown.dial(at).established();
    const transcript = await transcriptOf(relay, '1', hasPonged);
    expect(
      messages(transcript)
        .slice(0, 9)
        .map(({ kind, command }) => `${kind} ${command}`),
    ).toEqual([
      'sent version',
      'received version',
      'sent wtxidrelay',
      'sent sendaddrv2',
      'sent verack',
      'sent getaddr',
      'received wtxidrelay',
      'received sendaddrv2',
      'received verack',
    ]);
    const version = messages(transcript)[1]!;
    expect(version.hex).toHaveLength(2 * version.size);
    expect(version.fields.find(({ name }) => name === 'user_agent')?.value).toContain('other');
    expect(version.fields.map(({ hex }) => hex).join('')).toBe(version.hex);
    expect(
      cells(transcript).flatMap(({ state, event, to }) => (to ? [`${state} ${event} ${to}`] : [])),
    ).toEqual([
      'connecting link.open versionSent',
      'versionSent wire.version versionReceived',
      'versionReceived wire.verack established',
    ]);
    expect(cells(transcript).find(({ event }) => event === 'wire.wtxidrelay')).toMatchObject({
      ...{ bip: 339, description: 'BIP339; may be repeated', actions: ['recordWtxidrelay'] },
    });
    expect(transcript.entries.map(({ n }) => n)).toEqual(transcript.entries.map((_, place) => place));
    const [, heard, next] = transcript.entries.slice(
      transcript.entries.findIndex(({ kind }) => kind === 'received') - 1,
    );
    expect([heard?.kind, next?.kind]).toEqual(['received', 'transition']);
  });

  test('names the guard, the reason and the BIP where a message ends the connection', async () => {
    const scene = await setUp();
    scene.other.send(await meet(scene), { command: 'wtxidrelay' });
    const transcript = await transcriptOf(scene.relay, '1', ({ entries }) =>
      cells({ entries } as Transcript).some(({ to }) => to === 'failed'),
    );
    expect(cells(transcript).at(-1)).toMatchObject({
      ...{ state: 'established', event: 'wire.wtxidrelay', to: 'failed', bip: 339 },
      ...{ description: 'negotiation ends at verack', reason: { code: 'ERR_PROTO_LATE_FEATURE' } },
    });
  });

  test('gives the reason why a message was ignored', async () => {
    const scene = await setUp();
    const id = await meet(scene);
    const reader = await FeedReader.open(scene.relay);
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => transcript?.key === '1');
    scene.other.send(id, { command: 'getaddr' });
    await reader.until(({ transcript }) => cells(transcript!).some(({ event }) => event === 'wire.getaddr'));
    expect(cells(reader.state.transcript!).find(({ event }) => event === 'wire.getaddr')).toMatchObject({
      ...{
        state: 'established',
        description: 'a second request, or a peer that we dialled: no answer',
        actions: [],
      },
    });
  });

  test('of a key exchange has both machines', async () => {
    const { relay, shown, at } = await setUp({}, true);
    await shown.dial(at).established();
    const transcript = await transcriptOf(relay, '1', hasPonged);
    const machines = cells(transcript).flatMap(({ machine, to }) => (to ? [`${machine} ${to}`] : []));
    expect(machines).toEqual([
      'transport keySent',
      'transport garbage',
      'transport versionPacket',
      'transport v2',
      'peer versionSent',
      'peer versionReceived',
      'peer established',
    ]);
    expect(cells(transcript).find(({ machine }) => machine === 'transport')?.bip).toBe(324);
  });

  test('keeps its first entries, and the latest while a page shows it', async () => {
    const scene = await setUp();
    const { relay, other } = scene;
    const id = await meet(scene);
    const chat = (count: number) => {
      for (let n = 0; n < count; n += 1)
        other.send(id, { command: 'unknown', name: 'hello', payload: new Uint8Array(2_000) });
    };
    const reader = await FeedReader.open(relay);
    await reader.until(({ rows }) => rows.get('1')?.pingtime !== undefined);
    chat(1);
    await new Promise<void>((resolve) => {
      scene.shown.on('message', ({ command }) => command === 'hello' && resolve());
    });
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => transcript !== undefined);
    expect(messages(reader.state.transcript!).map(({ command }) => command)).not.toContain('hello');
    chat(HEAD + TAIL);
    await reader.until(({ transcript }) => (transcript?.entries.length ?? 0) >= HEAD + TAIL);
    chat(2);
    await reader.until(({ transcript }) => (transcript?.entries.at(-1)?.n ?? 0) > HEAD + TAIL);
    const { entries } = reader.state.transcript!;
    expect(entries).toHaveLength(HEAD + TAIL);
    expect(entries[0]).toMatchObject({ n: 0 });
    const last = entries.at(-1) as MessageEntry;
    expect(last).toMatchObject({ command: 'hello', size: 2_000 });
    expect(last.hex).toHaveLength(2 * PAYLOAD);
  });

  test('that no page showed has its end too', async () => {
    const scene = await setUp();
    const id = await meet(scene);
    const reader = await FeedReader.open(scene.relay);
    await reader.until(({ rows }) => rows.get('1')?.pingtime !== undefined);
    scene.other.send(id, { command: 'sendaddrv2' });
    await reader.until(({ rows }) => rows.get('1')?.state === 'failed');
    const transcript = await transcriptOf(scene.relay, '1', () => true);
    expect(transcript.entries.at(-1)).toMatchObject({
      ...{ kind: 'transition', state: 'established', event: 'wire.sendaddrv2', to: 'failed', bip: 155 },
    });
  });

  test('is recorded until it is complete, or while a page shows it', async () => {
    const scene = await setUp();
    const { relay, shown } = scene;
    const reader = await FeedReader.open(relay);
    expect(shown.listenerCount('message')).toBe(0);
    await meet(scene);
    expect(shown.listenerCount('message')).toBe(1);
    await reader.until(({ rows }) => rows.get('1')?.pingtime !== undefined);
    expect(shown.listenerCount('message')).toBe(0);
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => transcript !== undefined);
    expect(shown.listenerCount('message')).toBe(1);
    reader.request({ select: '' });
    while (shown.listenerCount('message') > 0) await new Promise(setImmediate);
  });

  test('of peers that ended long ago is deleted', async () => {
    const { relay, shown } = await setUp();
    for (let port = 1; port <= ENDED_TRANSCRIPTS + 1; port += 1) {
      await shown.dial({ host: '127.0.0.9', port }).ended();
    }
    const reader = await FeedReader.open(relay);
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => transcript?.key === '1');
    expect(reader.state.transcript?.entries).toEqual([]);
    reader.request({ select: '2' });
    await reader.until(({ transcript }) => transcript?.key === '2');
    expect(reader.state.transcript?.entries.length).toBeGreaterThan(0);
  });
});

describe('requests of a page', () => {
  test('are ignored when they are malformed, and there is no lab without the option', async () => {
    const { relay, shown, at } = await setUp();
    await shown.dial(at).established();
    const reader = await FeedReader.open(relay);
    const bad = [
      '',
      '{',
      '1',
      'null',
      '[]',
      '{"visible":"1"}',
      '{"visible":[1]}',
      '{"select":{}}',
      '{"select":1}',
    ];
    for (const text of [...bad, `{"select":"${'1'.repeat(65)}"}`, '{"lab":{"do":"hold"},"token":1}']) {
      reader.socket.send(text);
    }
    reader.request({ token: '', lab: { do: 'start', behaviour: 'healthy', dialled: false, held: false } });
    reader.request({ select: '__proto__' });
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => transcript !== undefined);
    expect(reader.state.start.lab).toBeUndefined();
    expect(reader.state.lab).toBeUndefined();
    expect(reader.state.rows.size).toBe(1);
  });

  test('a page that does not read is sent nothing more, and disconnected in the end', () => {
    const sent: string[] = [];
    const socket = Object.assign(new EventEmitter(), {
      ...{ readyState: 1, bufferedAmount: 0, send: (text: string) => sent.push(text) },
      terminate: () => (socket.readyState = 3),
    });
    const page = new PageClient(socket as unknown as WebSocket, 1_000_000, () => undefined);
    const nothing = () => undefined;
    const parts = { rowOf: nothing, transcriptOf: nothing, lab: nothing, crawl: nothing };
    const source = { at: 0, localAddresses: () => [], ...parts };
    const actors = { version: 0, read: () => ({ rows: [], deadlines: {} }) };
    const outcomeCounts = { version: 0, read: () => ({ outcomes: {}, handshakes: [] }) };
    page.begin({ reasons: {}, sessions: [], machines: [] }, [], []);
    page.tick({ ...source, outcomeCounts, actors });
    expect(sent).toHaveLength(1);
    socket.bufferedAmount = 1;
    for (let n = 0; n < MAX_UNREAD; n += 1) {
      page.addChange({
        at: n,
        key: '1',
        machine: 'peer',
        from: '',
        to: '',
        event: '',
        description: '',
        code: '',
      });
      page.tick({ ...source, outcomeCounts, actors });
    }
    expect([sent.length, socket.readyState]).toEqual([1, 1]);
    page.tick({ ...source, outcomeCounts, actors });
    expect([sent.length, socket.readyState]).toEqual([1, 3]);
  });
});

test('a message has the bytes that were encoded', async () => {
  const { relay, shown, at } = await setUp();
  await shown.dial(at).established();
  const ping = { command: 'ping', nonce: '00000000c0ffee00' } as const;
  const reader = await FeedReader.open(relay);
  reader.request({ select: '1' });
  await reader.until(({ transcript }) => transcript !== undefined && hasPonged(transcript));
  shown.send(1, ping);
  const hex = Buffer.from(encodeMessage(ping)).toString('hex');
  await reader.until(
    ({ transcript }) => transcript !== undefined && messages(transcript).some((entry) => entry.hex === hex),
  );
  expect(messages(reader.state.transcript!).find((entry) => entry.hex === hex)).toMatchObject({
    ...{ kind: 'sent', command: 'ping', bip: 31 },
  });
});
