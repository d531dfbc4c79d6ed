/**
 * The two forward-secure ciphers of BIP324: after every {@link REKEY} uses the key is replaced and the old one
 * forgotten.
 *
 * FSChaCha20 hides the 3-byte lengths under one continuous keystream; FSChaCha20Poly1305 seals the packets. Both
 * sides count for themselves, so a lost or doubled packet can never be distinguished from a forged one.
 */
import { keystream, open, seal, TAG_SIZE } from './ciphers.js';

/** Packets, or lengths, per key. */
export const REKEY = 224;
/** Bytes of an encrypted length. */
export const LENGTH_SIZE = 3;

const KEY_SIZE = 32;
const LENGTHS = REKEY * LENGTH_SIZE;
const NOTHING = new Uint8Array(0);

/** 12 bytes: a u32 and a u64, both little-endian. */
function nonceOf(first: number, second: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, first, true);
  view.setUint32(4, second, true);
  view.setUint32(8, Math.trunc(second / 2 ** 32), true);
  return nonce;
}

/** FSChaCha20 for chunks of 3 bytes, the only ones that BIP324 has. Encrypting and decrypting are the same. */
export class FSChaCha20 {
  /** All of this key's keystream: the lengths' part, and then the next key. */
  #stream: Uint8Array;
  #at = 0;
  #rekeys = 0;

  constructor(key: Uint8Array) {
    this.#stream = keystream(key, nonceOf(0, 0), LENGTHS + KEY_SIZE);
  }

  /** The 3 bytes at `at` of `bytes`, encrypted or decrypted, as a little-endian number. */
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

  /** Forgets the key. What is encrypted afterwards is not. */
  wipe(): void {
    this.#stream.fill(0);
  }
}

/** FSChaCha20Poly1305. One object serves one direction, for sealing or for opening. */
export class FSChaCha20Poly1305 {
  readonly #key: Uint8Array;
  #packets = 0;
  #rekeys = 0;

  constructor(key: Uint8Array) {
    this.#key = Uint8Array.from(key);
  }

  /** Seals `head | body` and writes it, with the tag of 16 bytes, to `into` at `at`. */
  seal(aad: Uint8Array, parts: readonly [Uint8Array, Uint8Array], into: Uint8Array, at: number): void {
    seal(this.#key, nonceOf(this.#packets, this.#rekeys), aad, parts, into, at);
    this.#count();
  }

  /** What was sealed, or undefined when key, place in the order, aad or bytes are not those of the sealing. */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const opened = open(this.#key, nonceOf(this.#packets, this.#rekeys), aad, sealed);
    this.#count();
    return opened;
  }

  #count(): void {
    if (++this.#packets < REKEY) return;
    const next = new Uint8Array(KEY_SIZE + TAG_SIZE);
    const nonce = nonceOf(0xffffffff, this.#rekeys++);
    seal(this.#key, nonce, NOTHING, [new Uint8Array(KEY_SIZE), NOTHING], next, 0);
    this.#key.set(next.subarray(0, KEY_SIZE));
    this.#packets = 0;
    next.fill(0);
  }

  /** Forgets the key. What is sealed afterwards is not secret. */
  wipe(): void {
    this.#key.fill(0);
  }
}
