/** The compiled step against that of XState: everything that can be observed must be the same. */
import { describe, expect, test } from '@jest/globals';
import { type AnyStateMachine, assign, createActor, setup } from 'xstate';
import {
  CONNECTION_TYPES,
  CORE_RULES,
  OUTBOUND_EVENTS,
  outboundMachine,
  peerMachine,
  SUPERVISOR_EVENTS,
  supervisorMachine,
  TRANSPORT_EVENTS,
  transportMachine,
} from '../machines/index.js';
import { compile, interpreted } from '../src/xstate/compile.js';
import { CHARTS, EVENTS } from './compile/sample-charts.js';
import { chartOf, TYPES } from './compile/random-charts.js';
import { type Chart, difference, type Move } from './compile/differential.js';
import { PLACES } from './grid/compare.js';
import { stateIn } from './grid/cell.js';
import { Chance } from './simulation/seeded-random.js';
import { nightly } from './support/nightly.js';
import { print } from './support/print.js';

/** How much longer the nightly command walks. */
const TIMES = nightly(20, 0.5);
const PAUSES = [1, 10, 50, 1_000];

/** A random walk of `length` moves; one in eight is a pause. */
const walkOf = (chance: Chance, length: number, draw: (chance: Chance) => Move): Move[] =>
  Array.from({ length }, () => (chance.often(1 / 8) ? chance.pick(PAUSES) : draw(chance)));

/** The machine with effects that record their arguments. */
const recording =
  (machine: AnyStateMachine, effects: readonly string[]): Chart =>
  (calls) =>
    machine.provide({
      actions: Object.fromEntries(
        effects.map((effect) => [effect, (_: unknown, params: unknown) => void calls.push([effect, params])]),
      ) as never,
    });

describe('sample charts', () => {
  test.each(CHARTS.map((chart) => [chart([]).id, chart] as const))('%s', (_, chart) => {
    for (let seed = 1; seed <= 40 * TIMES; seed++) {
      const chance = new Chance(seed);
      const moves = walkOf(chance, 30, () => ({
        type: chance.pick(EVENTS),
        by: chance.whole(0, 2),
      }));
      expect(difference(chart, moves)).toBeUndefined();
    }
  });
});

test('random charts', () => {
  const charts = 100 * TIMES;
  let whole = 0;
  for (let seed = 1; seed <= charts; seed++) {
    const chance = new Chance(seed);
    const chart = chartOf(chance);
    if (interpreted(compile(chart([]))).length === 0) whole++;
    const moves = walkOf(chance, 40, () => ({ type: chance.pick(TYPES) }));
    expect(difference(chart, moves)).toBeUndefined();
  }
  print(`compile: ${charts} charts made by chance, ${whole} compiled as a whole`);
  expect(whole).toBeGreaterThan(charts / 4);
});

describe('the machines of this program', () => {
  test('are compiled completely, except for the initial snapshot of the supervisor, which invokes', () => {
    expect(interpreted(compile(peerMachine))).toEqual([]);
    expect(interpreted(compile(transportMachine))).toEqual([]);
    expect(interpreted(compile(outboundMachine))).toEqual([]);
    expect(interpreted(compile(supervisorMachine))).toEqual(['init: supervisor invokes']);
  });

  test.each(CONNECTION_TYPES)('peer, %s', (connection_type) => {
    const chart = recording(peerMachine, ['effect.dial', 'effect.send', 'effect.close']);
    const input = { id: 1, connection_type, rules: CORE_RULES };
    const events = PLACES.filter(({ column }) => column.type === connection_type).flatMap(
      ({ row, column }) => {
        const event = row.event(stateIn(column, row.given).snapshot.context);
        return event && !event.type.startsWith('xstate') ? [event] : [];
      },
    );
    for (let seed = 1; seed <= 60 * TIMES; seed++) {
      const chance = new Chance(seed);
      const moves = walkOf(chance, 40, () => chance.pick(events));
      expect(difference(chart, [...moves, 60_000], input)).toBeUndefined();
    }
  });

  test.each(['initiator', 'responder'])('transport, %s', (role) => {
    const effects = ['sendKey', 'sendTerminator', 'ready', 'fallBack', 'giveUp'].map(
      (name) => `effect.${name}`,
    );
    const chart = recording(transportMachine, effects);
    for (let seed = 1; seed <= 80 * TIMES; seed++) {
      const chance = new Chance(seed);
      const input = { id: 1, role, v2only: chance.often(1 / 2), handshakeTimeout: 60_000 };
      const moves = walkOf(chance, 30, () => {
        const type = chance.pick(TRANSPORT_EVENTS);
        return { type, size: chance.whole(0, 8), code: 'ERR_V2_AUTH', facts: { size: 1 } };
      });
      expect(difference(chart, [...moves, 60_000], input)).toBeUndefined();
    }
  });

  test('outbound', () => {
    const effects = ['lookUp', 'cancelLookUp', 'requestSlot', 'connect', 'disconnect', 'settle'];
    const reports = ['reportEnd', 'reportFallback', 'reportRetry', 'reportAbandoned'];
    const chart = recording(
      outboundMachine,
      [...effects, ...reports].map((name) => `effect.${name}`),
    );
    const codes = [
      'ERR_DIAL_REFUSED',
      'ERR_POLICY_DUPLICATE',
      'ERR_PROTO_SELF',
      'ERR_POLICY_VERSION',
      'END_DONE',
    ];
    for (let seed = 1; seed <= 200 * TIMES; seed++) {
      const chance = new Chance(seed);
      const name = chance.often(1 / 2) ? 'node.example' : '';
      const rules = { persistent: chance.often(3 / 4), v2: chance.often(3 / 4), v2only: chance.often(1 / 4) };
      const input = {
        id: 1,
        connection_type: 'manual',
        name,
        addresses: name ? [] : ['a:1', 'b:1'],
        ...rules,
      };
      const moves = walkOf(chance, 40, () => ({
        type: chance.often(1 / 60) ? 'user.close' : chance.pick(OUTBOUND_EVENTS.slice(0, -1)),
        addresses: ['a:1', 'b:1', 'c:1'].slice(0, chance.whole(1, 3)),
        reason: { code: chance.often(1 / 2) ? 'ERR_LINK_EOF' : chance.pick(codes), facts: {} },
        ...{ unanswered: chance.often(1 / 4), speaksv1: chance.often(1 / 4) },
        lasted: chance.pick([0, 59_999, 60_000]),
        draw: chance.pick([0, 0.5]),
      }));
      expect(difference(chart, [...moves, 300_000], input)).toBeUndefined();
    }
  });

  test('supervisor', () => {
    const effects = ['grantSlot', 'refuseSlot', 'accept', 'refuse', 'findCandidates', 'openTargets'];
    const evictions = ['selectPeerToEvict', 'evict'];
    const reports = ['reportUnreachable', 'reportFilled', 'drain', 'kill'];
    const chart = recording(
      supervisorMachine,
      [...effects, ...evictions, ...reports].map((name) => `effect.${name}`),
    );
    for (let seed = 1; seed <= 80 * TIMES; seed++) {
      const chance = new Chance(seed);
      const limits = { maxinbound: 2, maxoutbound: 2, drainTimeout: 500 };
      const input = { ...limits, wanted: chance.whole(1, 3), once: chance.often(1 / 2) };
      const moves = walkOf(chance, 40, () => ({
        type: chance.often(1 / 40) ? 'user.stop' : chance.pick(SUPERVISOR_EVENTS.slice(0, -1)),
        ticket: chance.whole(0, 98),
        id: chance.whole(0, 1),
        count: chance.whole(0, 4),
        draw: 0,
        ...{ inbound: chance.often(1 / 2), known: chance.often(1 / 4), banned: chance.often(1 / 8) },
        ...{ discouraged: chance.often(1 / 8), reserved: chance.whole(0, 1) },
        exceeds: chance.pick(['', '', '', 'rate', 'handshakes', 'peers']),
        established: chance.often(1 / 2),
      }));
      expect(difference(chart, moves, input)).toBeUndefined();
    }
  });
});

describe('the compiled machine', () => {
  const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    initial: 'on',
    states: {
      on: { on: { more: { actions: assign(({ context }) => ({ n: context.n + 1 })) }, off: 'off' } },
      off: { type: 'final' },
    },
  });

  test('is a machine with the same config and id, and is compiled once', () => {
    const compiled = compile(machine);
    expect(compiled.config).toBe(machine.config);
    expect(compiled.id).toBe('counter');
    expect(compile(compiled)).toBe(compiled);
    expect(() => interpreted(machine)).toThrow('counter is not compiled');
  });

  test('a persisted snapshot continues, in XState and compiled', () => {
    const first = createActor(compile(machine)).start();
    first.send({ type: 'more' });
    const second = createActor(compile(machine), { snapshot: first.getPersistedSnapshot() }).start();
    second.send({ type: 'more' });
    expect(second.getSnapshot().context).toEqual({ n: 2 });
    const third = createActor(machine, { snapshot: second.getPersistedSnapshot() }).start();
    third.send({ type: 'more' });
    expect(third.getSnapshot().context).toEqual({ n: 3 });
  });

  test('a snapshot of another machine is handled by XState', () => {
    const other = machine.provide({});
    const snapshot = createActor(other).start().getSnapshot();
    const scope = createActor(machine) as unknown as { _actorScope: never };
    expect(compile(machine).transition(snapshot, { type: 'more' }, scope._actorScope).context).toEqual({
      n: 1,
    });
  });

  test('an unsupported spawn is refused with a clear error', () => {
    const spawning = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      on: { x: { actions: assign(({ spawn }) => ({ n: Number(spawn(machine).id) })) } },
      initial: 'a',
      states: { a: {} },
    });
    const actor = createActor(compile(spawning));
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => void errors.push(String(error)) });
    actor.start().send({ type: 'x' });
    expect(errors).toEqual([expect.stringContaining('use spawnChild')]);
  });
});
