/** The inspector: what it sends to which clients, and what it deletes. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { assign, createActor, setup } from 'xstate';
import { memoryNet } from '../src/net/memory.js';
import { createNode } from '../src/node/create-node.js';
import { ENDED_LIMIT, FULL_LIMIT } from '../src/inspect/actor-registry.js';
import { MAX_PAGES, type Relay, type RelayOptions, startRelay } from '../src/inspect/inspector-server.js';

interface Message {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
  readonly rootId: string;
  readonly _version: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string };
  readonly snapshot?: {
    readonly status: string;
    readonly value?: unknown;
    readonly context?: Record<string, unknown>;
  };
}

/** A client of the stream. */
class Reader {
  readonly received: Message[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.received.push(...[JSON.parse(data.toString()) as Message | Message[]].flat());
    });
    socket.on('error', () => undefined);
  }

  static async open(relay: Relay, path = 'inspect?addresses=shown'): Promise<Reader> {
    const reader = new Reader(
      new WebSocket(relay.url.replace('http', 'ws') + path, { origin: originOf(relay) }),
    );
    await once(reader.socket, 'open');
    return reader;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.socket, 'message');
  }

  /** The states that the named actor was seen in, in order, each once. */
  statesOf(name: string): unknown[] {
    const { sessionId } = this.registration(name) ?? {};
    const values = this.received
      .filter((message) => message.sessionId === sessionId && message.snapshot)
      .map(({ snapshot }) => leafOf(snapshot?.value));
    return values.filter((value, place) => value !== values[place - 1]);
  }

  /** All messages about the named actor. */
  messagesOf(name: string): Message[] {
    const { sessionId } = this.registration(name) ?? {};
    return this.received.filter((message) => message.sessionId === sessionId);
  }

  registration(name: string): Message | undefined {
    return this.received.find((message) => message.type === '@xstate.actor' && message.name === name);
  }
}

const leafOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Object.values(value)[0] : value;

const originOf = (relay: Relay): string => new URL(relay.url).origin;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function relayOf(options?: RelayOptions): Promise<Relay> {
  const relay = await startRelay(options);
  cleanups.push(() => relay.close());
  return relay;
}

/** A node that is inspected, and a listening one that is not. */
async function pairOf(relay: Relay, v2transport = false) {
  const common = { chain: 'regtest', net: memoryNet(), v2transport } as const;
  const shown = createNode({ ...common, inspect: relay.inspect, maxoutbound: 5_000 });
  const other = createNode({ ...common, uacomment: ['other'] });
  relay.observe(shown);
  cleanups.push(
    () => shown.stop(),
    () => other.stop(),
  );
  const { local } = await other.listen({ host: '127.0.0.1', port: 18_444 });
  return { shown, other, at: local };
}

describe('the stream', () => {
  test('the whole protocol: registrations, events and snapshots, in order', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay, 'inspect');
    const { shown, at } = await pairOf(relay);
    await shown.dial(at).established();
    await reader.until(() => reader.statesOf('peer.1').includes('established'));

    expect(reader.statesOf('peer.1')).toEqual([
      'connecting',
      'versionSent',
      'versionReceived',
      'established',
    ]);
    const [supervisor, pool, peer] = ['supervisor', 'peers', 'peer.1'].map((name) =>
      reader.registration(name),
    );
    expect(peer).toMatchObject({ rootId: supervisor?.sessionId, parentId: pool?.sessionId });
    expect(peer?._version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(JSON.parse(peer?.definition ?? '')).toMatchObject({ id: 'peer', initial: 'connecting' });
    const events = reader.received.filter(
      ({ type, sessionId }) => type === '@xstate.event' && sessionId === peer?.sessionId,
    );
    expect(events.map(({ event }) => event?.type)).toEqual(
      expect.arrayContaining(['xstate.init', 'link.open', 'wire.version', 'wire.verack']),
    );
  });

  test('the registration of an actor comes first', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay, 'inspect');
    const { shown, at } = await pairOf(relay);
    await shown.dial(at).established();
    await reader.until(() => reader.statesOf('peer.1').includes('established'));
    const firsts = new Map<string, Message>();
    for (const message of reader.received) {
      if (!firsts.has(message.sessionId)) firsts.set(message.sessionId, message);
    }
    expect([...firsts.values()].map(({ type }) => type)).toEqual(Array(5).fill('@xstate.actor'));
  });

  test('the sample is sent in full, of other actors the state', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay, 'inspect?peers=2');
    const { shown, other, at } = await pairOf(relay);
    const second = { ...at, port: 1 };
    await other.listen(second);
    await shown.dial(at).established();
    await shown.dial(second).established();
    await reader.until(() => reader.statesOf('peer.2').includes('established'));
    expect(reader.statesOf('peer.1').at(-1)).toBe('established');
    expect(
      reader.messagesOf('peer.1').every(({ type, definition }) => type !== '@xstate.event' && !definition),
    ).toBe(true);
    expect(
      reader
        .messagesOf('peer.1')
        .every(
          ({ snapshot }) => snapshot?.context === undefined || Object.keys(snapshot.context).length === 0,
        ),
    ).toBe(true);
    expect(reader.registration('peer.2')?.definition).toContain('versionReceived');
    const last = reader.messagesOf('peer.2').findLast(({ snapshot }) => snapshot?.value === 'established');
    expect(last?.snapshot?.context).toMatchObject({ connection_type: 'manual', version: 70017 });
    expect(reader.registration('supervisor')?.definition).toContain('draining');
  });

  test('addresses are masked unless they are asked for', async () => {
    const relay = await relayOf();
    const readers = [await Reader.open(relay, 'inspect'), await Reader.open(relay)];
    const machine = setup({}).createMachine({
      id: 'odd',
      context: { addr: '10.1.2.3:8333', v6: '[2001:db8::7]:8333' },
    });
    createActor(machine, { id: 'odd', inspect: relay.inspect }).start();
    const [masked, shown] = await Promise.all(
      readers.map(async (reader) => {
        await reader.until(() => reader.messagesOf('odd').some(({ snapshot }) => snapshot?.context));
        return reader.messagesOf('odd').find(({ snapshot }) => snapshot?.context)?.snapshot?.context;
      }),
    );
    expect(shown).toEqual({ addr: '10.1.2.3:8333', v6: '[2001:db8::7]:8333' });
    expect(masked).toEqual({ addr: 'masked:8333', v6: '[masked]:8333' });
  });

  test('a late client receives every state', async () => {
    const relay = await relayOf();
    const { shown, at } = await pairOf(relay);
    await shown.dial(at).established();
    const failed = shown.dial({ host: '127.0.0.1', port: 1 });
    await failed.ended();
    const late = await Reader.open(relay);
    await late.until(() => late.statesOf('peer.2').length > 0);
    expect(late.statesOf('peer.1')).toEqual(['established']);
    expect(late.statesOf('peer.2')).toEqual(['failed']);
    expect(late.statesOf('supervisor')).toEqual(['manual']);
  });

  test('late and early clients receive the same changes', async () => {
    const relay = await relayOf();
    const { shown, at } = await pairOf(relay);
    const peer = shown.dial(at);
    await peer.established();
    const [one, two] = [await Reader.open(relay), await Reader.open(relay)];
    peer.close();
    await Promise.all(
      [one, two].map((reader) => reader.until(() => reader.statesOf('peer.1').includes('closed'))),
    );
    expect(one.statesOf('peer.1')).toEqual(two.statesOf('peer.1'));
  });

  test('an actor that throws has ended, although no snapshot reports it', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay);
    const fails = () => {
      throw new Error('on purpose');
    };
    const child = setup({ actions: { fails } }).createMachine({ on: { go: { actions: 'fails' } } });
    const parent = setup({ actors: { child } }).createMachine({
      invoke: { src: 'child', id: 'child', onError: {} },
    });
    const actor = createActor(parent, { inspect: relay.inspect }).start();
    actor.getSnapshot().children.child?.send({ type: 'go' });
    await reader.until(() => reader.received.some(({ snapshot }) => snapshot?.status === 'error'));
    const last = reader.received.find(({ snapshot }) => snapshot?.status === 'error');
    expect(last).toMatchObject({
      sessionId: reader.registration('child')?.sessionId,
      snapshot: { error: 'on purpose' },
    });
    const late = await Reader.open(relay);
    await late.until(() => late.registration('child') !== undefined);
    expect(late.registration('child')?.snapshot).toMatchObject({ status: 'error' });
  });

  test('a context that is not JSON, or too long, is left out', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay);
    const machine = (context: object) =>
      setup({}).createMachine({ id: 'odd', context, initial: 'on', states: { on: {} } });
    for (const context of [{ n: 1n }, { text: 'x'.repeat(300_000) }]) {
      createActor(machine(context), { id: 'odd', inspect: relay.inspect }).start();
    }
    await reader.until(() => reader.received.filter(({ type }) => type === '@xstate.snapshot').length === 2);
    const snapshots = reader.received.flatMap(({ snapshot }) => snapshot ?? []);
    expect(snapshots.length).toBeGreaterThanOrEqual(2);
    expect(snapshots.every(({ status, context }) => status === 'active' && !context)).toBe(true);
    expect(reader.received.filter(({ name }) => name === 'odd')).toHaveLength(2);
  });
});

describe('clients', () => {
  const refused = async (relay: Relay, path: string, headers: Record<string, string>) => {
    const socket = new WebSocket(relay.url.replace('http', 'ws') + path, { headers });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    socket.terminate();
    return response.statusCode;
  };

  test('another origin, another host name, no origin: 403', async () => {
    const relay = await relayOf();
    const origin = originOf(relay);
    const { port } = new URL(relay.url);
    expect(await refused(relay, 'feed', { origin: 'https://evil.example' })).toBe(403);
    expect(await refused(relay, 'feed', { origin: 'null' })).toBe(403);
    expect(await refused(relay, 'feed', { origin: `http://127.0.0.1:${Number(port) + 1}` })).toBe(403);
    expect(await refused(relay, 'inspect', {})).toBe(403);
    expect(await refused(relay, 'feed', { origin, host: `evil.example:${port}` })).toBe(403);
    // A rebound name that is the same in both headers.
    const evil = `evil.example:${port}`;
    expect(await refused(relay, 'feed', { origin: `http://${evil}`, host: evil })).toBe(403);
    expect(await refused(relay, 'elsewhere', { origin })).toBe(404);
  });

  test('localhost is a name of the server, with any port', async () => {
    const relay = await relayOf();
    const host = 'localhost:8080';
    const headers = { host, origin: `http://${host}` };
    const socket = new WebSocket(relay.url.replace('http', 'ws') + 'feed', { headers });
    await once(socket, 'open');
    socket.terminate();
  });

  test('more pages than the limit are refused', async () => {
    const relay = await relayOf();
    await Promise.all(Array.from({ length: MAX_PAGES }, () => Reader.open(relay)));
    expect(await refused(relay, 'feed', { origin: originOf(relay) })).toBe(503);
  });

  test('a client that sends a long message is disconnected; a short message is ignored', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay);
    const machine = setup({}).createMachine({ id: 'still' });
    createActor(machine, { id: 'still', inspect: relay.inspect }).start();
    reader.socket.send('{"type":"@xstate.event","event":{"type":"user.close"}}');
    await reader.until(() => reader.registration('still') !== undefined);
    reader.socket.send('x'.repeat(5_000));
    const [code] = (await once(reader.socket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  test('a client that does not read is disconnected; the others stay', async () => {
    const relay = await relayOf({ behind: 1_000_000 });
    const [slow, good] = [await Reader.open(relay), await Reader.open(relay)];
    slow.socket.pause();
    let turns = 0;
    const big = setup({ actions: { grow: assign({ text: () => 'x'.repeat(200_000) }) } }).createMachine({
      context: { text: '' },
      on: { grow: { actions: 'grow' } },
    });
    const actor = createActor(big, { id: 'big', inspect: relay.inspect }).start();
    let dropped = false;
    slow.socket.on('close', () => (dropped = true));
    while (turns++ < 100) {
      actor.send({ type: 'grow' });
      await turn();
    }
    slow.socket.resume();
    if (!dropped) await once(slow.socket, 'close');
    const received = good.received.length;
    actor.send({ type: 'grow' });
    await good.until(() => good.received.length > received);
    expect(slow.received.length).toBeLessThan(100);
  });
});

describe('limits', () => {
  test('400 short-lived peers leave the latest hundred', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay, 'inspect');
    const { shown } = await pairOf(relay);
    const dials = Array.from({ length: 400 }, (_, port) => shown.dial({ host: '127.0.0.9', port: port + 1 }));
    expect(relay.size).toBe(803);
    await Promise.all(dials.map((peer) => peer.ended()));
    expect(relay.size).toBe(3 + 2 * ENDED_LIMIT);
    const late = await Reader.open(relay);
    await late.until(() => late.registration('peer.400') !== undefined);
    expect(late.registration('peer.300')).toBeUndefined();
    expect(late.registration('peer.301')).toBeDefined();
    expect(late.statesOf('peer.400')).toEqual(['failed']);
    expect(reader.socket.readyState).toBe(WebSocket.OPEN);
    const full = reader.received.filter(({ definition }) => definition);
    expect(full.length).toBeLessThanOrEqual(FULL_LIMIT);
  });

  test('actors beyond the limit are added when there is room', async () => {
    const relay = await relayOf({ limits: { live: 2, ended: 1 } });
    const machine = setup({}).createMachine({
      initial: 'on',
      states: { on: { on: { end: 'off' } }, off: { type: 'final' } },
    });
    const actors = ['a', 'b', 'c'].map((id) => createActor(machine, { id, inspect: relay.inspect }).start());
    expect(relay.size).toBe(2);
    actors[0]?.send({ type: 'end' });
    actors[1]?.send({ type: 'end' });
    expect(relay.size).toBe(1);
    actors[2]?.send({ type: 'nothing' });
    expect(relay.size).toBe(2);
    // An event to one that ended does not bring it back.
    actors[0]?.send({ type: 'end' });
    expect(relay.size).toBe(2);
  });
});

describe('key exchanges', () => {
  /** A pair that knows v2, and a dial that is refused before anything else. */
  async function exchanging(relay: Relay) {
    const pair = await pairOf(relay, true);
    await pair.shown.dial({ host: '127.0.0.9', port: 1 }).ended();
    return pair;
  }

  test('are sent beside their peers', async () => {
    const relay = await relayOf();
    const reader = await Reader.open(relay);
    const { shown, at } = await exchanging(relay);
    await shown.dial(at).established();
    await reader.until(() => reader.statesOf('peer.2').includes('established'));
    const [peer, transport] = ['peer.2', 'transport.2'].map((name) => reader.registration(name));
    expect(transport?.rootId).toBe(peer?.rootId);
    expect(transport?.snapshot?.context).not.toHaveProperty('connection_type');
    const states = ['opening', 'keySent', 'garbage', 'versionPacket', 'v2'];
    expect(reader.statesOf('transport.2')).toEqual(states);
  });

  test('that have ended do not push out a peer that has', async () => {
    const relay = await relayOf({ limits: { ended: 2 } });
    const { shown, other, at } = await exchanging(relay);
    for (const port of [1, 2, 3]) await other.listen({ ...at, port });
    for (const port of [at.port, 1, 2, 3]) await shown.dial({ ...at, port }).established();
    // The supervisor, its two children, one failed peer and target, four live ones of each, the latest two exchanges.
    expect(relay.size).toBe(15);
    const late = await Reader.open(relay);
    await late.until(() => late.registration('transport.5') !== undefined);
    expect(late.statesOf('peer.1')).toEqual(['failed']);
    expect(late.registration('transport.3')).toBeUndefined();
    expect(late.statesOf('transport.4')).toEqual(['v2']);
  });
});

describe('start and end', () => {
  test('a port in use is an error with its facts', async () => {
    const relay = await relayOf();
    const port = Number(new URL(relay.url).port);
    await expect(startRelay({ port })).rejects.toMatchObject({
      code: 'ERR_LOCAL_ADDRESS',
      facts: { syscode: 'EADDRINUSE', host: '127.0.0.1', port },
    });
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.com', ''])('%p is not loopback', async (host) => {
    await expect(startRelay({ host })).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT' });
  });

  test('close drops the readers and leaves no handle; what comes later is ignored', async () => {
    const handles = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    const before = handles();
    const relay = await startRelay();
    const reader = await Reader.open(relay);
    request(relay.url)
      .on('error', () => undefined)
      .end();
    const gone = once(reader.socket, 'close');
    await Promise.all([relay.close(), relay.close(), gone]);
    while (handles() > before) await turn();
    createActor(setup({}).createMachine({}), { inspect: relay.inspect }).start();
    expect(relay.size).toBe(0);
  });
});
