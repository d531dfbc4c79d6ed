/** Small charts, each about one thing that XState can do; every action and guard of theirs reports its arguments. */
import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  not,
  or,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import type { Chart, Calls } from './differential.js';

interface Count {
  readonly n: number;
}
type ActionArgs = { context: unknown; event: unknown };

/** An action that records its arguments. */
const record =
  (calls: Calls, name: string) =>
  ({ context, event }: ActionArgs, params: unknown): void =>
    void calls.push([name, context, event, params]);

const base = (calls: Calls) =>
  setup({
    types: { context: {} as Count, events: {} as { type: string; by?: number } },
    actions: {
      log: record(calls, 'log'),
      say: (args: ActionArgs, params: { what: unknown }) => record(calls, 'say')(args, params),
      more: assign(({ context, event }) => ({ n: context.n + (event.by ?? 1) })),
      reset: assign({ n: 0 }),
      halve: assign({ n: ({ context }) => context.n / 2 }),
      add: assign(({ context }, { by }: { by: number }) => ({ n: context.n + by })),
      fail: () => {
        throw new Error('an action that throws');
      },
      failAssign: assign(() => {
        throw new Error('an assigner that throws');
      }),
    },
    guards: {
      isOdd: ({ context }) => context.n % 2 === 1,
      isAbove: ({ context }, { limit }: { limit: number }) => context.n > limit,
      isBad: () => {
        throw new Error('a guard that throws');
      },
    },
    delays: {
      soon: 10,
      later: ({ context }) => 100 + context.n,
      never: () => undefined as unknown as number,
    },
    actors: { child: fromCallback(() => undefined) },
  });

const nested: Chart = (calls) =>
  base(calls).createMachine({
    id: 'nested',
    context: { n: 0 },
    initial: 'a',
    entry: 'log',
    on: {
      root: { actions: 'log' },
      home: '.a',
      again: { target: '.b', reenter: true },
      x: { actions: 'more' },
    },
    states: {
      a: {
        entry: { type: 'say', params: { what: 'in a' } },
        exit: { type: 'say', params: { what: 'out a' } },
        tags: ['first', 'calm'],
        meta: { colour: 'red' },
        on: {
          x: 'b',
          y: '#deep',
          self: 'a',
          inner: { target: 'a', reenter: true },
          nothing: {},
          count: { actions: ['more', 'log', 'more', { type: 'add', params: { by: 5 } }, 'halve', 'log'] },
        },
      },
      b: {
        initial: 'b1',
        entry: ['more', 'log'],
        exit: 'log',
        on: {
          up: 'a',
          own: { target: 'b', actions: 'log' },
          own2: { target: 'b', reenter: true },
          in: '.b2',
        },
        states: {
          b1: { entry: 'log', exit: 'more', on: { x: 'b2', y: { target: '#nested.b', actions: 'log' } } },
          b2: {
            initial: 'c',
            tags: 'deep',
            entry: 'reset',
            states: {
              c: { id: 'deep', entry: 'log', exit: 'log', on: { x: '#nested.a', out: '#nested.b.b1' } },
            },
          },
        },
      },
    },
  });

const guarded: Chart = (calls) =>
  base(calls).createMachine({
    id: 'guarded',
    context: { n: 0 },
    initial: 'even',
    states: {
      even: {
        on: {
          x: [
            { guard: 'isOdd', target: 'odd', actions: 'log' },
            { guard: { type: 'isAbove', params: { limit: 4 } }, actions: 'reset' },
            { guard: not('isOdd'), actions: 'more' },
          ],
          y: { guard: and(['isOdd', not(stateIn('odd'))]), target: 'odd' },
          z: {
            guard: or(['isOdd', { type: 'isAbove', params: { limit: 1 } }]),
            actions: 'more',
          },
          bad: { guard: 'isBad', target: 'odd' },
        },
      },
      odd: {
        on: {
          x: [
            {
              guard: 'isOdd',
              target: 'even',
              actions: { type: 'say', params: ({ context }) => ({ what: context.n }) },
            },
          ],
        },
      },
    },
    on: { x: { actions: 'log' } },
  });

const delayed: Chart = (calls) =>
  base(calls).createMachine({
    id: 'delayed',
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        after: { soon: 'b', 1000: { actions: 'more' } },
        on: { x: 'b', again: { target: 'a', reenter: true } },
      },
      b: {
        initial: 'b1',
        after: {
          later: [
            { guard: 'isOdd', target: 'a' },
            { target: 'c', actions: 'log' },
          ],
        },
        states: { b1: { after: { 20: 'b2' } }, b2: { on: { x: 'b1', y: { actions: 'more' } } } },
      },
      c: { after: { never: { target: 'd', actions: 'log' } } },
      d: { after: { unknown: 'a' } as never, on: { x: 'a' } },
    },
  });

const raising: Chart = (calls) =>
  base(calls)
    .createMachine({
      id: 'raising',
      context: { n: 0 },
      initial: 'a',
      states: {
        a: {
          entry: ['log', raise({ type: 'first' }), raise({ type: 'second' })],
          on: {
            first: { actions: ['more', raise({ type: 'third' })] },
            second: { actions: 'log' },
            third: 'b',
          },
        },
        b: {
          on: {
            x: {
              actions: [raise({ type: 'late' }, { delay: 50, id: 'l' }), emit({ type: 'args' })],
            },
            y: { actions: cancel('l') },
            late: 'a',
            z: {
              actions: [
                emit(({ context }) => ({ type: 'args', by: context.n })),
                raise(({ context }) => ({ type: 'y', by: context.n })),
              ],
            },
          },
        },
      },
    })
    .provide({});

const ending: Chart = (calls) =>
  base(calls).createMachine({
    id: 'ending',
    context: { n: 0 },
    output: ({ context, event }: { context: Count; event: unknown }) => ({ n: context.n, event }),
    exit: 'log',
    initial: 'work',
    states: {
      work: {
        initial: 'w1',
        onDone: { target: 'rest', actions: 'log' },
        states: {
          w1: { on: { x: 'w2', end: '#ending.over' } },
          w2: { type: 'final', entry: 'more', output: { done: true } },
        },
      },
      rest: {
        on: { x: 'over', y: 'work', count: { actions: 'more' } },
        after: { soon: { actions: 'more' } },
      },
      over: {
        type: 'final',
        entry: ['more', 'log'],
        exit: ['more', 'log'],
        output: ({ context }: { context: Count }) => context.n,
      },
    },
  });

const failing: Chart = (calls) =>
  base(calls).createMachine({
    id: 'failing',
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        after: { soon: 'b' },
        on: {
          x: { actions: ['more', 'log', 'fail', 'log'] },
          y: { target: 'b', actions: 'failAssign' },
          z: 'b',
        },
      },
      b: { entry: 'log', exit: 'fail', on: { x: 'a' } },
    },
  });

const wild: Chart = (calls) =>
  base(calls).createMachine({
    id: 'wild',
    context: { n: 0 },
    initial: 'a',
    on: { '*': { actions: 'log' } },
    states: {
      a: { on: { x: 'b', '*': { guard: 'isOdd', actions: 'more' } } },
      b: { on: { x: { guard: 'isOdd', target: 'a' }, '*': 'a', y: { actions: 'more' } } },
    },
  });

const partlyWild: Chart = (calls) =>
  base(calls).createMachine({
    id: 'partlyWild',
    context: { n: 0 },
    initial: 'a',
    states: { a: { on: { 'mouse.*': 'b', x: 'b' } }, b: { on: { x: { target: 'a', actions: 'log' } } } },
  });

const parallel: Chart = (calls) =>
  base(calls).createMachine({
    id: 'parallel',
    context: { n: 0 },
    initial: 'one',
    states: {
      one: { on: { x: 'both', count: { actions: 'more' } }, entry: 'log' },
      both: {
        type: 'parallel',
        on: { out: 'one' },
        states: {
          l: { initial: 'l1', states: { l1: { on: { x: 'l2' } }, l2: { on: { y: 'l1' } } } },
          r: {
            initial: 'r1',
            states: { r1: { on: { x: 'r2' } }, r2: { entry: 'more', on: { y: '#parallel.one' } } },
          },
        },
      },
    },
  });

const eventless: Chart = (calls) =>
  base(calls).createMachine({
    id: 'eventless',
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        on: { x: { actions: 'more' }, y: 'b' },
        always: { guard: { type: 'isAbove', params: { limit: 2 } }, target: 'b' },
      },
      b: { entry: 'log', on: { x: { target: 'a', actions: 'reset' }, y: { actions: 'log' } } },
    },
  });

const remembering: Chart = (calls) =>
  base(calls).createMachine({
    id: 'remembering',
    context: { n: 0 },
    initial: 'out',
    states: {
      out: { entry: 'log', on: { x: 'in.back', y: 'in', count: { actions: 'more' } } },
      in: {
        initial: 'i1',
        on: { out: 'out' },
        states: { back: { type: 'history' }, i1: { on: { x: 'i2' } }, i2: { on: { x: 'i1' } } },
      },
    },
  });

const employing: Chart = (calls) =>
  base(calls).createMachine({
    id: 'employing',
    context: { n: 0 },
    initial: 'idle',
    states: {
      idle: {
        entry: 'log',
        on: {
          x: 'busy',
          spawn: { actions: spawnChild('child', { id: 'kid' }) },
          stop: { actions: stopChild('kid') },
          end: 'over',
          many: {
            actions: enqueueActions(({ enqueue, check }) => {
              if (check('isOdd')) enqueue('log');
              enqueue('more');
            }),
          },
        },
      },
      busy: {
        invoke: { src: 'child', id: 'worker' },
        on: { x: 'idle', y: { actions: sendTo('worker', { type: 'hey' }) }, count: { actions: 'more' } },
      },
      over: { type: 'final' },
    },
  });

/** The whole machine invokes, as a supervisor does. */
const employer: Chart = (calls) =>
  base(calls).createMachine({
    id: 'employer',
    context: ({ input }) => ({ n: (input as Count | undefined)?.n ?? 3 }),
    invoke: { src: 'child', id: 'pool' },
    initial: 'on',
    states: {
      on: { on: { x: { actions: ['more', 'log'] }, end: 'off' } },
      off: { type: 'final', entry: 'log' },
    },
  });

const inline: Chart = (calls) =>
  createMachine({
    id: 'inline',
    types: { context: {} as Count, events: {} as { type: string } },
    context: { n: 1 },
    initial: 'a',
    states: {
      a: {
        on: {
          x: {
            guard: ({ context }) => context.n > 0,
            actions: [
              record(calls, 'inline'),
              assign(({ context }: { context: Count }) => ({ n: context.n + 1 })),
              'missing',
            ],
          },
          y: { guard: 'missing', target: 'a' },
        },
      },
    },
  });

export const CHARTS: readonly Chart[] = [
  ...[nested, guarded, delayed, raising, ending, failing, wild, partlyWild],
  ...[parallel, eventless, remembering, employing, employer, inline],
];

/** Every event of the charts, and one that is in none. */
export const EVENTS = [
  ...[
    'x',
    'y',
    'z',
    'root',
    'home',
    'again',
    'self',
    'inner',
    'nothing',
    'count',
    'up',
    'own',
    'own2',
    'in',
    'out',
  ],
  ...['bad', 'first', 'third', 'late', 'end', 'spawn', 'stop', 'many', 'mouse.up', 'unheard.of'],
] as const;
