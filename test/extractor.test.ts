/**
 * Stately's extractor reads each machine file as source text, as the Stately editor does. What it sees is compared with
 * the live config: the same states, transitions, targets, guards, actions and descriptions.
 *
 * The extractor needs xstate 4, so it is installed in test/extractor, apart from the xstate 5 of the machines.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { describe, expect, test } from '@jest/globals';

import { MACHINES } from '../machines/index.js';
import { print } from './support/print.js';

interface State {
  readonly initial?: string;
  readonly type?: string;
  readonly description?: string;
  readonly entry?: unknown;
  readonly exit?: unknown;
  readonly always?: unknown;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly invoke?: unknown;
  readonly states?: Readonly<Record<string, State>>;
}

interface Extractor {
  readonly extractMachinesFromFile: (source: string) => { machines: readonly { toConfig(): State }[] } | null;
}

const require = createRequire(new URL('./extractor/package.json', import.meta.url));
const { extractMachinesFromFile } = require('@xstate/machine-extractor') as Extractor;

function extracted(name: string): State {
  const file = new URL(`../machines/${name}.machine.ts`, import.meta.url);
  const { machines = [] } = extractMachinesFromFile(readFileSync(file, 'utf8')) ?? {};
  expect(machines).toHaveLength(1);
  return machines[0]!.toConfig();
}

const listOf = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat());

/** The name of a guard or an action and its params, in the extractor's form and in XState's. */
function named(value: unknown): string {
  if (typeof value === 'string') return value;
  const { action, type, params } = value as { action?: unknown; type?: string; params?: object };
  if (action !== undefined) return named(action);
  return Object.keys(params ?? {}).length > 0 ? `${type} ${JSON.stringify(params)}` : String(type);
}

interface Transition {
  readonly target?: string;
  readonly guard?: unknown;
  /** The guard, as xstate 4 calls it. */
  readonly cond?: unknown;
  readonly actions?: unknown;
  readonly description?: string;
}

/** One transition as text. */
function transitionText(value: unknown): string {
  const transition: Transition = typeof value === 'string' ? { target: value } : (value as Transition);
  const { target = '', guard, cond = guard, actions, description } = transition;
  const does = listOf(actions).map(named).join(', ');
  return `[${cond === undefined ? '' : named(cond)}] ${does} → ${target} (${description})`;
}

const transitionsOf = (path: string, { on = {}, after = {}, always = [] }: State): string[] =>
  Object.entries({ ...on, ...after, always }).flatMap(([event, list]) =>
    listOf(list).map((each) => `${path} · ${event} ${transitionText(each)}`),
  );

/** Every state by its path, the root first. */
const statesOf = (state: State, path = ''): [string, State][] => [
  [path, state],
  ...Object.entries(state.states ?? {}).flatMap(([name, child]) => statesOf(child, `${path}.${name}`)),
];

const stateText = ([path, state]: [string, State]): string => {
  const { initial, type, description, entry, exit, invoke } = state;
  const actions = [entry, exit].map((list) => listOf(list).map(named).join(', '));
  return [path, type, initial, description, ...actions, listOf(invoke).length].join(' | ');
};

/** Functions in the config, by XState's rule; `setup` adds `schemas`, which is undefined. */
const FUNCTIONS = ['context', 'output'];

/** The keys of a state that the functions above compare. */
const COMPARED = [
  'id',
  'description',
  'initial',
  'type',
  'entry',
  'exit',
  'invoke',
  'on',
  'after',
  'always',
  'states',
];

describe.each(MACHINES)('in machines/$name.machine.ts', ({ name, machine }) => {
  const live = statesOf(machine.config as State);
  const seen = statesOf(extracted(name));

  test('the extractor finds every state', () => {
    expect(seen.map(stateText)).toEqual(live.map(stateText));
  });

  test('every key of every state is compared', () => {
    const keys = live.flatMap(([, state]) => Object.keys(state));
    expect([...new Set(keys)].filter((key) => ![...COMPARED, ...FUNCTIONS, 'schemas'].includes(key))).toEqual(
      [],
    );
  });

  test('the extractor finds every transition', () => {
    const all = live.flatMap(([path, state]) => transitionsOf(path, state));
    expect(seen.flatMap(([path, state]) => transitionsOf(path, state))).toEqual(all);
    const moves = all.filter((text) => !text.includes('→  ('));
    print(
      `${name}: ${live.length - 1} states, ${all.length} transitions, ${moves.length} with a target, all extracted`,
    );
  });
});
