/** Peers as columns, in the order of `bitcoin-cli -netinfo`, then what only a state machine knows. */
import type { PeerInfo } from '../node/peerinfo.js';
import { servicesLetters } from '../wire/index.js';
import { duration, handshakeTime, plain } from './peer-lines.js';

/** A column of text gives way down to this many characters. */
const LEAST = 8;
/** The longest reason code. */
const CODE = 22;
/** The longest IPv4 address with its port. */
const ADDRESS = 21;
const GAP = '  ';

/** One column: its head, what it shows, and on which side the blanks go. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  readonly align: 'left' | 'right';
  /** Characters that stay when the terminal is too narrow; numbers (`right`) always stay whole. Default 8. */
  readonly least?: number;
}

const left = <T>(head: string, cell: (row: T) => string, least = LEAST): Column<T> => ({
  head,
  cell,
  align: 'left',
  least,
});
const right = <T>(head: string, cell: (row: T) => string): Column<T> => ({ head, cell, align: 'right' });

/**
 * Columns without borders. Where `width` is too small the widest columns of text give way first; what is too long even
 * then is left to the terminal to wrap, because a reason that is cut off is of no use.
 */
export function tabulated<T>(columns: readonly Column<T>[], rows: readonly T[], width = Infinity): string[] {
  const cells = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const wanted = columns.map((_, n) => Math.max(...cells.map((line) => line[n]!.length)));
  const widths = fitted(columns, wanted, width);
  const line = (texts: readonly string[]): string =>
    texts.map((text, n) => padded(text, columns[n]!.align, widths[n]!)).join(GAP);
  return cells.map((texts) => line(texts).trimEnd());
}

function padded(text: string, align: 'left' | 'right', width: number): string {
  const short = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return align === 'left' ? short.padEnd(width) : short.padStart(width);
}

/** Takes a character from the widest column of text until all fit, or none can give any more. */
function fitted<T>(columns: readonly Column<T>[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  const isRoomy = (n: number): boolean => widths[n]! > (columns[n]!.least ?? LEAST);
  const gives = (n: number): number => (columns[n]!.align === 'left' && isRoomy(n) ? widths[n]! : 0);
  const total = (): number => widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length);
  while (total() > width) {
    const widest = columns.reduce((best, _, n) => (gives(n) > gives(best) ? n : best), 0);
    if (gives(widest) === 0) break;
    widths[widest]!--;
  }
  return widths;
}

/** Core's short names of connection types (`ConnectionTypeForNetinfo`). */
const TYPES: Readonly<Record<PeerInfo['connection_type'], string>> = {
  inbound: '',
  manual: 'manual',
  'outbound-full-relay': 'full',
  'block-relay-only': 'block',
  feeler: 'feeler',
  'addr-fetch': 'addr',
};

const NETWORKS: Readonly<Record<PeerInfo['network'], string>> = {
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  onion: 'onion',
  i2p: 'i2p',
  cjdns: 'cjdns',
  not_publicly_routable: 'npr',
};

const maybe = (ms: number | undefined): string => (ms === undefined ? '' : duration(ms));
const inMs = (seconds: number | undefined): string =>
  maybe(seconds === undefined ? undefined : seconds * 1_000);

const isOver = ({ state }: PeerInfo): boolean => state === 'failed' || state === 'closed';

const columns: readonly Column<PeerInfo>[] = [
  left('<->', (peer) => (peer.inbound ? 'in' : 'out')),
  left('type', (peer) => TYPES[peer.connection_type]),
  left('net', (peer) => NETWORKS[peer.network]),
  left('serv', (peer) => servicesLetters(peer.services)),
  left('v', (peer) => peer.transport_protocol_type.slice(1)),
  right('mping', (peer) => inMs(peer.minping)),
  right('ping', (peer) => inMs(peer.pingtime)),
  right('handshake', (peer) => maybe(handshakeTime(peer))),
  left('state', (peer) => peer.state),
  // How long ago it ended is not known: the row is what it said last.
  right('for', (peer) => (isOver(peer) ? '' : inMs(peer.timeinstate))),
  left('next', (peer) =>
    peer.nextdeadline ? `${peer.nextdeadline.what} ${inMs(Math.max(0, peer.nextdeadline.in))}` : '',
  ),
  left('address', (peer) => plain(peer.addr), ADDRESS),
  left('version', (peer) => (peer.version === 0 ? '' : `${peer.version}${plain(peer.subver)}`)),
  left('reason', (peer) => peer.lastreason?.code ?? '', CODE),
];

/** The table of `--table`; nothing for no peers. */
export const peerTable = (peers: readonly PeerInfo[], width?: number): string[] =>
  peers.length === 0 ? [] : tabulated(columns, peers, width);
