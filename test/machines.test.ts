/** The machines as artefacts: the config is data, its names are all defined and all used, its delays are what they say. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AnyStateMachine, createActor } from 'xstate';

import {
  CORE_RULES,
  IGNORED,
  MACHINES,
  type PeerEvent,
  type PeerInput,
  peerMachine,
  supervisorMachine,
  type TransportEvent,
  transportMachine,
} from '../machines/index.js';
import type { Reason } from '../src/reasons.js';
import { VirtualClock } from '../src/net/virtual-clock.js';
import { branchesOf, leafOf, nodesOf } from './support/step.js';

const here = dirname(fileURLToPath(import.meta.url));

/** The config without the two functions that XState insists on. */
function dataOf(machine: AnyStateMachine): Record<string, unknown> {
  const config = { ...(machine.config as Record<string, unknown>) };
  delete config.context;
  delete config.output;
  return config;
}

/** Calls `see` with every value inside, and the key under which it stands. */
function walk(value: unknown, see: (key: string, value: unknown) => void, key = ''): void {
  see(key, value);
  if (Array.isArray(value)) for (const item of value) walk(item, see, key);
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) walk(inner, see, name);
}

/** What a place in the config names: `'name'` or `{ type: 'name' }`. */
function nameIn(value: unknown): string {
  if (typeof value === 'string') return value;
  const type: unknown = typeof value === 'object' && value !== null && 'type' in value ? value.type : '';
  return typeof type === 'string' ? type : '';
}

/** Names that the config uses, by the kind of place where they stand. */
function namesIn(config: unknown): Record<'guards' | 'actions' | 'delays' | 'actors', Set<string>> {
  const names = {
    guards: new Set<string>(),
    actions: new Set<string>(),
    delays: new Set<string>(),
    actors: new Set<string>(),
  };
  walk(config, (key, value) => {
    const name = nameIn(value);
    if (key === 'guard' && name) names.guards.add(name);
    if (['actions', 'entry', 'exit'].includes(key) && name) names.actions.add(name);
    if (key === 'src' && name) names.actors.add(name);
    if (key === 'after') for (const delay of Object.keys(value as object)) names.delays.add(delay);
  });
  return names;
}

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'/gms)].map(
    (m) => m[1]!,
  );

/** Everything that importing `file` loads: files of ours, and packages by name. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const name of importsOf(file)) {
    if (name.startsWith('.')) loadedBy(join(dirname(file), name.replace(/\.js$/, '.ts')), seen);
    else seen.add(name);
  }
  return seen;
}

describe.each(MACHINES)('the config of the $name machine', ({ name, machine, events }) => {
  test('is the same after JSON.stringify and JSON.parse', () => {
    const data = dataOf(machine);
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  test('holds no function', () => {
    const found: string[] = [];
    walk(dataOf(machine), (key, value) => {
      if (typeof value === 'function') found.push(key);
    });
    expect(found).toEqual([]);
  });

  test.each(['guards', 'actions', 'delays', 'actors'] as const)('defines and uses the same %s', (kind) => {
    const defined = Object.keys(machine.implementations[kind]).sort();
    expect([...namesIn(dataOf(machine))[kind]].sort()).toEqual(defined);
  });

  test('has a description of itself, each state and each branch', () => {
    const places = [...nodesOf(machine), ...branchesOf(machine)];
    expect(places.filter(({ description }) => !description).map(({ id }) => id)).toEqual([]);
  });

  test('and its table of ignored cells name all events and no others', () => {
    const ignored = IGNORED[name]!.unhandled.flatMap((cells) => cells.events);
    const named = new Set([...branchesOf(machine).map(({ eventType }) => eventType), ...ignored]);
    const outer = [...named].filter((type) => !type.startsWith('xstate.'));
    expect(outer.sort()).toEqual([...events].sort());
  });
});

test('importing the machines loads XState and nothing of Node', () => {
  const loaded = [...loadedBy(join(here, '../machines/index.ts'))];
  expect(loaded.filter((name) => !name.endsWith('.ts'))).toEqual(['xstate']);
  for (const file of loaded.filter((name) => name.endsWith('.ts'))) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    expect(code).not.toMatch(
      /\b(Buffer|process|setTimeout|setInterval|Date|performance|crypto|require)\b|Math\.random/,
    );
  }
});

const AT = 1_000;
const OPEN = { type: 'link.open', at: AT, elapsed: 0 } as const satisfies PeerEvent;
const VERSION: PeerEvent = {
  ...{ type: 'wire.version', at: AT, version: 70016, services: '0000000000000009', timeoffset: 0 },
  ...{
    nonce: '0000000000000007',
    subver: '',
    startingheight: 0,
    relaytxes: true,
    addrlocal: '',
    ownnonce: false,
  },
};

/** A peer on a clock of its own, and the leaf that it is in. */
function peer(input: Partial<PeerInput> = {}) {
  const clock = new VirtualClock();
  const whole: PeerInput = { id: 1, connection_type: 'manual', rules: CORE_RULES, ...input };
  const actor = createActor(peerMachine, { input: whole, clock }).start();
  const state = () => leafOf(actor.getSnapshot().value);
  return { clock, actor, state, code: () => (actor.getSnapshot().output as Reason | undefined)?.code };
}

describe('connectTimeout', () => {
  test.each([5_000, 1, 90_000])('fires at its %d ms and not before', (connectTimeout) => {
    const { clock, state, code } = peer({ rules: { ...CORE_RULES, connectTimeout } });
    clock.advance(connectTimeout - 1);
    expect(state()).toBe('connecting');
    clock.advance(1);
    expect([state(), code()]).toEqual(['failed', 'ERR_TIME_CONNECT']);
  });

  test('is disarmed by the open link', () => {
    const { clock, actor, state } = peer();
    actor.send(OPEN);
    expect(clock.armed).toBe(1);
    clock.advance(5_001);
    expect(state()).toBe('versionSent');
  });
});

describe('handshakeTimeout', () => {
  test.each([
    ['manual', 'versionSent'],
    ['inbound', 'awaitingVersion'],
  ] as const)('of a peer (%s) fires at 60,000 ms in %s and not before', (connection_type, state) => {
    const one = peer({ connection_type });
    one.actor.send(OPEN);
    one.clock.advance(59_999);
    expect(one.state()).toBe(state);
    one.clock.advance(1);
    expect([one.state(), one.code()]).toEqual(['failed', 'ERR_TIME_HANDSHAKE']);
    expect(one.clock.armed).toBe(0);
  });

  test('keeps running through versionReceived', () => {
    const { clock, actor, state, code } = peer();
    actor.send(OPEN);
    clock.advance(30_000);
    actor.send(VERSION);
    clock.advance(29_999);
    expect(state()).toBe('versionReceived');
    clock.advance(1);
    expect([state(), code()]).toEqual(['failed', 'ERR_TIME_HANDSHAKE']);
  });

  test.each([
    [1, 59_999],
    [59_999, 1],
    [60_000, 0],
    [90_000, 0],
  ])('is %d ms shorter when a key exchange took that long', (elapsed, left) => {
    const { clock, actor, state } = peer();
    actor.send({ ...OPEN, elapsed });
    clock.advance(Math.max(0, left - 1));
    if (left > 0) expect(state()).toBe('versionSent');
    clock.advance(left > 0 ? 1 : 0);
    expect(state()).toBe('failed');
  });

  test('is disarmed by their verack', () => {
    const { clock, actor, state } = peer();
    for (const event of [OPEN, VERSION]) actor.send(event);
    actor.send({ type: 'wire.verack', at: AT, nonce: '0000000000000001' });
    expect(clock.armed).toBe(0);
    clock.advance(60_001);
    expect(state()).toBe('established');
  });

  const nonce = fc.constantFrom('', '0000000000000000', 'ffffffffffffffff');
  const harmless: fc.Arbitrary<PeerEvent> = fc.oneof(
    fc.constantFrom<PeerEvent>(VERSION, { type: 'wire.wtxidrelay' }, { type: 'wire.sendaddrv2' }),
    fc.constantFrom<PeerEvent>({ type: 'wire.getaddr' }, { type: 'wire.sendheaders' }, OPEN),
    nonce.map((nonce): PeerEvent => ({ type: 'wire.ping', nonce })),
    nonce.map((nonce): PeerEvent => ({ type: 'wire.pong', at: AT, nonce })),
    fc.constant<PeerEvent>({ type: 'wire.dropped', code: 'ERR_CODEC_SHORT', command: 'version' }),
    fc.nat(3_000).map((count): PeerEvent => ({ type: 'wire.excess', command: 'addr', count, limit: 1_000 })),
    fc.constant<PeerEvent>({ type: 'wire.unoffered', command: 'mempool' }),
    fc.nat(90_000).map((ms): PeerEvent => ({ type: 'clock.jump', ms })),
    fc.constant<PeerEvent>({
      type: 'clock.tick',
      at: 9e9,
      lastrecv: 0,
      lastsend: 0,
      stalledat: 1,
      pending: 9,
      nonce: '0000000000000002',
    }),
  );
  const hundred = fc.array(harmless, { minLength: 100, maxLength: 100 });

  test('is not extended by any message', () => {
    fc.assert(
      fc.property(hundred, fc.boolean(), (events, inbound) => {
        const one = peer({ connection_type: inbound ? 'inbound' : 'manual' });
        one.actor.send(OPEN);
        for (const event of events) {
          one.actor.send(event);
          one.clock.advance(599.99);
        }
        expect(['awaitingVersion', 'versionSent', 'versionReceived']).toContain(one.state());
        one.clock.advance(1.01);
        expect(one.code()).toBe('ERR_TIME_HANDSHAKE');
      }),
      { numRuns: 50 },
    );
  });
});

describe('the context of a peer', () => {
  test.each(['inbound', 'manual'] as const)('of type %s notes when the link opened', (connection_type) => {
    const { actor } = peer({ connection_type });
    actor.send({ ...OPEN, elapsed: 100 });
    expect(actor.getSnapshot().context).toMatchObject({ openedat: AT, handshakeleft: 59_900 });
  });

  test.each(['', '0000000000000000'])('a pong with the nonce %j gives up the ping', (nonce) => {
    const { actor } = peer();
    for (const event of [OPEN, VERSION]) actor.send(event);
    actor.send({ type: 'wire.verack', at: AT, nonce: '0000000000000009' });
    expect(actor.getSnapshot().context.pingnonce).toBe('0000000000000009');
    actor.send({ type: 'wire.pong', at: AT, nonce });
    expect(actor.getSnapshot().context).toMatchObject({ pingnonce: '', pingtime: -1 });
  });

  test('written bytes are flushed before a close, except when the link has failed', () => {
    const ending = (event: PeerEvent) => {
      const closes: { flush: boolean }[] = [];
      const close = (_: unknown, params: { flush: boolean }) => void closes.push(params);
      const machine = peerMachine.provide({ actions: { 'effect.close': close } });
      const input = { id: 1, connection_type: 'manual', rules: CORE_RULES } as const;
      const actor = createActor(machine, { input, clock: new VirtualClock() }).start();
      for (const one of [OPEN, event]) actor.send(one);
      return [actor.getSnapshot().value, closes];
    };
    expect(ending({ type: 'user.close' })).toEqual(['closed', [{ flush: true }]]);
    expect(ending({ type: 'link.closed', code: 'ERR_LINK_EOF' })).toEqual(['failed', [{ flush: false }]]);
  });
});

describe('drainTimeout', () => {
  function drained(drainTimeout: number) {
    const clock = new VirtualClock();
    const input = {
      maxinbound: 2,
      maxoutbound: 2,
      drainTimeout,
      wanted: 0,
      once: false,
      blockwanted: 0,
      feelerInterval: 0,
    };
    const kills: number[] = [];
    const machine = supervisorMachine.provide({ actions: { 'effect.kill': () => kills.push(clock.now()) } });
    const actor = createActor(machine, { input, clock }).start();
    actor.send({
      type: 'link.accepted',
      ticket: 1,
      banned: false,
      discouraged: false,
      exceeds: '',
      reserved: 0,
    });
    actor.send({ type: 'user.stop' });
    return { clock, actor, kills };
  }

  test.each([2_000, 1, 30_000])('cuts the rest off at its %d ms and not before', (ms) => {
    const { clock, actor, kills } = drained(ms);
    clock.advance(ms - 1);
    actor.send({ type: 'user.stop' });
    expect([actor.getSnapshot().value, kills]).toEqual(['draining', []]);
    clock.advance(1);
    expect([actor.getSnapshot().value, kills.length]).toEqual(['stopped', 1]);
  });

  test('is the one timer of a supervisor that dials nothing by itself; its pools have fixed names', () => {
    const { actor, clock } = drained(2_000);
    expect(Object.keys(actor.getSnapshot().children)).toEqual(['peers', 'targets']);
    expect(clock.armed).toBe(1);
  });

  test('is disarmed when the last peer has ended', () => {
    const { clock, actor, kills } = drained(2_000);
    actor.send({ type: 'peer.ended', id: 1, inbound: true });
    expect([actor.getSnapshot().value, clock.armed]).toEqual(['stopped', 0]);
    clock.advance(2_001);
    expect(kills).toEqual([]);
  });
});

describe('the end of a key exchange', () => {
  const KEYS = [{ type: 'link.connected' }, { type: 'bytes.key' }] as const;
  const LOST = { type: 'link.closed', code: 'ERR_LINK_EOF' } as const;
  const SPOILT = { type: 'bytes.broken', code: 'ERR_V2_AUTH', facts: { packet: 0 } } as const;

  function exchange(role: 'initiator' | 'responder', ...events: readonly TransportEvent[]) {
    const done: string[] = [];
    const named = ['sendKey', 'sendTerminator', 'ready', 'fallBack', 'giveUp'] as const;
    const actions = Object.fromEntries(named.map((name) => [`effect.${name}`, () => done.push(name)]));
    const machine = transportMachine.provide({ actions });
    const input = { id: 1, role, v2only: false, handshakeTimeout: 60_000 };
    const actor = createActor(machine, { input, clock: new VirtualClock() }).start();
    for (const event of events) actor.send(event);
    return { done, ...actor.getSnapshot() };
  }

  test('v2: garbage and decoys are counted on the way', () => {
    const decoy = { type: 'packet.decoy' } as const;
    const way = [
      ...KEYS,
      { type: 'bytes.garbage', size: 7 },
      decoy,
      decoy,
      { type: 'packet.version' },
    ] as const;
    const { value, context, done, output } = exchange('initiator', ...way);
    expect([value, context.garbage, context.decoys, output]).toEqual(['v2', 7, 2, null]);
    expect(done).toEqual(['sendKey', 'sendTerminator', 'ready']);
  });

  test('v1: nothing was sent', () => {
    const { value, context, done, output } = exchange('responder', KEYS[0], { type: 'bytes.v1' });
    expect([value, context.garbage, context.decoys, output]).toEqual(['v1', -1, 0, null]);
    expect(done).toEqual(['ready']);
  });

  test.each([
    ['fallback', 'initiator', LOST, { code: 'ERR_LINK_EOF', facts: { transport: 'v2' } }],
    ['failed', 'responder', LOST, { code: 'ERR_LINK_EOF', facts: { transport: 'detecting' } }],
    ['failed', 'initiator', SPOILT, { code: 'ERR_V2_AUTH', facts: { packet: 0, transport: 'v2' } }],
  ] as const)('%s: the output has the reason for an %s', (leaf, role, event, { code, facts }) => {
    const { value, done, output } = exchange(role, KEYS[0], event);
    expect(value).toBe(leaf);
    expect(output).toEqual({ code, facts: { ...facts, role } });
    const sent = role === 'initiator' ? ['sendKey'] : [];
    expect(done).toEqual([...sent, leaf === 'fallback' ? 'fallBack' : 'giveUp']);
  });

  test.each([
    ['no byte', [], 'detecting'],
    ['some bytes of a v1 header', [{ type: 'bytes.arrived' }], 'detecting'],
    ['a byte that is not v1', [{ type: 'bytes.arrived' }, { type: 'bytes.v2' }], 'v2'],
  ] as const)('a caller that sent %s, which its reason contains', (_, events, transport) => {
    const { output } = exchange('responder', KEYS[0], ...events, LOST);
    expect(output).toMatchObject({ facts: { transport, role: 'responder' } });
  });
});
