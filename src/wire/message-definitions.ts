/**
 * The message table: one row per command. Types, decoder, encoder, short-id maps, docs and fuzz targets derive from it.
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

/** A count that the receiver limits (Core: misbehaviour or a close), and where it stands. All sizes in bytes. */
export interface EntryLimit {
  /** The most entries that a receiver takes. */
  readonly entries: number;
  /** Payload offset of the count, a CompactSize. */
  readonly at: number;
  /** Smallest size of one entry. 0: Core checks the count before it looks at the entries. */
  readonly entry: number;
  /** Size of what follows the entries. */
  readonly after: number;
}

/** What a row says about a command, apart from its fields. */
export interface MessageFacts {
  /** The BIP that brought the message, or its present form; none for the oldest ones. */
  readonly bip?: number;
  /** The protocol version that brought it; 0 when no version gates it. */
  readonly since: number;
  /** BIP324 one-byte message id, 1..255; none when the message travels with its 12-byte name. */
  readonly shortid?: number;
  /** `control` messages become events of the peer machine; `data` ones are counted and handed to listeners. */
  readonly plane: 'control' | 'data';
  readonly about: string;
  readonly max?: EntryLimit;
  /** This library carries the payload and does not look into it, so none is invalid. Follows from the fields. */
  readonly isOpaque?: boolean;
  /** A payload that breaks the fields' rules, or has bytes behind them, is a protocol violation and not just dropped. */
  readonly strict?: true;
}

/** A row: the facts and the declared payload. */
export interface MessageRow<T> extends MessageFacts {
  readonly fields: StructCodec<T>;
}

// The rows differ in their values; each keeps its own type through the generic below.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Rows = Record<string, MessageRow<any>>;
type FieldsOf<R> = R extends MessageRow<infer T> ? T : never;
type Labelled<C, T> = Readonly<Record<'command', C>> & T extends infer M ? { [K in keyof M]: M[K] } : never;
type Table<R extends Rows> = { readonly [C in keyof R]: MessageRow<Labelled<C, FieldsOf<R[C]>>> };

/** A payload that this library carries but does not look into. */
const opaque = struct({ payload: rest });

/** Puts the command into the value of every row, so that the union of all rows can be discriminated by it. */
function table<R extends Rows>(rows: R): Table<R> {
  const named = Object.entries(rows).map(([command, row]) => [
    command,
    { ...row, isOpaque: row.fields === opaque, fields: labelled('command', command, row.fields) },
  ]);
  return Object.fromEntries(named) as Table<R>;
}

/** BIP14/BIP155 spelling; `ip` holds 16 bytes, IPv4 mapped as ::ffff:a.b.c.d. */
const netAddress = struct({ services: u64, ip: bytes(16), port: u16be });

/** An `addr` entry; `time` is seconds since 1970. 30 bytes. */
const timedAddress = struct({ time: u32, services: u64, ip: bytes(16), port: u16be });

/**
 * An `addrv2` entry (BIP155). Core's `UnserializeV2Stream`: a wrong length for a network id that Core supports, or more than
 * 512 bytes under any id, spoils the whole message; entries under other ids (TorV2, Yggdrasil, the future) do not.
 */
const timedAddressV2 = refine(
  struct({ time: u32, services: compactHex, networkID: u8, addr: varBytes(512), port: u16be }),
  ({ networkID, addr }) => (bip155Length(networkID) ?? addr.length) === addr.length,
);

/** `type`: 1 tx, 2 block, 3 filtered block, 4 compact block, 5 wtx, each + 0x40000000 with witness. `hash` in wire order. */
const inventory = list(struct({ type: u32, hash: bytes(32) }), 50_000);
const inventoryLimit: EntryLimit = { entries: 50_000, at: 0, entry: 36, after: 0 };

/** `version` is ignored; `locator` goes from the newest block back; `hash_stop` all zero: as many as possible. */
const locator = struct({ version: u32, locator: list(bytes(32), 101), hash_stop: bytes(32) });
const locatorLimit: EntryLimit = { entries: 101, at: 4, entry: 32, after: 32 };

const empty = struct({});
/** The table of messages, by command. */
export const MESSAGES = table({
  version: {
    about: 'who I am; the first message of each side',
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
  verack: { about: 'your version is accepted', since: 0, plane: 'control', fields: empty },
  wtxidrelay: {
    about: 'announce transactions by wtxid; between version and verack',
    bip: 339,
    since: 70016,
    plane: 'control',
    fields: empty,
  },
  sendaddrv2: {
    about: 'send me addrv2 rather than addr; between version and verack',
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
    about: 'names a feature that I support; between version and verack',
    bip: 434,
    since: 70017,
    shortid: 37,
    plane: 'control',
    strict: true,
    fields: struct({ featureid: varBytes(80, 4), featuredata: varBytes(512) }),
  },
  getaddr: { about: 'requests addresses', since: 0, plane: 'control', fields: empty },
  addr: {
    about: 'addresses that fit 16 bytes',
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
    about: 'are you there? Without a nonce up to version 60000',
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
    about: 'announce blocks by headers rather than inv',
    bip: 130,
    since: 70012,
    plane: 'control',
    fields: empty,
  },
  sendcmpct: {
    about: 'announce blocks as compact blocks, or merely offer them',
    bip: 152,
    since: 70014,
    shortid: 20,
    plane: 'control',
    fields: struct({ announce: u8, version: u64 }),
  },
  feefilter: {
    about: 'announce no transaction that pays less; satoshi per 1,000 vbytes',
    bip: 133,
    since: 70013,
    shortid: 5,
    plane: 'control',
    fields: struct({ feerate: i64 }),
  },
  reject: {
    about: 'a message of the receiver was refused; removed from Core in 0.20',
    bip: 61,
    since: 70002,
    plane: 'data',
    fields: struct(
      { message: varBytes(12), ccode: u8, reason: varBytes(111) },
      tail({ data: bytes(32) }, 32),
    ),
  },
  alert: {
    about: 'a signed notice; retired, the final one is still sent to versions up to 70012',
    since: 311,
    plane: 'data',
    fields: opaque,
  },
  inv: {
    about: 'I have these',
    since: 0,
    shortid: 14,
    plane: 'data',
    max: inventoryLimit,
    fields: struct({ inventory }),
  },
  getdata: {
    about: 'send me these',
    since: 0,
    shortid: 11,
    plane: 'data',
    max: inventoryLimit,
    fields: struct({ inventory }),
  },
  notfound: {
    about: 'I do not have these',
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
    about: 'a block seen through the Bloom filter',
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
