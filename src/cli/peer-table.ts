/** Peers as a table: the columns of `bitcoin-cli -netinfo`, then those that only a state machine has. */
import type { PeerInfo } from '../index.js';
import { servicesLetters } from '../wire/index.js';
import { duration, handshakeTime, plain } from './peer-lines.js';
import { type Column, tabulated } from './table.js';

/** The longest reason code. */
const CODE = 22;
/** The longest IPv4 address with its port. */
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

/** The transport as a digit; empty until it is known, as in `-netinfo`. */
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
  { head: 'v', cell: (peer) => TRANSPORTS[peer.transport_protocol_type], least: 1 },
  { head: 'mping', cell: (peer) => inMs(peer.minping), align: 'right', drop: 1 },
  { head: 'ping', cell: (peer) => inMs(peer.pingtime), align: 'right', drop: 8 },
  { head: 'handshake', cell: (peer) => maybe(handshakeTime(peer)), align: 'right', drop: 5 },
  { head: 'state', cell: (peer) => peer.state },
  // How long ago it ended is not known: the row is what it said last.
  { head: 'for', cell: (peer) => (isOver(peer) ? '' : inMs(peer.timeinstate)), align: 'right', drop: 6 },
  {
    head: 'next',
    cell: (peer) =>
      peer.nextdeadline ? `${peer.nextdeadline.what} ${inMs(Math.max(0, peer.nextdeadline.in))}` : '',
    drop: 3,
  },
  { head: 'address', cell: (peer) => plain(peer.addr), least: ADDRESS },
  { head: 'addrlocal', cell: (peer) => plain(peer.addrlocal ?? ''), drop: 0 },
  {
    head: 'version',
    cell: (peer) => (peer.version === 0 ? '' : `${peer.version}${plain(peer.subver)}`),
    least: 16,
    drop: 9,
  },
  { head: 'reason', cell: (peer) => peer.lastreason?.code ?? '', least: CODE },
];

/** The table of `--table`; nothing for no peers. */
export const peerTable = (peers: readonly PeerInfo[], width?: number): string[] =>
  peers.length === 0 ? [] : tabulated(columns, peers, width);
