/** An actor made without XState's constructor against one that XState made: everything that can be observed must be the same. */
import { describe, expect, test } from '@jest/globals';
import {
  Actor,
  type ActorOptions,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  fromTransition,
  setup,
} from 'xstate';
import { TRANSPORT_EVENTS, type TransportEvent } from '../machines/index.js';
import { VirtualClock } from '../src/net/virtual-clock.js';
import { createChildActor } from '../src/xstate/child-actor.js';
import { compile } from '../src/xstate/compile.js';
import { handlersOf, withHandlers } from '../src/xstate/effect-handlers.js';
import { watchInspection } from '../src/xstate/inspection.js';
import { keepTimersByActor } from '../src/xstate/timers.js';
import { Chance } from './simulation/seeded-random.js';
import { nightly } from './support/nightly.js';
import { type EffectHandlers, reportingTransport, TRANSPORT_EFFECTS } from './support/transport-effects.js';

const WALKS = 100 * nightly(20, 1);
/** What the parent has received is in `received`. */
function family() {
  const clock = new VirtualClock();
  const received: unknown[] = [];
  const logic = fromTransition(
    (state: number, event: { type: string; output?: unknown; error?: unknown }) => {
      received.push([event.type, event.output, String(event.error)]);
      return state;
    },
    0,
  );
  const parent = createActor(logic, { clock });
  keepTimersByActor(parent.system);
  watchInspection(parent.system, false);
  parent.start();
  return { clock, received, parent: parent as AnyActorRef };
}

type Make = typeof createChildActor;
const byXState: Make = (logic, options) =>
  createActor(logic as AnyActorLogic, options as unknown as ActorOptions<AnyActorLogic>) as never;

interface Setting {
  readonly role: 'initiator' | 'responder';
  /** The effect that sends an event to its own actor. */
  readonly nested?: string | undefined;
  /** The effect that throws. */
  readonly bug?: string | undefined;
}

/** Moves: an event, milliseconds that pass, or `stop`. */
type Move = TransportEvent | number | 'stop';

function seen(make: Make, { role, nested, bug }: Setting, moves: readonly Move[]) {
  const { clock, received, parent } = family();
  const calls: unknown[] = [];
  const effect = (name: string, params: unknown): void => {
    calls.push([name, params]);
    if (name === nested) actor.send({ type: 'bytes.arrived' });
    if (name === bug) throw new Error('a bug');
  };
  const input = { id: 1, role, v2only: false, handshakeTimeout: 60_000 } as const;
  const actor = make(withHandlers(reportingTransport, { effect }), { id: 'transport.1', input, parent });
  const observed: unknown[] = [];
  actor.subscribe({
    next: ({ value, status }) => observed.push([value, status]),
    error: (error) => observed.push(String(error)),
    complete: () => observed.push('complete'),
  });
  actor.start();
  const trace = moves.map((move) => {
    if (typeof move === 'number') clock.advance(move);
    else if (move === 'stop') (actor as unknown as { _stop(): void })._stop();
    else actor.send(move);
    const { value, context, status, output } = actor.getSnapshot();
    return { move, value, context, status, output, armed: clock.armed };
  });
  return { trace, calls, received, observed, json: JSON.stringify(actor) };
}

function walkOf(chance: Chance): Move[] {
  const event = (): Move => {
    const facts = { code: 'ERR_V2_GARBAGE', facts: { limit: 1 }, size: chance.whole(0, 9) };
    return { type: chance.pick(TRANSPORT_EVENTS), ...facts } as unknown as TransportEvent;
  };
  const move = (): Move => {
    if (chance.often(0.1)) return chance.pick([1, 1_000, 60_000]);
    return chance.often(0.05) ? 'stop' : event();
  };
  return [{ type: 'link.connected' }, ...Array.from({ length: 12 }, move)];
}

describe('an actor made without the constructor', () => {
  const options = {
    id: 'transport.1',
    input: { id: 1, role: 'responder', v2only: false, handshakeTimeout: 60_000 },
  } as const;

  test('has the fields of an actor of XState, in their order', () => {
    const { parent } = family();
    const actor = createChildActor(reportingTransport, { ...options, parent });
    expect(actor).toBeInstanceOf(Actor);
    const fields = Object.keys(byXState(reportingTransport, { ...options, parent }));
    expect(Object.keys(actor)).toEqual(fields.filter((field) => field !== 'send'));
  });

  test('differs in nothing on random walks', () => {
    for (let seed = 1; seed <= WALKS; seed++) {
      const chance = new Chance(seed);
      const setting: Setting = {
        role: chance.pick(['initiator', 'responder']),
        nested: chance.often(0.3) ? chance.pick(TRANSPORT_EFFECTS) : undefined,
        bug: chance.often(0.2) ? chance.pick(TRANSPORT_EFFECTS) : undefined,
      };
      const moves = walkOf(chance);
      expect({ seed, ...seen(createChildActor, setting, moves) }).toEqual({
        seed,
        ...seen(byXState, setting, moves),
      });
    }
  });

  test('executes the actions of its initial state when it is started, then sets its timers', () => {
    const starter = compile(
      setup({
        actions: { enter: ({ self }) => handlersOf<EffectHandlers>(self).effect('enter', undefined) },
      }).createMachine({
        initial: 'first',
        states: { first: { entry: 'enter', after: { 1_000: 'second' } }, second: {} },
      }),
    );
    const { clock, parent } = family();
    const armed: number[] = [];
    const logic = withHandlers(starter, { effect: () => armed.push(clock.armed) });
    const actor = createChildActor(logic, { id: 'starter', input: undefined, parent });
    expect([armed, clock.armed]).toEqual([[], 0]);
    actor.start();
    expect([armed, clock.armed]).toEqual([[0], 1]);
    clock.advance(1_000);
    expect(actor.getSnapshot().value).toBe('second');
  });

  test('is made by XState where the system is inspected', () => {
    const { parent } = family();
    const types: string[] = [];
    parent.system.inspect(({ type }) => void types.push(type));
    createChildActor(withHandlers(reportingTransport, { effect: () => undefined }), {
      ...options,
      parent,
    }).start();
    expect(types).toEqual(['@xstate.actor', '@xstate.event', '@xstate.snapshot']);
  });

  test('is seen by an inspector that comes later', () => {
    const { parent } = family();
    const actor = createChildActor(withHandlers(reportingTransport, { effect: () => undefined }), {
      ...options,
      parent,
    });
    actor.start();
    const types: string[] = [];
    parent.system.inspect(({ type }) => void types.push(type));
    actor.send({ type: 'link.connected' });
    expect(types).toContain('@xstate.microstep');
    expect(types.filter((type) => type === '@xstate.event')).toHaveLength(1);
  });
});
