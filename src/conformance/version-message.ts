/**
 * Encodes the tester's `version` message field by field, and decodes that of the node. It uses byte offsets instead of the
 * message table, since a tester must be able to omit and cut fields that the table requires.
 */
import { NAME, VERSION } from '../index.js';
import { hexOf, VERSION_NONCE_OFFSET } from '../wire/index.js';
import type { Sent, VersionFields } from './case.js';

/** The user agent of the tester. */
export const USER_AGENT = `/${NAME}-conform:${VERSION}/`;

/** The values of fields that a case does not set. */
export const DEFAULTS = {
  version: 70016,
  services: 0,
  timestamp: 1_700_000_000,
  addr_recv_services: 0,
  addr_recv_ip: '00000000000000000000000000000000',
  addr_recv_port: 0,
  addr_from_services: 0,
  addr_from_ip: '00000000000000000000000000000000',
  addr_from_port: 0,
  nonce: '8877665544332211',
  user_agent: USER_AGENT,
  start_height: 0,
  relay: 1,
} as const satisfies VersionFields;

/** The fields that a case may set or expect; the last one can only be expected. */
export const VERSION_FIELDS: readonly string[] = [...Object.keys(DEFAULTS), 'length_after_relay'];

/** The parts before which a version can be cut. */
export const PARTS = ['addr_from', 'nonce', 'user_agent', 'start_height', 'relay'] as const;

type Fields = {
  readonly [K in keyof typeof DEFAULTS]: (typeof DEFAULTS)[K] extends string ? string : number;
};

const little = (value: number, size: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)));
  return bytes.subarray(0, size);
};

const port = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const raw = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

const compact = (length: number): Uint8Array =>
  length < 253 ? Uint8Array.of(length) : Uint8Array.of(253, length & 0xff, length >> 8);

/** The parts of the message, in wire order. */
function partsOf(v: Fields): readonly (readonly [string, readonly Uint8Array[]])[] {
  const agent = Buffer.from(v.user_agent, 'latin1');
  return [
    ['version', [little(v.version, 4), little(v.services, 8), little(v.timestamp, 8)]],
    ['addr_recv', [little(v.addr_recv_services, 8), raw(v.addr_recv_ip), port(v.addr_recv_port)]],
    ['addr_from', [little(v.addr_from_services, 8), raw(v.addr_from_ip), port(v.addr_from_port)]],
    ['nonce', [raw(v.nonce)]],
    ['user_agent', [compact(agent.length), agent]],
    ['start_height', [little(v.start_height, 4)]],
    ['relay', [Uint8Array.of(v.relay)]],
  ];
}

/** The payload of the version that a case describes. */
export function versionPayload({
  fields,
  omit_from,
  cut_to_bytes,
  cut_last = 0,
}: Omit<Sent, 'msg'>): Uint8Array {
  const parts = partsOf({ ...DEFAULTS, ...fields });
  const end = parts.findIndex(([name]) => name === omit_from);
  const whole = Buffer.concat(parts.slice(0, end < 0 ? undefined : end).flatMap(([, bytes]) => bytes));
  return whole.subarray(0, cut_to_bytes ?? whole.length - cut_last);
}

const NUMBERS: Readonly<Record<string, (bytes: Buffer) => number>> = {
  version: (bytes) => bytes.readInt32LE(0),
  services: (bytes) => Number(bytes.readBigUInt64LE(4)),
  timestamp: (bytes) => Number(bytes.readBigInt64LE(12)),
  addr_recv_services: (bytes) => Number(bytes.readBigUInt64LE(20)),
  addr_recv_port: (bytes) => bytes.readUInt16BE(44),
  addr_from_services: (bytes) => Number(bytes.readBigUInt64LE(46)),
  addr_from_port: (bytes) => bytes.readUInt16BE(70),
};

/** The fields of the node's version, up to its end; no fields if it is shorter than 84 bytes. */
export function versionFields(payload: Uint8Array): VersionFields {
  const bytes = Buffer.from(payload);
  if (bytes.length <= 83) return {};
  const numbers = Object.entries(NUMBERS).map(([name, read]) => [name, read(bytes)] as const);
  const size = bytes[80] === 253 ? bytes.readUInt16LE(81) : bytes.readUInt8(80);
  const at = bytes[80] === 253 ? 83 : 81;
  return {
    ...Object.fromEntries(numbers),
    addr_recv_ip: hexOf(bytes.subarray(28, 44)),
    addr_from_ip: hexOf(bytes.subarray(54, 70)),
    nonce: hexOf(bytes.subarray(VERSION_NONCE_OFFSET, VERSION_NONCE_OFFSET + 8)),
    user_agent: bytes.subarray(at, at + size).toString('latin1'),
    ...tailOf(bytes.subarray(at + size)),
  };
}

function tailOf(bytes: Buffer): VersionFields {
  if (bytes.length < 4) return {};
  const height = { start_height: bytes.readInt32LE(0) };
  return bytes.length < 5
    ? height
    : { ...height, relay: bytes.readUInt8(4), length_after_relay: bytes.length - 5 };
}
