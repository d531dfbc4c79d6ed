/** The table of test/bench/README.md, made from a file that `--json` wrote. */
import { goalText, type Goal, type Row, type Spread, verdictOf } from './figure.js';

/** A figure as `--json` writes it. */
export interface Reported {
  readonly name: string;
  readonly goal?: Goal;
  readonly value?: Spread;
  readonly rows?: readonly Row[];
  readonly notes?: readonly string[];
  readonly error?: string;
}

/** A file of `--json`. */
export interface Report {
  readonly at: string;
  readonly machine: string;
  readonly system: string;
  readonly load: string;
  readonly figures: readonly Reported[];
}

/** A line of the table: what stands in it besides the measured value. */
interface Line {
  readonly name: string;
  readonly label: string;
  /** Of the first version of this program, and of the best other one; from earlier runs. */
  readonly first: string;
  readonly peer: string;
  readonly unit?: string;
  /** Which rows are named in the cell too. */
  readonly rows?: readonly string[];
}

const LINES: readonly Line[] = [
  {
    name: 'inbound',
    label: 'inbound handshakes, 16 at a time, of raw Node',
    first: '0.37',
    peer: 'btcd 0.45, bitcoind 0.24–0.30, bcoin 0.10',
    rows: ['library', 'bitcoind', 'bcoin'],
  },
  {
    name: 'inbound512',
    label: 'the same, 512 at a time',
    first: '0.37',
    peer: '–',
    rows: ['bitcoind', 'bcoin'],
  },
  {
    name: 'outbound',
    label: 'outbound handshakes, 64 in flight, of raw Node',
    first: '0.33',
    peer: 'bcoin 0.14',
  },
  {
    name: 'memory',
    label: 'memory per established peer at 5,000 (RSS)',
    first: '15.9 kB',
    peer: 'btcd 36 kB',
    unit: 'kB',
  },
  {
    name: 'v2handshake',
    label: 'v2 handshakes in full, a second on one core for the listener',
    first: 'not measured',
    peer: 'btcd to bitcoind 790, both together',
  },
  {
    name: 'targetslag',
    label: '20,000 outbound targets, one dying per ms: longest lag',
    first: 'not measured',
    peer: '–',
    unit: 'ms',
  },
  {
    name: 'targetsmemory',
    label: 'the same: heap for each target',
    first: 'not measured',
    peer: '–',
    unit: 'kB',
  },
  {
    name: 'latency',
    label: 'one handshake at a time, connect to pong, over raw Node',
    first: '1.97 times',
    peer: '–',
    unit: 'times',
  },
  {
    name: 'crowd',
    label: 'established peers in one process, each answering a ping',
    first: '19,000',
    peer: '–',
  },
  { name: 'life', label: 'the life of a peer actor, compiled over interpreted', first: '0.21', peer: '–' },
  {
    name: 'spawn',
    label: 'one spawn, one stop beside 10,000 peers over beside 10',
    first: '1.32 times',
    peer: '–',
    unit: 'times',
  },
  { name: 'traffic', label: 'established traffic, of framing and decoding alone', first: '0.83', peer: '–' },
  {
    name: 'lag',
    label: 'event-loop lag, 99th percentile, 10,000 peers come and go',
    first: '5.6 ms',
    peer: '–',
    unit: 'ms',
  },
  {
    name: 'page',
    label: 'CPU for a ping from 1,000 peers while the page shows them',
    first: '1.14 times',
    peer: '–',
    unit: 'times',
  },
  {
    name: 'v2',
    label: 'v2 key exchanges, over @scure/btc-signer',
    first: '14.2 times',
    peer: '–',
    unit: 'times',
  },
  {
    name: 'address-book',
    label: 'an address into a book of 100,000 over one of 1,000',
    first: '–',
    peer: '–',
    unit: 'times',
  },
];

const HEADER = ['figure', 'measured', 'CPU µs each (ratio)', 'goal', '', 'first version', 'best peer'];

/** Three significant digits, thousands apart. */
function digits(value: number): string {
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))));
  return Number(value.toFixed(places)).toLocaleString('en-US', { maximumFractionDigits: 5 });
}

function spreadText({ median, min, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function measuredText({ unit, rows = [] }: Line, found: Reported): string {
  if (!found.value) return `failed: ${found.error ?? ''}`.slice(0, 60);
  const others = rows.flatMap((who) => {
    const ratio = found.rows?.find((row) => row.who === who)?.ratio;
    return ratio ? [`${who} ${digits(ratio.median)}`] : [];
  });
  const own = `${spreadText(found.value)}${unit === undefined ? '' : ` ${unit}`}`;
  return [own, ...others].join('; ');
}

/** Of the rows that have one. */
const cpuText = ({ rows = [] }: Reported): string =>
  rows
    .filter(({ cpu }) => cpu)
    .slice(0, 3)
    .map(({ who, cpu, cpuratio }) => {
      const ratio = cpuratio && cpuratio.median !== 1 ? ` (${digits(cpuratio.median)})` : '';
      return `${who} ${digits(cpu?.median ?? NaN)}${ratio}`;
    })
    .join(', ') || '–';

function cellsOf(line: Line, found: Reported): string[] {
  const { goal, value } = found;
  const verdict = goal && value ? verdictOf(value.median, goal) : '–';
  return [
    line.label,
    measuredText(line, found),
    cpuText(found),
    goal ? goalText(goal) : '–',
    verdict === 'missed' ? '**missed**' : verdict,
    line.first,
    line.peer,
  ];
}

/**
 * The conditions and the table in Markdown, its columns as wide as their widest cell. A figure that the run does not have is
 * left out.
 */
export function pageTable({ figures, at, machine, system, load }: Report): string {
  const lines = LINES.flatMap((line) => {
    const found = figures.find(({ name }) => name === line.name);
    return found ? [cellsOf(line, found)] : [];
  });
  const widths = HEADER.map((_, at) =>
    Math.max(3, ...[HEADER, ...lines].map((cells) => cells[at]?.length ?? 0)),
  );
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const conditions = `Measured on ${at.slice(0, 10)}: ${machine}; ${system}; load average ${load.split(' ')[0] ?? ''} at the start.`;
  return [conditions, '', row(HEADER), rule, ...lines.map(row)].join('\n');
}

const MARKS = ['<!-- figures: npm run bench -- --page FILE -->', '<!-- end of the figures -->'] as const;

/** The page with this table between its marks. Throws where they are missing. */
export function withTable(page: string, table: string): string {
  const [start, end] = MARKS.map((mark) => page.indexOf(mark));
  if (start === undefined || end === undefined || start < 0 || end < start)
    throw new Error('the page has no place for the table');
  return `${page.slice(0, start + MARKS[0].length)}\n\n${table}\n\n${page.slice(end)}`;
}
