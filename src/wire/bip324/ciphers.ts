/**
 * The ciphers of `node:crypto` that BIP324 uses; no other file in this directory imports that module (hashes are in `../hash.ts`).
 * Keys have 32 bytes, nonces 12 (RFC 8439). Results are new arrays, never views of the input.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

/** Size of an authentication tag. */
export const TAG_SIZE = 16;

const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: TAG_SIZE } as const;
const NONCE_SIZE = 12;

/** HMAC-SHA256 (RFC 2104), 32 bytes. */
export function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return plain(createHmac('sha256', key).update(data).digest());
}

/** A `Buffer` as a plain `Uint8Array`, because `slice` of a `Buffer` returns a view instead of a copy. */
const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** The first `size` bytes of ChaCha20's keystream, with the block counter starting at 0. */
export function keystream(key: Uint8Array, nonce: Uint8Array, size: number): Uint8Array {
  // The platform's initialization vector is the block counter, 4 bytes, followed by the nonce.
  const start = new Uint8Array(4 + NONCE_SIZE);
  start.set(nonce, 4);
  return plain(createCipheriv('chacha20', key, start).update(new Uint8Array(size)));
}

/** ChaCha20-Poly1305: encrypts `head | body` and writes the result, followed by the tag, to `into` at offset `at`. */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  [head, body]: readonly [Uint8Array, Uint8Array],
  into: Uint8Array,
  at: number,
): void {
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  if (aad.length > 0) cipher.setAAD(aad, { plaintextLength: head.length + body.length });
  into.set(cipher.update(head), at);
  into.set(cipher.update(body), at + head.length);
  cipher.final();
  into.set(cipher.getAuthTag(), at + head.length + body.length);
}

/**
 * Reverses {@link seal}: returns the plaintext, or undefined if the tag is wrong. `sealed` must have at least 16
 * bytes.
 */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const end = sealed.length - TAG_SIZE;
  const cipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  if (aad.length > 0) cipher.setAAD(aad, { plaintextLength: end });
  cipher.setAuthTag(sealed.subarray(end));
  const opened = plain(cipher.update(sealed.subarray(0, end)));
  try {
    cipher.final();
    return opened;
  } catch {
    opened.fill(0);
    return undefined;
  }
}
