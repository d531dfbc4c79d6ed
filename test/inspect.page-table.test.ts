/** What the page shows, without a browser: columns, order, filter, and the sum of updates. */
import { describe, expect, test } from '@jest/globals';
import type { TransitionEntry, Row, Transcript } from '../src/inspect/page/feed-messages.js';
import { COLUMNS, NEWEST, ordered } from '../src/inspect/page/columns.js';
import { ago, span } from '../src/inspect/page/format.js';
import { isMove, joined, stateAfter, PageState } from '../src/inspect/page/page-state.js';

const row = (id: number, more: Partial<Row> = {}): Row => ({
  ...{ key: String(id), id, inbound: false, connection_type: 'manual', network: 'ipv4', services: 'nw' },
  ...{ transport: 'v1', lastsend: 0, lastrecv: 0, conntime: 1_000 + id, highbandwidth: false },
  ...{ addr: `10.0.0.${id}:8333`, version: 70017, subver: '/x/', state: 'established', stateat: 0 },
  ...more,
});
const keys = (rows: readonly Row[]): string => rows.map(({ key }) => key).join(' ');
const column = (head: string): number => COLUMNS.findIndex((one) => one.head === head);

describe('the table', () => {
  test('has the columns of -netinfo in its order, then those of the machine', () => {
    expect(COLUMNS.map(({ head }) => head).join(' ')).toBe(
      '<-> type net serv v mping ping send recv hb age id address version state for next last reason',
    );
  });

  test('shows the living first and the latest first, until it is sorted', () => {
    const rows = [row(1), row(2, { state: 'failed' }), row(3, { pingtime: 5 }), row(4, { pingtime: 2 })];
    expect(keys(ordered(rows, NEWEST, '', ''))).toBe('4 3 1 2');
    expect(keys(ordered(rows, { by: column('ping'), down: false }, '', ''))).toBe('4 3 1 2');
    expect(keys(ordered(rows, { by: column('id'), down: true }, '', ''))).toBe('4 3 2 1');
    expect(keys(ordered(rows, { by: column('id'), down: false }, '', ''))).toBe('1 2 3 4');
  });

  test('is filtered by words that all must stand somewhere, and by state', () => {
    const reason = { code: 'ERR_TIME_PONG', facts: {} };
    const rows = [
      row(1, { inbound: true }),
      row(2, { state: 'failed', reason }),
      row(3, { transport: 'v2' }),
    ];
    expect(keys(ordered(rows, NEWEST, 'err_time', ''))).toBe('2');
    expect(keys(ordered(rows, NEWEST, 'v2 ipv4', ''))).toBe('3');
    expect(keys(ordered(rows, NEWEST, '10.0.0.1:', ''))).toBe('1');
    expect(keys(ordered(rows, NEWEST, 'nothing', ''))).toBe('');
    expect(keys(ordered(rows, NEWEST, '', 'failed'))).toBe('2');
  });

  test('counts up and down', () => {
    const at = 1_000_000;
    const peer = row(1, {
      stateat: at - 61_000,
      next: { what: 'ping', at: at + 5_000 },
      conntime: at / 1_000 - 125,
    });
    const text = (head: string): string => COLUMNS[column(head)]!.text(peer, at);
    expect([text('for'), text('next'), text('age'), text('send')]).toEqual(['61 s', 'ping 5 s', '2', '']);
    expect([ago(7_300_000), ago(-5), span(0.4242), span(12.4), span(1_250)]).toEqual([
      ...['2 h', '0 s', '0.42 ms', '12 ms', '1.25 s'],
    ]);
  });
});

const cell = (n: number, state: string, to?: string): TransitionEntry => ({
  ...{ kind: 'cell', n, at: n, lane: 'peer', event: 'x', state, actions: [], says: '' },
  ...(to !== undefined && { to }),
});
const story = (key: string, ...moments: readonly TransitionEntry[]): Transcript => ({
  ...{ key, inbound: false, bornat: 0, facts: {}, pings: [], moments },
});

describe('what the page knows', () => {
  test('is the sum of the updates', () => {
    const world = new PageState();
    const update = { at: 0, rows: [], gone: [], changes: [], missed: 0 };
    world.take({ ...update, rows: [row(1, { state: 'connecting' }), row(2)] });
    world.take({ ...update, rows: [row(1, { state: 'established' })], missed: 3 });
    expect([world.counts.get('connecting'), world.counts.get('established')]).toEqual([0, 2]);
    world.take({ ...update, gone: ['2', '9'] });
    expect([world.rows.size, world.counts.get('established'), world.missed]).toEqual([1, 1, 3]);
    world.clear();
    expect([world.rows.size, world.counts.get('established')]).toEqual([0, 0]);
  });

  test('a story goes on where it was, and another one begins anew', () => {
    const first = story('1', cell(0, 'connecting', 'versionSent'));
    const both = joined(first, story('1', cell(1, 'versionSent', 'versionReceived')));
    expect(both.moments.map(({ n }) => n)).toEqual([0, 1]);
    expect(joined(both, story('1')).moments).toHaveLength(2);
    expect(joined(both, story('2', cell(4, 'x'))).moments.map(({ n }) => n)).toEqual([4]);
    expect(joined(both, first).moments).toHaveLength(1);
    const many = Array.from({ length: 1_000 }, (_, n) => cell(n + 2, 'established'));
    const long = joined(both, story('1', ...many));
    expect([long.moments.length, long.moments[1]?.n, long.moments.at(-1)?.n]).toEqual([448, 1, 1_001]);
  });

  test('stepping back puts the machine where it was', () => {
    const all = story(
      '1',
      cell(0, 'connecting', 'versionSent'),
      cell(1, 'versionSent'),
      cell(2, 'versionSent', 'failed'),
    );
    expect([0, 1, 2, 3].map((count) => stateAfter(all, count))).toEqual([
      ...['connecting', 'versionSent', 'versionSent', 'failed'],
    ]);
    expect(all.moments.filter(isMove)).toHaveLength(2);
    expect(stateAfter(story('2'), 0)).toBe('connecting');
  });
});
