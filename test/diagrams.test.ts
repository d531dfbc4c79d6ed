/** The generated diagrams: complete, current and well-formed. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type AnyStateMachine, createMachine } from 'xstate';
import { annotations } from '../diagrams/annotations.js';
import { type Arrow, type Chart, chartOf } from '../diagrams/chart.js';
import { filesOf } from '../diagrams/render.js';
import { MACHINES, peerMachine, supervisorMachine } from '../machines/index.js';

interface TransitionConfig {
  readonly target?: string;
  readonly guard?: string;
}
type Cells = Readonly<Record<string, TransitionConfig | readonly TransitionConfig[]>>;
interface StateConfig {
  readonly on?: Cells;
  readonly after?: Cells;
  readonly always?: Cells[string];
  readonly states?: Readonly<Record<string, StateConfig>>;
}
interface ChartFile extends Chart {
  readonly arrows: readonly (Arrow & { readonly edge: string | null })[];
}

const committed = (file: string): string =>
  readFileSync(new URL(`../diagrams/${file}`, import.meta.url), 'utf8');

async function drawn(machine: AnyStateMachine) {
  const files = await filesOf(machine);
  const [json = '', mmd = '', svg = ''] = ['json', 'mmd', 'svg'].map(
    (kind) => files[`${machine.id}.${kind}`],
  );
  return { json: JSON.parse(json) as ChartFile, mmd, svg };
}

/** Read from the config, not with the code of the diagrams: [state, its config], compound states included. */
const statesIn = ({ states = {} }: StateConfig): [string, StateConfig][] =>
  Object.entries(states).flatMap(([name, state]) => [[name, state], ...statesIn(state)]);

const movesIn = (machine: AnyStateMachine) =>
  [[machine.id, machine.config] as [string, StateConfig], ...statesIn(machine.config as StateConfig)].flatMap(
    ([from, { on = {}, after = {}, always = [] }]) =>
      [...Object.entries(on), ...Object.entries(after), ['', always] as const].flatMap(([event, cell]) =>
        [cell]
          .flat()
          .flatMap(({ target, guard }) =>
            target === undefined
              ? []
              : [{ from, event, guard, to: target.split('.').at(-1)?.replace('#', '') }],
          ),
      ),
  );

const idsIn = (svg: string): string[] => [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id);

/** The names of the elements that are not closed, or the first end tag without a start. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, slash, name = '', rest = ''] of svg.matchAll(/<(\/?)([\w:]+)((?:"[^"]*"|[^">])*)>/g)) {
    if (slash === '/' && open.pop() !== name) return [name];
    if (slash === '' && !rest.endsWith('/')) open.push(name);
  }
  return open;
}

/** A state and the groups around it. */
function lineOf(json: ChartFile, name: string): string[] {
  const parent = json.states.find((state) => state.name === name)?.parent;
  return parent ? [name, ...lineOf(json, parent)] : [name];
}

describe.each(MACHINES)('$name', ({ machine, events }) => {
  test('the committed files are those of the machine', async () => {
    for (const [file, content] of Object.entries(await filesOf(machine)))
      if (committed(file) !== content) throw new Error(`diagrams/${file} is stale: npm run diagrams`);
  });

  test('every state is in every diagram', async () => {
    const { json, mmd, svg } = await drawn(machine);
    const names = statesIn(machine.config as StateConfig).map(([name]) => name);
    expect(json.states.map(({ name }) => name)).toEqual(names);
    for (const name of names) {
      expect(idsIn(svg)).toContain(`state-${name}`);
      expect(mmd).toMatch(new RegExp(`^ *state ".*" as ${name}( \\{)?$`, 'm'));
    }
  });

  test('every transition with a target is in every diagram', async () => {
    const { json, mmd, svg } = await drawn(machine);
    const moves = movesIn(machine);
    expect(json.arrows.filter(({ to }) => to !== null)).toHaveLength(moves.length);
    for (const { from, to, event, guard } of moves) {
      const arrow = json.arrows.find(
        (one) =>
          one.from === from &&
          one.to === to &&
          one.guard === guard &&
          (one.after?.delay ?? one.event) === event,
      );
      expect(idsIn(svg)).toContain(arrow?.edge);
      expect(mmd).toMatch(new RegExp(`^ *(${from}|any) --> \\w*${to}`, 'm'));
    }
  });

  test('the data decides every event in every state that is not final', async () => {
    const { json } = await drawn(machine);
    for (const { name, ignores } of json.states.filter(({ kind }) => kind === 'atomic')) {
      const ignored = Object.values(ignores)
        .flat()
        .map((cell) => cell.replace(/ .*/, ''));
      const around = [...lineOf(json, name), machine.id];
      const acted = json.arrows
        .filter(({ from, after, event }) => around.includes(from) && !after && event !== '')
        .map(({ event }) => event);
      expect([...new Set([...ignored, ...acted])].sort()).toEqual([...events].sort());
    }
  });

  test('the SVG is well-formed and its ids are unique', async () => {
    const { svg } = await drawn(machine);
    expect(unbalanced(svg)).toEqual([]);
    expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#\d+);)/);
    expect(idsIn(svg)).toEqual([...new Set(idsIn(svg))]);
  });

  test('Mermaid labels keep to the characters that Mermaid reads', async () => {
    const { mmd } = await drawn(machine);
    for (const [, label = ''] of mmd.matchAll(/ --> \w+: (.*)$/gm)) expect(label).not.toMatch(/[:;#"]/);
  });
});

test.each(MACHINES)('the xstate file of $name is a config of the same machine', async ({ name, machine }) => {
  const files = await filesOf(machine);
  const config = JSON.parse(files[`${name}.xstate.json`] ?? '') as object;
  expect(chartOf(createMachine(config), annotations)).toEqual(chartOf(machine, annotations));
});

test.each(MACHINES)(
  'the text of the overview of $name is at least 10 px at a width of 600 px',
  async (each) => {
    const svg = (await filesOf(each.machine))[`${each.name}.overview.svg`] ?? '';
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    const sizes = [...svg.matchAll(/font-size="([\d.]+)"/g)].map(([, size]) => Number(size));
    expect(Math.min(...sizes) * (600 / width)).toBeGreaterThanOrEqual(10);
  },
);

test('deadlines and messages are labelled', async () => {
  const { json, svg } = await drawn(peerMachine);
  const sends = (from: string, to: string) =>
    json.arrows
      .find((arrow) => arrow.from === from && arrow.to === to && arrow.sends.length > 0)
      ?.sends.join(' ');
  expect(sends('awaitingVersion', 'versionReceived')).toBe('version wtxidrelay sendaddrv2 verack');
  expect(sends('versionSent', 'versionReceived')).toBe('wtxidrelay sendaddrv2 verack (getaddr)');
  expect(sends('versionSent', 'closed')).toBe('wtxidrelay sendaddrv2 verack');
  expect(sends('connecting', 'versionSent')).toBe('version');
  expect(svg).toContain('after 5 s [not connected]');
  expect(svg).toContain('after 60 s');
});

test('one more transition changes every diagram', async () => {
  const { stopped, ...states } = supervisorMachine.config.states as Record<string, object>;
  const on = { 'user.panic': { target: 'stopped' } };
  const changed = createMachine({
    ...(supervisorMachine.config as object),
    id: 'supervisor',
    initial: 'running',
    states: { ...states, extra: { on }, stopped: stopped ?? {} },
  });
  const [before, after] = [await filesOf(supervisorMachine), await filesOf(changed)];
  for (const [file, content] of Object.entries(before)) expect(after[file]).not.toBe(content);
});

test('a config that is not data is refused', async () => {
  const inline = createMachine({ id: 'inline', on: { go: { actions: () => undefined } } });
  await expect(filesOf(inline)).rejects.toThrow('inline');
});
