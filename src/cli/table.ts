/** Peers as columns, in the order of `bitcoin-cli -netinfo`, then what only a state machine knows. */
import type { PeerInfo } from '../run/tracker.js';
import { servicesLetters } from '../wire/index.js';
import { duration, handshakeTime, plain } from './render.js';

/** One column: its head, what it shows, and on which side the blanks go. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  readonly align: 'left' | 'right';
}

const left = <T>(head: string, cell: (row: T) => string): Column<T> => ({ head, cell, align: 'left' });
const right = <T>(head: string, cell: (row: T) => string): Column<T> => ({ head, cell, align: 'right' });

/** Columns without borders, the last one as long as it likes; lines longer than `width` are cut. */
export function tabulated<T>(columns: readonly Column<T>[], rows: readonly T[], width = Infinity): string[] {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ head }, n) => Math.max(head.length, ...cells.map((line) => line[n]!.length)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, n) => (columns[n]!.align === 'left' ? text.padEnd(widths[n]!) : text.padStart(widths[n]!)))
      .join('  ')
      .slice(0, width)
      .trimEnd();
  return [columns.map(({ head }) => head), ...cells].map(line);
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
  right('for', (peer) => inMs(peer.timeinstate)),
  left('next', (peer) =>
    peer.nextdeadline ? `${peer.nextdeadline.what} ${inMs(Math.max(0, peer.nextdeadline.in))}` : '',
  ),
  left('address', (peer) => plain(peer.addr)),
  left('version', (peer) => (peer.version === 0 ? '' : `${peer.version}${plain(peer.subver)}`)),
  left('reason', (peer) => peer.lastreason?.code ?? ''),
];

/** The table of `--table`; nothing for no peers. */
export const peerTable = (peers: readonly PeerInfo[], width?: number): string[] =>
  peers.length === 0 ? [] : tabulated(columns, peers, width);
