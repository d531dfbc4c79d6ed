/**
 * The input alphabet of learning: abstract messages that the tester sends. Each input is always the same bytes, so that a word
 * can be repeated. No input contains data that a node stores beyond the connection (a routable address, a transaction).
 */
import type { Sent } from '../conformance/index.js';

/** The transport of the connections. */
export type TransportName = 'v1' | 'v2';

export interface Input {
  readonly name: string;
  /** What specifies a node's reaction: a BIP, or a function or constant of Bitcoin Core's net_processing.cpp or net.cpp. */
  readonly rule: string;
  /** A message, valid or not. */
  readonly message?: Sent;
  /** A BIP324 packet that is not a message. */
  readonly packet?: { readonly contents?: string; readonly ignore?: boolean; readonly corrupt_tag?: boolean };
  /** Our side ends the connection. */
  readonly close?: boolean;
  /** Default: both. */
  readonly transport?: TransportName;
}

const version = (name: string, rule: string, changes: Omit<Sent, 'msg'> = {}): Input => ({
  name,
  rule,
  message: { msg: 'version', ...changes },
});

const message = (name: string, rule: string, sent: Omit<Sent, 'msg'> = {}, msg = name): Input => ({
  name,
  rule,
  message: { msg, ...sent },
});

/**
 * Protocol versions at which the reaction changes: 31800 is the minimum, pongs are sent above 60000, compact blocks (70014),
 * BIP339 and BIP155 (70016), BIP434 (70017).
 */
const VERSIONS: readonly Input[] = [
  version('version', 'ProcessMessage: VERSION'),
  version('version-70017', 'BIP434', { fields: { version: 70017 } }),
  version('version-70012', 'ProcessMessage: VERSION, alert', { fields: { version: 70012 } }),
  version('version-60000', 'BIP31', { fields: { version: 60000 } }),
  version('version-31799', 'MIN_PEER_PROTO_VERSION', { fields: { version: 31799 } }),
  version('version-norelay', 'BIP37', { fields: { relay: 0 } }),
  version('version-truncated', 'ProcessMessages: exception, message dropped', { cut_to_bytes: 60 }),
];

/** The nonce of the tester's pings: 16 hex digits in wire order. */
export const PING_NONCE = '0102030405060708';
/** One `addr` entry, 30 bytes in hex: time, services 1, 10.0.0.1 (not routable, so no node stores it), port 18444. */
const ENTRY = '00e1f505010000000000000000000000000000000000ffff0a000001480c';
const FEATURE = '0474657374';
/** The hash of no transaction and no block. */
const NO_HASH = '11'.repeat(32);

const MESSAGES: readonly Input[] = [
  message('verack', 'ProcessMessage: VERACK'),
  message('wtxidrelay', 'BIP339'),
  message('sendaddrv2', 'BIP155'),
  message('sendheaders', 'BIP130'),
  message('sendcmpct', 'BIP152', { payload: '000200000000000000' }),
  message('sendcmpct-announce2', 'BIP152', { payload: '020200000000000000' }, 'sendcmpct'),
  message('sendtxrcncl', 'BIP330', { payload: '01000000' + PING_NONCE }),
  message('feature', 'BIP434', { payload: `${FEATURE}00` }),
  message('feature-malformed', 'BIP434', { payload: '02746500' }, 'feature'),
  message('ping', 'BIP31', { payload: PING_NONCE }),
  message('ping-empty', 'BIP31', {}, 'ping'),
  message('pong', 'BIP31', { payload: PING_NONCE }),
  message('getaddr', 'ProcessMessage: GETADDR'),
  message('addr', 'ProcessMessage: ADDR', { payload: `01${ENTRY}` }),
  message(
    'addr-1001',
    'MAX_ADDR_TO_SEND',
    { payload_gen: { prefix: 'fde903', unit: ENTRY, count: 1001 } },
    'addr',
  ),
  message('mempool', 'BIP35'),
  message('getdata', 'ProcessGetData', { payload: `0101000000${NO_HASH}` }),
  message('getdata-block', 'ProcessGetData', { payload: `0102000000${NO_HASH}` }, 'getdata'),
  message('unknown', 'ProcessMessage: unknown command', {}, 'unknown'),
];

const ONE_TRANSPORT: readonly Input[] = [
  {
    ...message(
      'ping-checksum',
      'ReadMessage: bad checksum',
      { payload: PING_NONCE, checksum: '00000000' },
      'ping',
    ),
    transport: 'v1',
  },
  { ...message('oversize', 'MAX_PROTOCOL_MESSAGE_LENGTH', { length: 4_000_001 }, 'ping'), transport: 'v1' },
  { name: 'packet-decoy', rule: 'BIP324', packet: { ignore: true }, transport: 'v2' },
  { name: 'packet-corrupt', rule: 'BIP324', packet: { corrupt_tag: true }, transport: 'v2' },
];

const CLOSE: Input = { name: 'close', rule: 'TCP: end of the stream', close: true };

/** The inputs for a transport, in a fixed order; a `Word` refers to them by index. */
export const inputsOf = (transport: TransportName): readonly Input[] =>
  [...VERSIONS, ...MESSAGES, ...ONE_TRANSPORT, CLOSE].filter(
    (input) => (input.transport ?? transport) === transport,
  );

/** The `rule` of the input with that name; empty for an unknown name. */
export const ruleOf = (name: string): string =>
  [...VERSIONS, ...MESSAGES, ...ONE_TRANSPORT, CLOSE].find((input) => input.name === name)?.rule ?? '';
