/** Encodes the messages of cases to bytes on the wire, including deliberately wrong ones. */
import { type Chain, NETWORKS } from '../index.js';
import {
  CHECKSUM_AT,
  COMMAND_AT,
  encodeFrame,
  hexOf,
  LENGTH_AT,
  VERSION_NONCE_OFFSET,
} from '../wire/index.js';
import type { Sent } from './case.js';
import { versionPayload } from './version-message.js';

/** Values that the description of a message can refer to. */
export interface Reference {
  readonly chain: Chain;
  /** Payloads that were captured, by name. */
  readonly captured: ReadonlyMap<string, Uint8Array>;
}

/** The magic of another network. */
const otherMagic = ({ chain }: Chain): string =>
  (chain === 'main' ? NETWORKS.testnet3 : NETWORKS.main).magicHex;

/** The bytes of hex that may begin with `{magic}` or `{other}`. */
export const rawBytes = (hex: string, chain: Chain): Uint8Array =>
  Buffer.from(hex.replace('{magic}', chain.magicHex).replace('{other}', otherMagic(chain)), 'hex');

function payloadOf(message: Sent): Uint8Array {
  const { msg, payload, payload_gen: gen } = message;
  if (gen) {
    const middle = Buffer.alloc((gen.unit.length / 2) * gen.count, gen.unit, 'hex');
    return Buffer.concat([Buffer.from(gen.prefix, 'hex'), middle, Buffer.from(gen.suffix ?? '', 'hex')]);
  }
  if (payload !== undefined) return Buffer.from(payload, 'hex');
  return msg === 'version' ? versionPayload(message) : Buffer.alloc(0);
}

/** Replaces the nonce of a version by that of a captured one. */
function withNonce(payload: Uint8Array, from: string | undefined, { captured }: Reference): Uint8Array {
  const version = from === undefined ? undefined : captured.get(from);
  if (!version) return payload;
  const copy = Buffer.from(payload);
  copy.set(version.subarray(VERSION_NONCE_OFFSET, VERSION_NONCE_OFFSET + 8), VERSION_NONCE_OFFSET);
  return copy;
}

/** The payload of a message, for both transports. */
export const payloadFor = (message: Sent, reference: Reference): Uint8Array =>
  withNonce(payloadOf(message), message.version_nonce_from, reference);

/** The v1 frame of a message. */
export function frameOf(message: string | Sent, reference: Reference): Uint8Array {
  const sent = typeof message === 'string' ? { msg: message } : message;
  const frame = Buffer.from(encodeFrame(reference.chain.magic, sent.msg, payloadFor(sent, reference)));
  if (sent.magic) frame.write(otherMagic(reference.chain), 'hex');
  if (sent.command_hex !== undefined) frame.write(sent.command_hex, COMMAND_AT, 'hex');
  if (sent.length !== undefined) frame.writeUInt32LE(sent.length, LENGTH_AT);
  if (sent.checksum !== undefined) frame.write(sent.checksum, CHECKSUM_AT, 'hex');
  return frame;
}

/** A message as text for a transcript: its command and its unusual fields. */
export function messageText(message: string | Sent): string {
  if (typeof message === 'string') return message;
  const { msg, payload_gen, fields, payload, ...odd } = message;
  const facts = Object.entries({ ...fields, ...odd }).map(
    ([name, value]) => `${name}=${short(String(value))}`,
  );
  if (payload !== undefined) facts.push(short(payload));
  if (payload_gen) facts.push(`${payload_gen.count} × ${short(payload_gen.unit)}`);
  return facts.length === 0 ? msg : `${msg}(${facts.join(' ')})`;
}

/** The first `max` characters of a text, with `...` if it is longer. */
export const short = (text: string, max = 24): string =>
  text.length > max ? `${text.slice(0, max)}...` : text;

/** The first 16 bytes as hex, and the number of bytes. */
export const shortBytes = (bytes: Uint8Array): string =>
  `${short(hexOf(bytes.subarray(0, 16)))} (${bytes.length} bytes)`;
