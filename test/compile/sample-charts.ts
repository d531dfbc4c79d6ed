/** Small charts, each about one thing that XState can do; every action and guard of theirs tells what it was given. */
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
import type { Chart, Deeds } from './differential.js';

interface Count {
  readonly n: number;
}
type Told = { context: unknown; event: unknown };

/** An action that writes down what it was given. */
const tell =
  (deeds: Deeds, name: string) =>
  ({ context, event }: Told, params: unknown): void =>
    void deeds.push([name, context, event, params]);

const base = (deeds: Deeds) =>
  setup({
    types: { context: {} as Count, events: {} as { type: string; by?: number } },
    actions: {
      tell: tell(deeds, 'tell'),
      say: (told: Told, params: { what: unknown }) => tell(deeds, 'say')(told, params),
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

const nested: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'nested',
    context: { n: 0 },
    initial: 'a',
    entry: 'tell',
    on: {
      root: { actions: 'tell' },
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
          count: { actions: ['more', 'tell', 'more', { type: 'add', params: { by: 5 } }, 'halve', 'tell'] },
        },
      },
      b: {
        initial: 'b1',
        entry: ['more', 'tell'],
        exit: 'tell',
        on: {
          up: 'a',
          own: { target: 'b', actions: 'tell' },
          own2: { target: 'b', reenter: true },
          in: '.b2',
        },
        states: {
          b1: { entry: 'tell', exit: 'more', on: { x: 'b2', y: { target: '#nested.b', actions: 'tell' } } },
          b2: {
            initial: 'c',
            tags: 'deep',
            entry: 'reset',
            states: {
              c: { id: 'deep', entry: 'tell', exit: 'tell', on: { x: '#nested.a', out: '#nested.b.b1' } },
            },
          },
        },
      },
    },
  });

const guarded: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'guarded',
    context: { n: 0 },
    initial: 'even',
    states: {
      even: {
        on: {
          x: [
            { guard: 'isOdd', target: 'odd', actions: 'tell' },
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
    on: { x: { actions: 'tell' } },
  });

const delayed: Chart = (deeds) =>
  base(deeds).createMachine({
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
            { target: 'c', actions: 'tell' },
          ],
        },
        states: { b1: { after: { 20: 'b2' } }, b2: { on: { x: 'b1', y: { actions: 'more' } } } },
      },
      c: { after: { never: { target: 'd', actions: 'tell' } } },
      d: { after: { unknown: 'a' } as never, on: { x: 'a' } },
    },
  });

const raising: Chart = (deeds) =>
  base(deeds)
    .createMachine({
      id: 'raising',
      context: { n: 0 },
      initial: 'a',
      states: {
        a: {
          entry: ['tell', raise({ type: 'first' }), raise({ type: 'second' })],
          on: {
            first: { actions: ['more', raise({ type: 'third' })] },
            second: { actions: 'tell' },
            third: 'b',
          },
        },
        b: {
          on: {
            x: {
              actions: [raise({ type: 'late' }, { delay: 50, id: 'l' }), emit({ type: 'told' })],
            },
            y: { actions: cancel('l') },
            late: 'a',
            z: {
              actions: [
                emit(({ context }) => ({ type: 'told', by: context.n })),
                raise(({ context }) => ({ type: 'y', by: context.n })),
              ],
            },
          },
        },
      },
    })
    .provide({});

const ending: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'ending',
    context: { n: 0 },
    output: ({ context, event }: { context: Count; event: unknown }) => ({ n: context.n, event }),
    exit: 'tell',
    initial: 'work',
    states: {
      work: {
        initial: 'w1',
        onDone: { target: 'rest', actions: 'tell' },
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
        entry: ['more', 'tell'],
        exit: ['more', 'tell'],
        output: ({ context }: { context: Count }) => context.n,
      },
    },
  });

const failing: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'failing',
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        after: { soon: 'b' },
        on: {
          x: { actions: ['more', 'tell', 'fail', 'tell'] },
          y: { target: 'b', actions: 'failAssign' },
          z: 'b',
        },
      },
      b: { entry: 'tell', exit: 'fail', on: { x: 'a' } },
    },
  });

const wild: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'wild',
    context: { n: 0 },
    initial: 'a',
    on: { '*': { actions: 'tell' } },
    states: {
      a: { on: { x: 'b', '*': { guard: 'isOdd', actions: 'more' } } },
      b: { on: { x: { guard: 'isOdd', target: 'a' }, '*': 'a', y: { actions: 'more' } } },
    },
  });

const partlyWild: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'partlyWild',
    context: { n: 0 },
    initial: 'a',
    states: { a: { on: { 'mouse.*': 'b', x: 'b' } }, b: { on: { x: { target: 'a', actions: 'tell' } } } },
  });

const parallel: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'parallel',
    context: { n: 0 },
    initial: 'one',
    states: {
      one: { on: { x: 'both', count: { actions: 'more' } }, entry: 'tell' },
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

const eventless: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'eventless',
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        on: { x: { actions: 'more' }, y: 'b' },
        always: { guard: { type: 'isAbove', params: { limit: 2 } }, target: 'b' },
      },
      b: { entry: 'tell', on: { x: { target: 'a', actions: 'reset' }, y: { actions: 'tell' } } },
    },
  });

const remembering: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'remembering',
    context: { n: 0 },
    initial: 'out',
    states: {
      out: { entry: 'tell', on: { x: 'in.back', y: 'in', count: { actions: 'more' } } },
      in: {
        initial: 'i1',
        on: { out: 'out' },
        states: { back: { type: 'history' }, i1: { on: { x: 'i2' } }, i2: { on: { x: 'i1' } } },
      },
    },
  });

const employing: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'employing',
    context: { n: 0 },
    initial: 'idle',
    states: {
      idle: {
        entry: 'tell',
        on: {
          x: 'busy',
          spawn: { actions: spawnChild('child', { id: 'kid' }) },
          stop: { actions: stopChild('kid') },
          end: 'over',
          many: {
            actions: enqueueActions(({ enqueue, check }) => {
              if (check('isOdd')) enqueue('tell');
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
const employer: Chart = (deeds) =>
  base(deeds).createMachine({
    id: 'employer',
    context: ({ input }) => ({ n: (input as Count | undefined)?.n ?? 3 }),
    invoke: { src: 'child', id: 'pool' },
    initial: 'on',
    states: {
      on: { on: { x: { actions: ['more', 'tell'] }, end: 'off' } },
      off: { type: 'final', entry: 'tell' },
    },
  });

const inline: Chart = (deeds) =>
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
              tell(deeds, 'inline'),
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

/** Every event that some chart knows, and one that none does. */
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
