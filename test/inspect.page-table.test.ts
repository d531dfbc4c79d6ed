/** What the page shows, without a browser: columns, order, filter, and the sum of updates. */
import { describe, expect, test } from '@jest/globals';
import type { TransitionEntry, Row, Transcript } from '../src/inspect/page/feed-messages.js';
import { COLUMNS, DROP_ORDER, droppedColumns, NEWEST, ordered } from '../src/inspect/page/columns.js';
import { ago, span } from '../src/inspect/page/format.js';
import { isStateChange, joined, stateAfter, PageState } from '../src/inspect/page/page-state.js';

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

  test('drops columns in a stated order, never the state and the last reason', () => {
    expect([...droppedColumns(10_000)]).toEqual([]);
    expect([...droppedColumns(521)].join(' ')).toBe(DROP_ORDER.slice(0, droppedColumns(521).size).join(' '));
    const twoLines = COLUMNS.filter(({ head }) => !droppedColumns(350).has(head)).map(({ head }) => head);
    expect(twoLines).toEqual(['<->', 'id', 'address', 'state', 'last reason']);
    const kept = COLUMNS.filter(({ head }) => !droppedColumns(739).has(head)).map(({ head }) => head);
    expect(kept).toEqual(['<->', 'id', 'address', 'state', 'for', 'next', 'last reason']);
  });

  test('shows live peers first and the latest first, until it is sorted', () => {
    const rows = [row(1), row(2, { state: 'failed' }), row(3, { pingtime: 5 }), row(4, { pingtime: 2 })];
    expect(keys(ordered(rows, NEWEST, '', ''))).toBe('4 3 1 2');
    expect(keys(ordered(rows, { by: column('ping'), down: false }, '', ''))).toBe('4 3 1 2');
    expect(keys(ordered(rows, { by: column('id'), down: true }, '', ''))).toBe('4 3 2 1');
    expect(keys(ordered(rows, { by: column('id'), down: false }, '', ''))).toBe('1 2 3 4');
  });

  test('is filtered by words that must all occur, and by state', () => {
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
    expect([text('for'), text('next'), text('age'), text('send')]).toEqual(['61 s', 'ping in 5 s', '2', '']);
    expect([ago(7_300_000), ago(-5), span(0.4242), span(12.4), span(1_250)]).toEqual([
      ...['2 h', '0 s', '0.42 ms', '12 ms', '1.25 s'],
    ]);
  });
});

const cell = (n: number, state: string, to?: string): TransitionEntry => ({
  ...{ kind: 'transition', n, at: n, machine: 'peer', event: 'x', state, actions: [], description: '' },
  ...(to !== undefined && { to }),
});
const transcript = (key: string, ...entries: readonly TransitionEntry[]): Transcript => ({
  ...{ key, inbound: false, startedat: 0, facts: {}, pings: [], entries },
});

describe('the state of the page', () => {
  test('is the sum of the updates', () => {
    const state = new PageState();
    const update = { at: 0, rows: [], gone: [], changes: [], missed: 0 };
    state.apply({ ...update, rows: [row(1, { state: 'connecting' }), row(2)] });
    state.apply({ ...update, rows: [row(1, { state: 'established' })], missed: 3 });
    expect([state.counts.get('connecting'), state.counts.get('established')]).toEqual([0, 2]);
    state.apply({ ...update, gone: ['2', '9'] });
    expect([state.rows.size, state.counts.get('established'), state.missed]).toEqual([1, 1, 3]);
    state.clear();
    expect([state.rows.size, state.counts.get('established')]).toEqual([0, 0]);
  });

  test('a transcript is continued, and another one replaces it', () => {
    const first = transcript('1', cell(0, 'connecting', 'versionSent'));
    const both = joined(first, transcript('1', cell(1, 'versionSent', 'versionReceived')));
    expect(both.entries.map(({ n }) => n)).toEqual([0, 1]);
    expect(joined(both, transcript('1')).entries).toHaveLength(2);
    expect(joined(both, transcript('2', cell(4, 'x'))).entries.map(({ n }) => n)).toEqual([4]);
    expect(joined(both, first).entries).toHaveLength(1);
    const many = Array.from({ length: 1_000 }, (_, n) => cell(n + 2, 'established'));
    const long = joined(both, transcript('1', ...many));
    expect([long.entries.length, long.entries[1]?.n, long.entries.at(-1)?.n]).toEqual([448, 1, 1_001]);
  });

  test('stepping back shows the earlier state', () => {
    const all = transcript(
      '1',
      cell(0, 'connecting', 'versionSent'),
      cell(1, 'versionSent'),
      cell(2, 'versionSent', 'failed'),
    );
    expect([0, 1, 2, 3].map((count) => stateAfter(all, count))).toEqual([
      ...['connecting', 'versionSent', 'versionSent', 'failed'],
    ]);
    expect(all.entries.filter((entry) => isStateChange(entry))).toHaveLength(2);
    expect(stateAfter(transcript('2'), 0)).toBe('connecting');
  });
});
