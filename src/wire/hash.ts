/** The hashes of the wire layer: the only file that uses the platform's hash functions. */
import { createHash, hash } from 'node:crypto';
import { sha256Short, sha256TwiceStart } from './sha256.js';

/** Up to this many bytes, plain JavaScript is faster than the call into the platform (measured on Node 20). */
const SHORT = 128;

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return bytes.length <= SHORT ? sha256Short(bytes) : hash('sha256', bytes, 'buffer');
}

/** Double SHA-256, 32 bytes, not reversed as block explorers show them. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes));
}

/** The checksum of the empty payload, which most handshake messages have. */
const EMPTY_CHECKSUM = 0xe2e0f65d;

/** The checksum of a v1 header: the first 4 bytes of {@link hash256}, as a little-endian number. */
export function checksumOf(payload: Uint8Array): number {
  if (payload.length === 0) return EMPTY_CHECKSUM;
  if (payload.length <= SHORT) return sha256TwiceStart(payload);
  return startOf(hash256(payload));
}

/** Computes {@link checksumOf} for a payload that arrives in pieces and is not held. */
export interface StreamingChecksum {
  update(piece: Uint8Array): void;
  /** The checksum; called once, after the last piece. */
  digest(): number;
}

/** For a payload that is complete in memory, {@link checksumOf} is faster. */
export function createChecksum(): StreamingChecksum {
  const first = createHash('sha256');
  return {
    update: (piece) => void first.update(piece),
    digest: () => startOf(sha256(first.digest())),
  };
}

const startOf = (digest: Uint8Array): number =>
  (digest[0]! | (digest[1]! << 8) | (digest[2]! << 16) | (digest[3]! << 24)) >>> 0;
