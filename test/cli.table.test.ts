/** Tables in narrow and wide terminals. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { peerTable } from '../src/cli/peer-table.js';
import { type Column, tabulated } from '../src/cli/table.js';
import { createNode, type PeerInfo } from '../src/index.js';

const columns: readonly Column<number>[] = [
  { head: 'a', cell: (n) => 'x'.repeat(n) },
  { head: 'bb', cell: String, align: 'right', drop: 2 },
  { head: 'c', minWidth: 6, cell: (n) => 'z'.repeat(2 * n) },
  { head: 'dd', cell: () => 'dddd', drop: 1 },
];

describe('a table', () => {
  test('shows every column where the width allows it', () => {
    const wide = ['a    bb  c       dd', 'xxx   3  zzzzzz  dddd'];
    expect(tabulated(columns, [3])).toEqual(wide);
    expect(tabulated(columns, [3], 21)).toEqual(wide);
  });

  test('drops columns in the order of their numbers, and names them', () => {
    expect(tabulated(columns, [3], 20)).toEqual([
      'a    bb  c',
      'xxx   3  zzzzzz',
      '(not shown at this width: dd; -v shows all columns)',
    ]);
    expect(tabulated(columns, [3], 14)[0]).toBe('a    c');
    expect(tabulated(columns, [3], 14)[2]).toMatch(/bb, dd/);
  });

  test('shortens a column no further than to its minimum width', () => {
    expect(tabulated(columns, [5], 14).slice(0, 2)).toEqual(['a      c', 'xxxxx  zzzzzz…']);
    expect(tabulated(columns, [5], 1).slice(0, 2)).toEqual(['a      c', 'xxxxx  zzzzz…']);
  });
});

describe('the table of peers', () => {
  let peer: PeerInfo;
  beforeAll(async () => {
    const node = createNode({ chain: 'regtest' });
    const other = createNode({ chain: 'regtest' });
    const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
    peer = await other.dial(`127.0.0.1:${local.port}`).established();
    await Promise.all([node.stop(), other.stop()]);
  });

  const rows = (): PeerInfo[] => [
    { ...peer, addr: '203.203.203.203:38333', subver: '/Satoshi:27.0.0(a comment)/' },
    {
      ...peer,
      addr: '[2001:db8:1234:1234:1234:1234:1234:1234]:38333',
      state: 'failed',
      lastreason: { code: 'ERR_PROTO_LATE_FEATURE', facts: {} },
    },
  ];

  test('has a digit for the transport, and nothing while it is unknown', () => {
    const lines = peerTable([{ ...peer, transport_protocol_type: 'detecting' }, peer], 200);
    const at = lines[0]!.indexOf(' v ') + 1;
    expect(lines.slice(1, 3).map((line) => line.slice(at - 1, at + 2))).toEqual(['   ', ' 1 ']);
  });

  test('fits 80 columns, with state and reason whole', () => {
    const lines = peerTable(rows(), 80);
    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^<-> .*v .*state .*address .*reason$/);
    expect(lines[1]).toMatch(/ established .*203\.203\.203\.203:38333/);
    expect(lines[2]).toMatch(/ failed .*\[2001:.*… +ERR_PROTO_LATE_FEATURE$/);
    expect(lines.at(-1)).toMatch(/^\(not shown at this width: .*mping/);
  });

  test('has every column in a wide terminal', () => {
    expect(peerTable(rows(), 240)).toEqual(peerTable(rows()));
  });
});
