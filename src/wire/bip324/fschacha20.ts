/**
 * The two forward-secure ciphers of BIP324: after every {@link REKEY} uses the key is replaced and the old one
 * erased.
 *
 * FSChaCha20 encrypts the 3-byte lengths with one continuous keystream; FSChaCha20Poly1305 encrypts and authenticates the packets.
 * Nonces are not sent but counted by each side, so a lost or repeated packet fails in the same way as a forged one.
 */
import { keystream, open, seal, TAG_SIZE } from './ciphers.js';

/** Number of packets, or of lengths, for which a key is used. */
export const REKEY = 224;
/** Bytes of an encrypted length. */
export const LENGTH_SIZE = 3;

const KEY_SIZE = 32;
const LENGTHS = REKEY * LENGTH_SIZE;
const EMPTY = new Uint8Array(0);

/** A nonce of 12 bytes: `first` as a u32 and `second` as a u64, both little-endian. */
function nonceOf(first: number, second: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, first, true);
  view.setUint32(4, second, true);
  view.setUint32(8, Math.trunc(second / 2 ** 32), true);
  return nonce;
}

/** FSChaCha20 for chunks of 3 bytes, the only size that BIP324 uses. Encryption and decryption are the same operation. */
export class FSChaCha20 {
  /** All of this key's keystream: the part for the lengths, then the next key. Used bytes are zeroed. */
  #stream: Uint8Array;
  #at = 0;
  #rekeys = 0;

  constructor(key: Uint8Array) {
    this.#stream = keystream(key, nonceOf(0, 0), LENGTHS + KEY_SIZE);
  }

  /** Encrypts or decrypts the 3 bytes of `bytes` at offset `at` and returns them as a little-endian number; `bytes` is unchanged. */
  crypt(bytes: Uint8Array, at = 0): number {
    let value = 0;
    for (let i = 0; i < LENGTH_SIZE; i++) {
      value |= (bytes[at + i]! ^ this.#stream[this.#at]!) << (8 * i);
      this.#stream[this.#at++] = 0;
    }
    if (this.#at === LENGTHS) this.#rekey();
    return value;
  }

  #rekey(): void {
    const old = this.#stream;
    this.#stream = keystream(old.subarray(LENGTHS), nonceOf(0, ++this.#rekeys), LENGTHS + KEY_SIZE);
    this.#at = 0;
    old.fill(0);
  }

  /** Erases the key. Anything encrypted afterwards stays plaintext. */
  wipe(): void {
    this.#stream.fill(0);
  }
}

/** FSChaCha20Poly1305. One object is used for one direction, either for `seal` or for `open`. */
export class FSChaCha20Poly1305 {
  readonly #key: Uint8Array;
  #packets = 0;
  #rekeys = 0;

  constructor(key: Uint8Array) {
    this.#key = Uint8Array.from(key);
  }

  /** Encrypts `head | body` and writes it, followed by the tag of 16 bytes, to `into` at offset `at`. */
  seal(aad: Uint8Array, parts: readonly [Uint8Array, Uint8Array], into: Uint8Array, at: number): void {
    seal(this.#key, nonceOf(this.#packets, this.#rekeys), aad, parts, into, at);
    this.#count();
  }

  /** The plaintext, or undefined if key, packet number, `aad` or bytes differ from those of `seal`. */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const opened = open(this.#key, nonceOf(this.#packets, this.#rekeys), aad, sealed);
    this.#count();
    return opened;
  }

  #count(): void {
    if (++this.#packets < REKEY) return;
    const next = new Uint8Array(KEY_SIZE + TAG_SIZE);
    const nonce = nonceOf(0xffffffff, this.#rekeys++);
    seal(this.#key, nonce, EMPTY, [new Uint8Array(KEY_SIZE), EMPTY], next, 0);
    this.#key.set(next.subarray(0, KEY_SIZE));
    this.#packets = 0;
    next.fill(0);
  }

  /** Erases the key. Anything encrypted afterwards is not secret. */
  wipe(): void {
    this.#key.fill(0);
  }
}
