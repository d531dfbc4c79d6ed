/** Bytes made beforehand, for the ceilings: v1 on regtest, with nothing of the program that is measured. */
import { createHash, randomBytes } from 'node:crypto';

const MAGIC = 'fabfb5da';
const HEADER = 24;
const COMMAND_AT = 4;
const LENGTH_AT = 16;
const CHECKSUM_AT = 20;
const USER_AGENT = '/raw:1/';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** One frame. */
export function frame(command: string, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEADER + payload.length);
  bytes.write(MAGIC, 'hex');
  bytes.write(command, COMMAND_AT);
  bytes.writeUInt32LE(payload.length, LENGTH_AT);
  sha256(sha256(payload)).copy(bytes, CHECKSUM_AT, 0, 4);
  bytes.set(payload, HEADER);
  return bytes;
}

/** A `version` of protocol 70016 with services 0x409, both addresses zero, height 0, relay 1. */
export function version(): Buffer {
  const [head, tail] = [Buffer.alloc(20), Buffer.alloc(5)];
  head.writeInt32LE(70_016, 0);
  head.writeBigUInt64LE(0x409n, 4);
  head.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1000)), 12);
  tail.writeUInt8(1, 4);
  const addresses = Buffer.alloc(2 * 26);
  const agent = Buffer.from([USER_AGENT.length, ...Buffer.from(USER_AGENT)]);
  return frame('version', Buffer.concat([head, addresses, randomBytes(8), agent, tail]));
}

/** What comes between `version` and `verack`, and `verack`. */
export const features = (): Buffer =>
  Buffer.concat(['wtxidrelay', 'sendaddrv2', 'verack'].map((c) => frame(c)));

/** Where in a chunk the nonce behind a whole `ping` or `pong` header starts; -1 when there is none. */
export function nonceAt(chunk: Buffer, command: 'ping' | 'pong'): number {
  const at = chunk.indexOf(`${command}\0\0\0\0\0\0\0\0`, 0, 'latin1') - COMMAND_AT;
  return at >= 0 && chunk.length >= at + HEADER + 8 ? at + HEADER : -1;
}
