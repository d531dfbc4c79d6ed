/** The columns of the table of peers: those of `bitcoin-cli -netinfo` in its order, then those of the state machine. Does not use the document. */
import type { Row } from './feed-messages.js';
import { ago } from './format.js';
import { isOver } from './page-state.js';

/** One column. */
export interface Column {
  readonly head: string;
  /** The tooltip of its heading. */
  readonly about: string;
  /** Width in pixels. */
  readonly width: number;
  readonly number?: true;
  /** Whether the text comes from the peer. */
  readonly foreign?: true;
  readonly text: (row: Row, now: number) => string;
  readonly rank: (row: Row) => number | string;
}

/** Core's short names (`ConnectionTypeForNetinfo`). */
const TYPES: Readonly<Record<string, string>> = {
  inbound: '',
  'outbound-full-relay': 'full',
  'block-relay-only': 'block',
  'addr-fetch': 'addr',
};

const NETS: Readonly<Record<string, string>> = { not_publicly_routable: 'npr' };

const typeOf = ({ connection_type }: Row): string => TYPES[connection_type] ?? connection_type;
const netOf = ({ network }: Row): string => NETS[network] ?? network;
const ms = (value: number | undefined): string =>
  value === undefined ? '' : value < 10 ? value.toFixed(2) : String(Math.round(value));
const since = (at: number, now: number): string =>
  at === 0 ? '' : String(Math.max(0, Math.round(now / 1_000 - at)));
const age = ({ conntime }: Row, now: number): string =>
  String(Math.max(0, Math.floor((now / 1_000 - conntime) / 60)));

function deadline({ next }: Row, now: number): string {
  return next ? `${next.what} in ${ago(next.at - now)}` : '';
}

const column = (
  head: string,
  width: number,
  about: string,
  rest: Omit<Column, 'head' | 'width' | 'about'>,
): Column => ({
  head,
  width,
  about,
  ...rest,
});

/** The time for which a row is shown: that of its clock if the clock is held, else `now`. */
export const readingTime = (row: Row, now: number): number => row.heldat ?? now;

export const COLUMNS: readonly Column[] = [
  column('<->', 48, 'direction: in (the peer dialled) or out', {
    text: ({ inbound }) => (inbound ? 'in' : 'out'),
    rank: ({ inbound }) => Number(inbound),
  }),
  column('type', 66, 'type of an outbound connection: full, block, feeler, addr, manual', {
    text: typeOf,
    rank: typeOf,
  }),
  column('net', 42, 'network of the address', { text: netOf, rank: netOf }),
  column('serv', 52, 'services: n network, b bloom, w witness, c compact filters, l limited, 2 v2', {
    text: ({ services }) => services,
    rank: ({ services }) => services,
  }),
  column('v', 24, 'transport: 1, or 2 for BIP324', {
    text: ({ transport }) => (transport === 'detecting' ? '?' : transport.slice(1)),
    rank: ({ transport }) => transport,
  }),
  column('mping', 52, 'shortest ping, ms', {
    number: true,
    text: ({ minping }) => ms(minping),
    rank: ({ minping = Infinity }) => minping,
  }),
  column('ping', 48, 'latest ping, ms', {
    number: true,
    text: ({ pingtime }) => ms(pingtime),
    rank: ({ pingtime = Infinity }) => pingtime,
  }),
  column('send', 44, 'seconds since this node sent', {
    number: true,
    text: ({ lastsend }, now) => since(lastsend, now),
    rank: ({ lastsend }) => -lastsend,
  }),
  column('recv', 44, 'seconds since this node received', {
    number: true,
    text: ({ lastrecv }, now) => since(lastrecv, now),
    rank: ({ lastrecv }) => -lastrecv,
  }),
  column('hb', 28, 'the peer requests high-bandwidth compact blocks (BIP152)', {
    text: ({ highbandwidth }) => (highbandwidth ? '*' : ''),
    rank: ({ highbandwidth }) => -Number(highbandwidth),
  }),
  column('age', 38, 'minutes since the connection began', {
    number: true,
    text: age,
    rank: ({ conntime }) => -conntime,
  }),
  column('id', 42, 'id of the peer', { number: true, text: ({ key }) => key, rank: ({ id }) => id }),
  column('address', 136, 'address of the peer', {
    foreign: true,
    text: ({ addr }) => addr,
    rank: ({ addr }) => addr,
  }),
  column('version', 200, 'protocol version and user agent', {
    foreign: true,
    text: ({ version, subver }) => (version === 0 ? '' : `${version}${subver}`),
    rank: ({ version, subver }) => `${String(version).padStart(10, '0')}${subver}`,
  }),
  column('state', 126, 'state of the peer machine', {
    text: ({ state }) => state,
    rank: ({ state }) => state,
  }),
  column('for', 58, 'time in this state', {
    number: true,
    text: ({ stateat }, now) => ago(now - stateat),
    rank: ({ stateat }) => -stateat,
  }),
  column('next', 118, 'the next deadline: what happens without further messages, and when', {
    text: deadline,
    rank: ({ next }) => next?.at ?? Infinity,
  }),
  column('last reason', 211, 'why the connection ended, or why the previous one to this address ended', {
    text: ({ reason }) => reason?.code ?? '',
    rank: ({ reason }) => reason?.code ?? '~',
  }),
];

/** Headings of the columns in the order in which a narrow window omits them. `state` and `last reason` are never omitted. */
export const DROP_ORDER = [
  ...['hb', 'mping', 'recv', 'send', 'serv', 'type', 'age', 'v', 'net', 'ping', 'version'],
  ...['next', 'for', 'id', 'address', '<->'],
] as const;

/** Below this width in pixels, a row has two lines: direction, id and address; state and last reason. */
const TWO_LINES = 520;
const OF_TWO_LINES: readonly string[] = ['<->', 'id', 'address', 'state', 'last reason'];

export const hasTwoLines = (width: number): boolean => width < TWO_LINES;

/** The headings of the columns that are omitted so that the others fit into `width` pixels. */
export function droppedColumns(width: number): Set<string> {
  if (hasTwoLines(width)) return new Set(DROP_ORDER.filter((head) => !OF_TWO_LINES.includes(head)));
  const dropped = new Set<string>();
  let total = COLUMNS.reduce((sum, column) => sum + column.width, 0);
  for (const head of DROP_ORDER) {
    if (total <= width) break;
    dropped.add(head);
    total -= COLUMNS.find((column) => column.head === head)?.width ?? 0;
  }
  return dropped;
}

/** Which column, by its index, and whether descending. */
export interface Order {
  readonly by: number;
  readonly down: boolean;
}

/** The default order: live peers first, then by time, latest first. */
export const NEWEST: Order = { by: -1, down: false };

/** The rows that match, in order. An empty `state` stands for all. */
export function ordered(rows: Iterable<Row>, order: Order, filter: string, state: string): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = [...rows].filter((row) => (!state || row.state === state) && matches(row, words));
  const rank = COLUMNS[order.by]?.rank;
  if (!rank) return wanted.sort(newest);
  const sign = order.down ? -1 : 1;
  const ranked = wanted.map((row) => ({ row, rank: rank(row) }));
  ranked.sort((a, b) => sign * compared(a.rank, b.rank) || newest(a.row, b.row));
  return ranked.map(({ row }) => row);
}

const compared = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);

const newest = (a: Row, b: Row): number =>
  Number(isOver(a.state)) - Number(isOver(b.state)) || b.conntime - a.conntime || b.id - a.id;

/** Whether every word occurs in the row. */
function matches(row: Row, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { key, addr, subver, version, state, reason, services } = row;
  const text = [row.inbound ? 'in' : 'out', typeOf(row), netOf(row), services, `v${row.transport.slice(1)}`]
    .concat([key, addr, subver, String(version), state, reason?.code ?? ''])
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
