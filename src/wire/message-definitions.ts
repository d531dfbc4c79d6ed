/**
 * The message table: one row per command. Types, decoder, encoder, short-id maps, docs and fuzz targets are derived from it.
 *
 * Field names are those of the BIP or of the protocol's documentation. Sources: Bitcoin Core `net_processing.cpp`,
 * `protocol.h`, `serialize.h`, `netaddress.h`, and the BIP named in each row.
 */
import {
  bytes,
  bool,
  compactHex,
  i32,
  i64,
  list,
  refine,
  rest,
  u16be,
  u32,
  u64,
  u8,
  varBytes,
} from './codec.js';
import { bip155Length } from './bip155.js';
import { labelled, struct, tail, type StructCodec } from './struct.js';

/** A list whose count is limited by the receiver (Core: misbehaviour or a close), and the count's position. All sizes in bytes. */
export interface EntryLimit {
  /** The largest count that a receiver accepts. */
  readonly entries: number;
  /** Payload offset of the count, a CompactSize. */
  readonly at: number;
  /** Smallest size of one entry. 0: Core checks the count before it reads the entries. */
  readonly entry: number;
  /** Size of the fields that follow the entries. */
  readonly after: number;
}

/** The properties of a command, apart from its fields. */
export interface MessageFacts {
  /** The BIP that introduced the message or its present form; absent for the oldest messages. */
  readonly bip?: number;
  /** The protocol version from which on it may be sent; 0 if that depends on no version. */
  readonly since: number;
  /** BIP324 one-byte message id, 1..255; absent if v2 packets contain the 12-byte name. */
  readonly shortid?: number;
  /** `control` messages become events of the peer machine; `data` messages are counted and passed to listeners. */
  readonly plane: 'control' | 'data';
  /** One line for people. */
  readonly about: string;
  /** The list whose count is limited, if there is one. */
  readonly max?: EntryLimit;
  /** This library does not decode the payload, so every payload is valid. Derived from the fields. */
  readonly isOpaque?: boolean;
  /** A payload that breaks the fields' rules, or has bytes after them, is a protocol violation instead of being dropped. */
  readonly strict?: true;
}

/** A row: the properties and the fields of the payload. */
export interface MessageRow<T> extends MessageFacts {
  readonly fields: StructCodec<T>;
}

// The value types of the rows differ; `Table` below preserves each of them.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Rows = Record<string, MessageRow<any>>;
type FieldsOf<R> = R extends MessageRow<infer T> ? T : never;
type Labelled<C, T> = Readonly<Record<'command', C>> & T extends infer M ? { [K in keyof M]: M[K] } : never;
type Table<R extends Rows> = { readonly [C in keyof R]: MessageRow<Labelled<C, FieldsOf<R[C]>>> };

/** A payload that this library does not decode. */
const opaque = struct({ payload: rest });

/** Adds the command to the value of every row, so that TypeScript can discriminate the union of all messages by it. */
function table<R extends Rows>(rows: R): Table<R> {
  const named = Object.entries(rows).map(([command, row]) => [
    command,
    { ...row, isOpaque: row.fields === opaque, fields: labelled('command', command, row.fields) },
  ]);
  return Object.fromEntries(named) as Table<R>;
}

/** An address in `version`, 26 bytes. `ip` has 16 bytes, with IPv4 mapped as ::ffff:a.b.c.d. */
const netAddress = struct({ services: u64, ip: bytes(16), port: u16be });

/** An `addr` entry; `time` is seconds since 1970. 30 bytes. */
const timedAddress = struct({ time: u32, services: u64, ip: bytes(16), port: u16be });

/**
 * An `addrv2` entry (BIP155). As in Core's `UnserializeV2Stream`, the whole message is invalid if an address under a network id
 * that Core supports has a wrong length, or any address has more than 512 bytes. Under other ids (TorV2, Yggdrasil, future ones)
 * any length up to 512 is valid.
 */
const timedAddressV2 = refine(
  struct({ time: u32, services: compactHex, networkID: u8, addr: varBytes(512), port: u16be }),
  ({ networkID, addr }) => (bip155Length(networkID) ?? addr.length) === addr.length,
);

/** `type`: 1 tx, 2 block, 3 filtered block, 4 compact block, 5 wtx, plus 0x40000000 with witness. `hash` in wire order (not reversed). */
const inventory = list(struct({ type: u32, hash: bytes(32) }), 50_000);
const inventoryLimit: EntryLimit = { entries: 50_000, at: 0, entry: 36, after: 0 };

/** `version` is ignored; `locator` starts with the newest block; `hash_stop` of zeros requests as many entries as possible. */
const locator = struct({ version: u32, locator: list(bytes(32), 101), hash_stop: bytes(32) });
const locatorLimit: EntryLimit = { entries: 101, at: 4, entry: 32, after: 32 };

const empty = struct({});
/** The table of messages, by command. */
export const MESSAGES = table({
  version: {
    about: "the sender's version, services, time and user agent; the first message of each side",
    bip: 37,
    since: 0,
    plane: 'control',
    fields: struct(
      { version: i32, services: u64, timestamp: i64, addr_recv: netAddress },
      tail({ addr_from: netAddress, nonce: u64 }),
      tail({ user_agent: varBytes(256) }),
      tail({ start_height: i32 }),
      tail({ relay: bool }),
    ),
  },
  verack: { about: 'accepts the version of the other side', since: 0, plane: 'control', fields: empty },
  wtxidrelay: {
    about: 'requests that transactions are announced by wtxid; between version and verack',
    bip: 339,
    since: 70016,
    plane: 'control',
    fields: empty,
  },
  sendaddrv2: {
    about: 'requests addrv2 instead of addr; between version and verack',
    bip: 155,
    since: 70016,
    plane: 'control',
    fields: empty,
  },
  sendtxrcncl: {
    about: 'offers transaction reconciliation; between version and verack',
    bip: 330,
    since: 70016,
    plane: 'control',
    fields: struct({ version: u32, salt: u64 }),
  },
  feature: {
    about: 'announces a feature that the sender supports; between version and verack',
    bip: 434,
    since: 70017,
    shortid: 37,
    plane: 'control',
    strict: true,
    fields: struct({ featureid: varBytes(80, 4), featuredata: varBytes(512) }),
  },
  getaddr: { about: 'requests addresses', since: 0, plane: 'control', fields: empty },
  addr: {
    about: 'addresses of up to 16 bytes',
    since: 0,
    shortid: 1,
    plane: 'control',
    max: { entries: 1000, at: 0, entry: 30, after: 0 },
    fields: struct({ addresses: list(timedAddress, 1000) }),
  },
  addrv2: {
    about: 'addresses of any network',
    bip: 155,
    since: 70016,
    shortid: 28,
    plane: 'control',
    max: { entries: 1000, at: 0, entry: 9, after: 0 },
    fields: struct({ addresses: list(timedAddressV2, 1000) }),
  },
  ping: {
    about: 'requests a pong; without a nonce up to version 60000',
    bip: 31,
    since: 0,
    shortid: 18,
    plane: 'control',
    fields: struct({}, tail({ nonce: u64 })),
  },
  pong: {
    about: "the answer to ping, with the ping's nonce",
    bip: 31,
    since: 60001,
    shortid: 19,
    plane: 'control',
    fields: struct({}, tail({ nonce: u64 }, 8)),
  },
  sendheaders: {
    about: 'requests that blocks are announced by headers instead of inv',
    bip: 130,
    since: 70012,
    plane: 'control',
    fields: empty,
  },
  sendcmpct: {
    about: 'states whether blocks are to be announced as compact blocks, and their version',
    bip: 152,
    since: 70014,
    shortid: 20,
    plane: 'control',
    fields: struct({ announce: u8, version: u64 }),
  },
  feefilter: {
    about: 'requests that no transaction with a lower fee rate is announced; satoshi per 1,000 vbytes',
    bip: 133,
    since: 70013,
    shortid: 5,
    plane: 'control',
    fields: struct({ feerate: i64 }),
  },
  reject: {
    about: 'reports that a message of the other side was refused; removed from Core in 0.20',
    bip: 61,
    since: 70002,
    plane: 'data',
    fields: struct(
      { message: varBytes(12), ccode: u8, reason: varBytes(111) },
      tail({ data: bytes(32) }, 32),
    ),
  },
  alert: {
    about: 'a signed notice; retired: only the final one is still sent, to versions up to 70012',
    since: 311,
    plane: 'data',
    fields: opaque,
  },
  inv: {
    about: 'announces blocks or transactions that the sender has',
    since: 0,
    shortid: 14,
    plane: 'data',
    max: inventoryLimit,
    fields: struct({ inventory }),
  },
  getdata: {
    about: 'requests blocks or transactions',
    since: 0,
    shortid: 11,
    plane: 'data',
    max: inventoryLimit,
    fields: struct({ inventory }),
  },
  notfound: {
    about: 'answers getdata for what the sender does not have',
    bip: 37,
    since: 70001,
    shortid: 17,
    plane: 'data',
    fields: struct({ inventory }),
  },
  getheaders: {
    about: 'requests headers that follow the latest common block',
    since: 31800,
    shortid: 12,
    plane: 'data',
    max: locatorLimit,
    fields: locator,
  },
  getblocks: {
    about: 'requests block hashes that follow the latest common block',
    since: 0,
    shortid: 9,
    plane: 'data',
    max: locatorLimit,
    fields: locator,
  },
  headers: {
    about: 'block headers',
    since: 31800,
    shortid: 13,
    plane: 'data',
    max: { entries: 2000, at: 0, entry: 0, after: 0 },
    fields: opaque,
  },
  mempool: {
    about: 'requests the hashes of all unconfirmed transactions',
    bip: 35,
    since: 60002,
    shortid: 15,
    plane: 'data',
    fields: opaque,
  },
  filterload: {
    about: 'sets a Bloom filter',
    bip: 37,
    since: 70001,
    shortid: 8,
    plane: 'data',
    fields: opaque,
  },
  filteradd: {
    about: 'adds to the Bloom filter',
    bip: 37,
    since: 70001,
    shortid: 6,
    plane: 'data',
    fields: opaque,
  },
  filterclear: {
    about: 'removes the Bloom filter',
    bip: 37,
    since: 70001,
    shortid: 7,
    plane: 'data',
    fields: opaque,
  },
  merkleblock: {
    about: 'a block header and the transactions that match the Bloom filter, with a Merkle proof',
    bip: 37,
    since: 70001,
    shortid: 16,
    plane: 'data',
    fields: opaque,
  },
  tx: { about: 'a transaction', since: 0, shortid: 21, plane: 'data', fields: opaque },
  block: { about: 'a block', since: 0, shortid: 2, plane: 'data', fields: opaque },
  cmpctblock: {
    about: 'a compact block',
    bip: 152,
    since: 70014,
    shortid: 4,
    plane: 'data',
    fields: opaque,
  },
  getblocktxn: {
    about: 'requests transactions of a compact block',
    bip: 152,
    since: 70014,
    shortid: 10,
    plane: 'data',
    fields: opaque,
  },
  blocktxn: {
    about: 'transactions of a compact block',
    bip: 152,
    since: 70014,
    shortid: 3,
    plane: 'data',
    fields: opaque,
  },
  getcfilters: {
    about: 'requests compact filters',
    bip: 157,
    since: 0,
    shortid: 22,
    plane: 'data',
    fields: opaque,
  },
  cfilter: { about: 'a compact filter', bip: 157, since: 0, shortid: 23, plane: 'data', fields: opaque },
  getcfheaders: {
    about: 'requests compact filter headers',
    bip: 157,
    since: 0,
    shortid: 24,
    plane: 'data',
    fields: opaque,
  },
  cfheaders: {
    about: 'compact filter headers',
    bip: 157,
    since: 0,
    shortid: 25,
    plane: 'data',
    fields: opaque,
  },
  getcfcheckpt: {
    about: 'requests evenly spaced compact filter headers',
    bip: 157,
    since: 0,
    shortid: 26,
    plane: 'data',
    fields: opaque,
  },
  cfcheckpt: {
    about: 'evenly spaced compact filter headers',
    bip: 157,
    since: 0,
    shortid: 27,
    plane: 'data',
    fields: opaque,
  },
});
