/** Turns, the node-wide budget of work, and the queue of turns: what a flood may take, and what is left for others. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LOOP_MS, TurnQueue } from '../src/node/turn-queue.js';
import { Turn, TURN_LIMITS, WORK_LIMITS, WorkBudget } from '../src/node/work-budget.js';

/** Messages of one size and cost until the turn is over. */
function messagesOf(bytes: number, ms: number): number {
  let now = 0;
  const turn = new Turn(() => now);
  while (!turn.isOver) {
    now += ms;
    turn.add(bytes);
  }
  return turn.messages;
}

describe('a turn ends', () => {
  test.each([
    ['by number', 20, 0, TURN_LIMITS.messages],
    ['by bytes', 8_192, 0, 8],
    ['by time, looked at after every eighth message', 20, 0.7, 8],
    ['by bytes before a message that is larger than all of them', 4_000_000, 0, 1],
  ] as const)('%s', (_, bytes, ms, messages) => {
    expect(messagesOf(bytes, ms)).toBe(messages);
  });
});

test('a turn ends when its allowance of useless messages is used up, and parses no more of them at once', () => {
  const turn = new Turn(() => 0, TURN_LIMITS, 10);
  expect(turn.piece).toBe(200);
  for (let n = 0; n < 100; n += 1) turn.add(100, false);
  expect([turn.isOver, turn.piece]).toEqual([false, 200]);
  for (let n = 0; n < 9; n += 1) turn.add(24, true);
  expect([turn.isOver, turn.piece]).toEqual([false, 20]);
  turn.add(24, true);
  expect(turn.isOver).toBe(true);
  expect(new Turn(() => 0).piece).toBe(8_192);
});

describe('the node-wide budget', () => {
  const limits = { ...WORK_LIMITS, period: 1_000, messages: 1_000, reserve: 10 };

  /** Turns of 50 messages of one peer, until it has to wait; messages taken. */
  function flood(budget: WorkBudget, id: number, at = 0): number {
    let taken = 0;
    for (; budget.delayOf(id, at) === 0; taken += 50) budget.spend(id, 50, at);
    return taken;
  }

  test('gives a single peer at least its share, and then makes it wait for the next period', () => {
    const budget = new WorkBudget(limits);
    expect(flood(budget, 1, 400)).toBe(500);
    expect(budget.delayOf(1, 400)).toBe(600);
    expect(budget.delayOf(1, 1_000)).toBe(0);
  });

  test('leaves an equal share for peers that come later', () => {
    const budget = new WorkBudget(limits);
    flood(budget, 1);
    expect([2, 3, 4].map((id) => flood(budget, id))).toEqual([250, 200, 50]);
  });

  test('lets a new peer complete a handshake when the budget is used up', () => {
    const budget = new WorkBudget(limits);
    for (let id = 1; id < 60; id += 1) flood(budget, id);
    expect(budget.delayOf(100, 0)).toBe(0);
    budget.spend(100, 10, 0);
    expect(budget.delayOf(100, 0)).toBe(1_000);
  });

  test('is never exceeded by more than the reserve of each peer', () => {
    const turns = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 50 })), { maxLength: 500 });
    fc.assert(
      fc.property(turns, (all) => {
        const budget = new WorkBudget(limits);
        let total = 0;
        for (const [id, messages] of all) {
          const taken = Math.min(messages, budget.allowanceOf(id, 0));
          budget.spend(id, taken, 0);
          total += taken;
        }
        const peers = new Set(all.map(([id]) => id)).size;
        expect(total).toBeLessThanOrEqual(limits.messages + peers * limits.reserve);
      }),
    );
  });

  test('keeps no state of an earlier period', () => {
    const budget = new WorkBudget(limits);
    for (let id = 0; id < 100; id += 1) budget.spend(id, 1, 0);
    budget.spend(1, 1, 1_000);
    expect(budget.size).toBe(1);
  });
});

describe('key exchanges', () => {
  const limits = { ...WORK_LIMITS, keyExchanges: 100, keyBurst: 3 };
  const delays = (budget: WorkBudget, count: number, at: number) =>
    Array.from({ length: count }, () => budget.grantKeyExchange(at));

  test('are computed at once up to the burst, then at the average rate, in their order', () => {
    expect(delays(new WorkBudget(limits), 6, 5_000)).toEqual([0, 0, 0, 10, 20, 30]);
  });

  test('are computed at once again after a pause', () => {
    const budget = new WorkBudget(limits);
    delays(budget, 6, 0);
    expect(delays(budget, 4, 60)).toEqual([0, 0, 0, 10]);
  });
});

test('evictions are bounded by the candidates that are compared in a period', () => {
  const budget = new WorkBudget();
  const evictions = (slots: number, at: number): number =>
    Array.from({ length: 1_000 }, () => budget.allowsEviction(slots, at)).filter(Boolean).length;
  expect(evictions(114, 0)).toBe(878);
  expect(evictions(1_000, 1_000)).toBe(100);
  expect(evictions(10_000, 2_000)).toBe(10);
  expect(evictions(1_000_000, 3_000)).toBe(1);
});

/** A queue on a clock that moves by what the turns cost, with an event loop that is run by hand. */
function queue(cost: (id: number) => number, work: Map<number, number>, newcomers = new Set<number>()) {
  let now = 0;
  let scheduled: (() => void)[] = [];
  const turns: number[] = [];
  const target = new TurnQueue({
    now: () => now,
    schedule: (run) => scheduled.push(run),
    isHandshaking: (id) => newcomers.has(id),
    turn: (id) => {
      turns.push(id);
      now += cost(id);
      const left = (work.get(id) ?? 1) - 1;
      work.set(id, left);
      return left > 0;
    },
  });
  /** One turn of the event loop; how long it took. */
  const loop = (): number => {
    const before = now;
    const due = scheduled;
    scheduled = [];
    for (const run of due) run();
    return now - before;
  };
  return { target, turns, loop, now: () => now, isIdle: () => scheduled.length === 0 };
}

describe('the queue of turns', () => {
  test('gives a single peer its turn at once', () => {
    const { target, turns } = queue(() => 1, new Map());
    target.add(7);
    expect(turns).toEqual([7]);
  });

  test('lets peers with work left take turns', () => {
    const work = new Map([1, 2, 3].map((id) => [id, 3]));
    const { target, turns, loop, isIdle } = queue(() => 10, work);
    for (const id of work.keys()) target.add(id);
    while (!isIdle()) loop();
    expect(turns).toEqual([1, 1, 2, 3, 1, 2, 3, 2, 3]);
    expect(target.size).toBe(0);
  });

  test('never blocks the event loop for longer than its limit and one turn', () => {
    const flood = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })), { maxLength: 80 });
    fc.assert(
      fc.property(flood, fc.integer({ min: 1, max: 5 }), (peers, cost) => {
        const { target, loop, isIdle, now } = queue(() => cost, new Map(peers));
        for (const [id] of peers) target.add(id);
        expect(now()).toBeLessThanOrEqual(LOOP_MS + cost);
        while (!isIdle()) expect(loop()).toBeLessThanOrEqual(LOOP_MS + cost);
        expect(target.size).toBe(0);
      }),
    );
  });

  test('a new peer completes its handshake beside a thousand busy peers within a tenth of a second', () => {
    const work = new Map(Array.from({ length: 1_000 }, (_, id) => [id, Infinity]));
    const { target, turns, loop, now } = queue(() => 5, work, new Set([5_000]));
    for (const id of work.keys()) target.add(id);
    work.set(5_000, 3);
    const start = now();
    target.add(5_000);
    while (work.get(5_000) !== 0) loop();
    expect(turns.filter((id) => id === 5_000)).toHaveLength(3);
    expect(now() - start).toBeLessThan(100);
  });

  test('many new peers leave every second turn to the others', () => {
    const work = new Map(Array.from({ length: 100 }, (_, id) => [id, 4]));
    const newcomers = new Set(Array.from({ length: 50 }, (_, id) => id));
    const { target, turns, loop, isIdle } = queue(() => 5, work, newcomers);
    for (const id of work.keys()) target.add(id);
    while (!isIdle()) loop();
    const part = turns.slice(10, 210).filter((id) => newcomers.has(id));
    expect(part).toHaveLength(100);
  });

  test('a peer that completes its handshake loses its priority', () => {
    const newcomers = new Set([1]);
    const work = new Map([2, 3, 4].map((id) => [id, Infinity]));
    work.set(1, Infinity);
    const { target, turns, loop } = queue(() => 20, work, newcomers);
    for (const id of [2, 3, 4, 1]) target.add(id);
    newcomers.clear();
    for (let count = 0; count < 20; count += 1) loop();
    const part = turns.slice(8).filter((id) => id === 1);
    expect(part.length).toBeLessThan(turns.slice(8).length / 3);
  });

  test('a peer that has ended gets no turn', () => {
    const { target, turns, loop } = queue(() => 30, new Map());
    for (const id of [1, 2, 2]) target.add(id);
    target.remove(2);
    loop();
    expect(turns).toEqual([1]);
  });
});
