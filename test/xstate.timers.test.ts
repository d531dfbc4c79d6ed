/** Timers by actor: an actor that stops cancels its own timers and no others. */
import { describe, expect, test } from '@jest/globals';
import { createActor, fromTransition, setup } from 'xstate';
import { VirtualClock } from '../src/net/virtual-clock.js';
import { keepTimersByActor } from '../src/xstate/timers.js';

const sleeper = setup({}).createMachine({
  initial: 'asleep',
  states: {
    asleep: { after: { 100: 'awake', 500: 'awake' }, on: { wake: 'awake' } },
    awake: { after: { 100: 'gone' } },
    gone: { type: 'final' },
  },
});

function family(count: number) {
  const clock = new VirtualClock();
  const parent = createActor(
    fromTransition((state: number) => state, 0),
    { clock },
  );
  keepTimersByActor(parent.system);
  parent.start();
  const children = Array.from({ length: count }, () => createActor(sleeper, { parent }).start());
  return { clock, parent, children };
}

describe('timers by actor', () => {
  test('a stop cancels the timers of that actor', () => {
    const { clock, children } = family(3);
    expect(clock.armed).toBe(6);
    (children[0] as unknown as { _stop(): void })._stop();
    expect(clock.armed).toBe(4);
  });

  test('an exited state cancels its timers, and those of the next state fire', () => {
    const { clock, children } = family(2);
    children[0]?.send({ type: 'wake' });
    expect(clock.armed).toBe(3);
    clock.advance(100);
    expect(children.map((child) => child.getSnapshot().value)).toEqual(['gone', 'awake']);
    clock.advance(100);
    expect(clock.armed).toBe(0);
  });

  test('equal timer ids of two actors are independent', () => {
    const { clock, children } = family(2);
    children[1]?.send({ type: 'wake' });
    clock.advance(100);
    expect(children.map((child) => child.getSnapshot().value)).toEqual(['awake', 'gone']);
  });

  test('a delayed event is inspected', () => {
    const { clock, parent } = family(1);
    const seen: string[] = [];
    parent.system.inspect((event) => event.type === '@xstate.event' && seen.push(event.event.type));
    clock.advance(100);
    expect(seen).toEqual(['xstate.after.100.(machine).asleep']);
  });
});
