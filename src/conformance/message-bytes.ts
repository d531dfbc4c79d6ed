/** From a message as a case describes it to the bytes that go on the wire, right or wrong. */
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

/** What a message can refer to. */
export interface Reference {
  readonly chain: Chain;
  /** Payloads that were captured, by name. */
  readonly captured: ReadonlyMap<string, Uint8Array>;
}

/** The magic of a network that this one is not. */
const otherMagic = ({ chain }: Chain): string =>
  (chain === 'main' ? NETWORKS.testnet3 : NETWORKS.main).magicHex;

/** Hex with `{magic}` or `{other}` in front. */
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

/** Puts the nonce of a captured version in the place of ours. */
function withNonce(payload: Uint8Array, from: string | undefined, { captured }: Reference): Uint8Array {
  const version = from === undefined ? undefined : captured.get(from);
  if (!version) return payload;
  const copy = Buffer.from(payload);
  copy.set(version.subarray(VERSION_NONCE_OFFSET, VERSION_NONCE_OFFSET + 8), VERSION_NONCE_OFFSET);
  return copy;
}

/** What a message carries, over either transport. */
export const payloadFor = (message: Sent, reference: Reference): Uint8Array =>
  withNonce(payloadOf(message), message.version_nonce_from, reference);

/** The whole frame, for v1. */
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

/** Long values keep their beginning. */
export const short = (text: string, max = 24): string =>
  text.length > max ? `${text.slice(0, max)}...` : text;

/** Bytes in short. */
export const shortBytes = (bytes: Uint8Array): string =>
  `${short(hexOf(bytes.subarray(0, 16)))} (${bytes.length} bytes)`;
