/**
 * Splits a payload into the fields that the message table declares, and gives the meaning of each. At the first byte that
 * cannot be decoded it stops; the rest becomes one last field.
 */
import {
  BIP155,
  bip155NetworkName,
  type Codec,
  compactSize,
  type Cursor,
  formatAddress,
  fromLegacy,
  hexOf,
  isKnownCommand,
  MESSAGES,
  sanitize,
  servicesnames,
  signedOf,
} from '../wire/index.js';

/** The bytes of one field. */
export interface AnnotatedField {
  /** The byte offset from the start of the input. */
  readonly offset: number;
  /** The bytes in the order on the wire, in lower-case hex. */
  readonly hex: string;
  /** The name of the field in the message table; `addresses[3].port` inside a list. */
  readonly name: string;
  /** The decoded value as printable text; empty for bytes without a meaning of their own. */
  readonly value: string;
}

/** A codec with the properties of structs (`parts`), lists (`item`) and rules (`inner`). */
interface Walkable extends Codec<unknown> {
  readonly parts?: readonly Part[];
  readonly item?: Walkable;
  readonly inner?: Walkable;
}

interface Part {
  readonly keys: readonly string[];
  readonly codecs: readonly Walkable[];
  readonly atLeast: number;
}

interface Walk {
  readonly cursor: Cursor;
  readonly base: number;
  readonly fields: AnnotatedField[];
}

type Siblings = Record<string, unknown>;

/** The fields of a payload that begins at byte `base` of the input; one field for a command that is not in the table. Never throws. */
export function fieldsOf(command: string, payload: Uint8Array, base: number): AnnotatedField[] {
  const cursor: Cursor = { bytes: payload, offset: 0, code: '', at: 0, path: '' };
  const walk: Walk = { cursor, base, fields: [] };
  const isKnown = isKnownCommand(command);
  if (isKnown) struct(walk, (MESSAGES[command].fields as Walkable).parts ?? [], '');
  // A codec that fails does not advance the cursor, so the rest begins at the end of the last field.
  const read = walk.fields.reduce((end, { offset, hex }) => Math.max(end, offset - base + hex.length / 2), 0);
  if (read < payload.length)
    add(walk, read, payload.length, !isKnown ? 'payload' : isStuck(walk) ? '(rest)' : '(trailing)', '');
  return walk.fields;
}

function add({ cursor, base, fields }: Walk, from: number, to: number, name: string, value: string): void {
  fields.push({ offset: base + from, hex: hexOf(cursor.bytes.subarray(from, to)), name, value });
}

const isStuck = ({ cursor }: Walk): boolean => cursor.code !== '';

function struct(walk: Walk, parts: readonly Part[], path: string): Siblings {
  const siblings: Siblings = {};
  for (const { keys, codecs, atLeast } of parts) {
    if (isStuck(walk) || walk.cursor.bytes.length - walk.cursor.offset < atLeast) break;
    for (const [n, key] of keys.entries()) {
      if (!isStuck(walk)) siblings[key] = field(walk, codecs[n]!, `${path}${key}`, siblings);
    }
  }
  return siblings;
}

function field(walk: Walk, codec: Walkable, path: string, siblings: Siblings): unknown {
  if (codec.parts) return struct(walk, codec.parts, `${path}.`);
  if (codec.inner) return field(walk, codec.inner, path, siblings);
  if (codec.item) return list(walk, codec.item, path);
  return leaf(walk, codec, path, siblings);
}

function list(walk: Walk, item: Walkable, path: string): undefined {
  const from = walk.cursor.offset;
  const count = compactSize.read(walk.cursor);
  if (isStuck(walk)) return;
  add(walk, from, walk.cursor.offset, `${path}.count`, String(count));
  // The end of the bytes stops the loop, so a count that the sender claims does not matter.
  for (let n = 0; n < count && !isStuck(walk); n++) field(walk, item, `${path}[${n}]`, {});
}

function leaf(walk: Walk, codec: Walkable, path: string, siblings: Siblings): unknown {
  const from = walk.cursor.offset;
  const value = codec.read(walk.cursor);
  const to = walk.cursor.offset;
  if (isStuck(walk) || to === from) return value;
  const key = path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
  const size = value instanceof Uint8Array ? value.length : to - from;
  // The bytes before the content of a byte field are its length.
  if (to - from > size) add(walk, from, to - size, `${path}.length`, String(size));
  if (size > 0) add(walk, to - size, to, path, meaning(key, value, siblings));
  return value;
}

/** Formats a value by the name of its field; the value of other fields is shown as it is. */
const MEANINGS: Readonly<Record<string, (value: never, siblings: Siblings) => string>> = {
  services: (value: string) => `${decimal(value)} (${servicesnames(value).join(', ') || 'none'})`,
  timestamp: (value: string) => date(signedOf(value)),
  time: (value: number) => date(BigInt(value)),
  nonce: (value: string) => value,
  salt: (value: string) => value,
  ip: (value: Uint8Array) => formatAddress(fromLegacy(value)),
  networkID: (value: number) => `${value} (${bip155NetworkName(value) ?? 'unknown'})`,
  addr: (value: Uint8Array, { networkID }) => addressOf(Number(networkID), value),
  user_agent: (value: Uint8Array) => quoted(value),
  featureid: (value: Uint8Array) => quoted(value),
  message: (value: Uint8Array) => quoted(value),
  reason: (value: Uint8Array) => quoted(value),
  feerate: (value: string) => `${signedOf(value)} satoshi per 1,000 vbytes`,
  type: (value: number) => `${value} (${inventoryName(value)})`,
  hash: (value: Uint8Array) => hexOf(Uint8Array.from(value).reverse()),
  locator: (value: Uint8Array) => hexOf(Uint8Array.from(value).reverse()),
  hash_stop: (value: Uint8Array) => hexOf(Uint8Array.from(value).reverse()),
};

function meaning(key: string, value: unknown, siblings: Siblings): string {
  const known = Object.hasOwn(MEANINGS, key) ? MEANINGS[key] : undefined;
  if (known) return known(value as never, siblings);
  if (value instanceof Uint8Array) return '';
  return typeof value === 'string' ? decimal(value) : String(value);
}

const decimal = (hex: string): string => BigInt(`0x${hex}`).toString();

const quoted = (bytes: Uint8Array): string => `"${sanitize(bytes)}"`;

/** The last second that a JavaScript Date can represent. */
const LAST = 8_640_000_000_000n;

const date = (seconds: bigint): string =>
  seconds >= 0n && seconds <= LAST
    ? `${seconds} (${new Date(Number(seconds) * 1_000).toISOString().replace('.000', '')})`
    : `${seconds} (out of range)`;

/** An address as text; empty when its network is unknown or its length is wrong. */
function addressOf(networkID: number, addr: Uint8Array): string {
  const network = bip155NetworkName(networkID);
  if (network === undefined || BIP155[network].length !== addr.length) return '';
  return formatAddress({ networkID, addr });
}

const INVENTORY: Readonly<Record<number, string>> = {
  1: 'transaction',
  2: 'block',
  3: 'filtered block',
  4: 'compact block',
  5: 'transaction by wtxid',
};
const WITNESS_FLAG = 0x40000000;

function inventoryName(type: number): string {
  const name = INVENTORY[type & ~WITNESS_FLAG];
  if (name === undefined) return 'unknown';
  return type >= WITNESS_FLAG ? `${name} with witness` : name;
}
