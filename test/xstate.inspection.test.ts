/** Inspection events are created only once there is an inspector. */
import { expect, test } from '@jest/globals';
import { createActor, fromTransition, setup } from 'xstate';
import { compile } from '../src/xstate/compile.js';
import { isInspected, watchInspection } from '../src/xstate/inspection.js';

const machine = compile(
  setup({}).createMachine({
    initial: 'off',
    states: { off: { on: { toggle: 'on' } }, on: { on: { toggle: 'off' } } },
  }),
);

function family(isAlready: boolean) {
  const parent = createActor(fromTransition((state: number) => state, 0));
  watchInspection(parent.system, isAlready);
  parent.start();
  return { parent, child: createActor(machine, { parent }).start() };
}

test('a system that cannot be observed counts as inspected', () => {
  expect(isInspected(createActor(machine).system)).toBe(true);
});

test('what was inspected before stays inspected', () => {
  expect(isInspected(family(true).parent.system)).toBe(true);
});

test('microsteps are reported to an inspector that comes later', () => {
  const { parent, child } = family(false);
  expect(isInspected(parent.system)).toBe(false);
  child.send({ type: 'toggle' });
  const seen: string[] = [];
  parent.system.inspect((event) => void seen.push(event.type));
  child.send({ type: 'toggle' });
  expect(isInspected(parent.system)).toBe(true);
  expect(seen).toEqual(['@xstate.event', '@xstate.microstep', '@xstate.snapshot']);
});
