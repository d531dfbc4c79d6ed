/** Formats peers as a table: the columns of `bitcoin-cli -netinfo`, and columns about the state machine. */
import type { PeerInfo } from '../index.js';
import { servicesLetters } from '../wire/index.js';
import { duration, handshakeTime, plain } from './peer-lines.js';
import { type Column, tabulated } from './table.js';

/** Length of the longest reason code. */
const CODE = 22;
/** Length of the longest IPv4 address with its port. */
const ADDRESS = 21;

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

/** The version of the transport; empty until it is known, as in `-netinfo`. */
export const TRANSPORTS: Readonly<Record<PeerInfo['transport_protocol_type'], string>> = {
  v1: '1',
  v2: '2',
  detecting: '',
};

const maybe = (ms: number | undefined): string => (ms === undefined ? '' : duration(ms));
const inMs = (seconds: number | undefined): string =>
  maybe(seconds === undefined ? undefined : seconds * 1_000);

const isOver = ({ state }: PeerInfo): boolean => state === 'failed' || state === 'closed';

const columns: readonly Column<PeerInfo>[] = [
  { head: '<->', cell: (peer) => (peer.inbound ? 'in' : 'out') },
  { head: 'type', cell: (peer) => TYPES[peer.connection_type], drop: 7 },
  { head: 'net', cell: (peer) => NETWORKS[peer.network], drop: 2 },
  { head: 'serv', cell: (peer) => servicesLetters(peer.services), drop: 4 },
  { head: 'v', cell: (peer) => TRANSPORTS[peer.transport_protocol_type], minWidth: 1 },
  { head: 'mping', cell: (peer) => inMs(peer.minping), align: 'right', drop: 1 },
  { head: 'ping', cell: (peer) => inMs(peer.pingtime), align: 'right', drop: 8 },
  { head: 'handshake', cell: (peer) => maybe(handshakeTime(peer)), align: 'right', drop: 5 },
  { head: 'state', cell: (peer) => peer.state },
  // The row of an ended peer is its last state, which does not include the time since the end.
  { head: 'for', cell: (peer) => (isOver(peer) ? '' : inMs(peer.timeinstate)), align: 'right', drop: 6 },
  {
    head: 'next',
    cell: (peer) =>
      peer.nextdeadline ? `${peer.nextdeadline.what} ${inMs(Math.max(0, peer.nextdeadline.in))}` : '',
    drop: 3,
  },
  { head: 'address', cell: (peer) => plain(peer.addr), minWidth: ADDRESS },
  { head: 'addrlocal', cell: (peer) => plain(peer.addrlocal ?? ''), drop: 0 },
  {
    head: 'version',
    cell: (peer) => (peer.version === 0 ? '' : `${peer.version}${plain(peer.subver)}`),
    minWidth: 16,
    drop: 9,
  },
  { head: 'reason', cell: (peer) => peer.lastreason?.code ?? '', minWidth: CODE },
];

/** The lines of `--table`; none without peers. `width` is in characters. */
export const peerTable = (peers: readonly PeerInfo[], width?: number): string[] =>
  peers.length === 0 ? [] : tabulated(columns, peers, width);
