/** A machine on a plain snapshot against an actor of the same machine: everything that can be observed must be the same. */
import { describe, expect, test } from '@jest/globals';
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { TRANSPORT_EVENTS, type TransportEvent } from '../machines/index.js';
import { VirtualClock } from '../src/net/virtual-clock.js';
import { withHandlers } from '../src/xstate/effect-handlers.js';
import { Stepper } from '../src/xstate/stepper.js';
import { keepTimersByActor } from '../src/xstate/timers.js';
import { Chance } from './simulation/seeded-random.js';
import { nightly } from './support/nightly.js';
import { reportingTransport, TRANSPORT_EFFECTS } from './support/transport-effects.js';

const WALKS = 100 * nightly(20, 1);
/** Moves: an event, milliseconds that pass, or `actor` for the change from one to the other. */
type Move = TransportEvent | number | 'actor';

function system() {
  const clock = new VirtualClock();
  const received: unknown[] = [];
  const parent = createActor(
    fromTransition((state: number, event: { type: string; error?: unknown }) => {
      if (event.type !== 'xstate.done.actor.transport.1') received.push([event.type, String(event.error)]);
      return state;
    }, 0),
    { clock },
  );
  keepTimersByActor(parent.system);
  parent.start();
  return { clock, received, parent: parent as AnyActorRef };
}

interface Setting {
  readonly role: 'initiator' | 'responder';
  readonly v2only: boolean;
  /** The effect that sends an event. */
  readonly nested?: string;
  /** The effect that throws. */
  readonly bug?: string;
}

/** What can be seen of a walk; `plain`: without an actor, until a move asks for it. */
function seen(plain: boolean, { role, v2only, nested, bug }: Setting, moves: readonly Move[]) {
  const { clock, received, parent } = system();
  const calls: unknown[] = [];
  let done = 0;
  const effect = (name: string, params: unknown): void => {
    calls.push([name, params]);
    if (name === nested) run.send({ type: 'bytes.arrived' });
    if (name === bug) throw new Error('a bug');
  };
  const logic = withHandlers(reportingTransport, { effect });
  const input = { id: 1, role, v2only, handshakeTimeout: 60_000 };
  const id = 'transport.1';
  const stepper = new Stepper(logic, { id, input, parent, done: () => done++ });
  const run = plain ? stepper : createActor(logic, { id, input, parent });
  if (!(run instanceof Stepper)) run.subscribe({ error: () => undefined });
  run.start();
  const trace = moves.map((move) => {
    if (typeof move === 'number') clock.advance(move);
    else if (move !== 'actor') run.send(move);
    else if (plain && stepper.getSnapshot().status === 'active') stepper.toActor();
    const { value, context, status, output } = run.getSnapshot();
    return { move, value, context, status, output, armed: clock.armed, calls: calls.length };
  });
  return { trace, calls, received, done };
}

function eventOf(chance: Chance): TransportEvent {
  const type = chance.pick(TRANSPORT_EVENTS);
  const facts = { code: 'ERR_V2_GARBAGE', facts: { limit: 1 }, size: chance.whole(0, 9) };
  return { type, ...facts } as unknown as TransportEvent;
}

const walkOf = (chance: Chance): Move[] => [
  ...(chance.often(0.9) ? [{ type: 'link.connected' } as const] : []),
  ...Array.from({ length: 12 }, () => {
    if (chance.often(0.1)) return chance.pick([1, 1_000, 30_000, 60_000]);
    return chance.often(0.1) ? 'actor' : eventOf(chance);
  }),
];

describe('a stepper and an actor', () => {
  test('differ in nothing on random walks, wherever the one becomes the other', () => {
    for (let seed = 1; seed <= WALKS; seed++) {
      const chance = new Chance(seed);
      const setting: Setting = {
        role: chance.pick(['initiator', 'responder']),
        v2only: chance.often(0.3),
        ...(chance.often(0.3) && { nested: chance.pick(TRANSPORT_EFFECTS) }),
        ...(chance.often(0.1) && { bug: chance.pick(TRANSPORT_EFFECTS) }),
      };
      const moves = walkOf(chance);
      const { done: _, ...plain } = seen(true, setting, moves);
      const { done: __, ...actor } = seen(false, setting, moves);
      expect({ seed, ...plain }).toEqual({ seed, ...actor });
    }
  });

  const V1: readonly Move[] = [{ type: 'link.connected' }, { type: 'bytes.arrived' }, { type: 'bytes.v1' }];

  test('a final state is reported once, and no timer is left', () => {
    const { trace, done } = seen(true, { role: 'responder', v2only: false }, [...V1, 60_000]);
    expect(trace.map(({ armed }) => armed)).toEqual([1, 1, 0, 0]);
    expect([trace.at(-1)?.value, done]).toEqual(['v1', 1]);
  });

  test('an error is reported to the parent as that of a child', () => {
    const { received, done } = seen(true, { role: 'responder', v2only: false, bug: 'effect.ready' }, V1);
    expect([received, done]).toEqual([[['xstate.error.actor.transport.1', 'Error: a bug']], 0]);
  });

  test('one that an effect stops is stopped after the step', () => {
    const { clock, parent } = system();
    const input = { id: 1, role: 'responder', v2only: false, handshakeTimeout: 60_000 } as const;
    const armed: number[] = [];
    const effect = (): void => {
      stepper.stop();
      armed.push(clock.armed);
    };
    const options = { id: 'transport.1', input, parent, done: () => undefined };
    const stepper = new Stepper(withHandlers(reportingTransport, { effect }), options).start();
    for (const type of ['link.connected', 'bytes.v2', 'bytes.key'] as const) stepper.send({ type });
    expect([armed, clock.armed, stepper.getSnapshot().status]).toEqual([[1], 0, 'stopped']);
  });

  test('one that is stopped accepts no event and has no timer', () => {
    const { clock, parent } = system();
    const input = { id: 1, role: 'responder', v2only: false, handshakeTimeout: 60_000 } as const;
    const options = { id: 'transport.1', input, parent, done: () => undefined };
    const stepper = new Stepper(
      withHandlers(reportingTransport, { effect: () => undefined }),
      options,
    ).start();
    stepper.send({ type: 'link.connected' });
    expect(clock.armed).toBe(1);
    stepper.stop();
    stepper.send({ type: 'bytes.v1' });
    expect([clock.armed, stepper.getSnapshot().status]).toEqual([0, 'stopped']);
  });
});
