/** Bytes that come in pieces and are wanted whole. */

/** The most that the buffer runs ahead of the bytes that arrived. */
export const GROWTH_STEP = 256 * 1024;
/** Longer runs are collected in memory that can be given back at once. */
const LARGE = 64 * 1024;
const FIRST_BUFFER = 1024;
const NOTHING = new Uint8Array(0);

/**
 * Collects one run of bytes after another. Doubling keeps byte-wise delivery linear; the step keeps a large claim
 * from being believed before its bytes are there.
 *
 * Above 64 KiB the bytes are in a resizable `ArrayBuffer`: it grows where it is, without copies that wait for the garbage
 * collector, and what it held goes back to the system when the run is complete or given up. (Its full length is reserved
 * as addresses, not as memory.)
 */
export class ByteBuffer {
  #bytes: Uint8Array = NOTHING;
  #large: ArrayBuffer | undefined;
  #held = 0;

  /** Bytes that are there of the run under way. */
  get held(): number {
    return this.#held;
  }

  /** Memory in use. */
  get size(): number {
    return this.#bytes.length;
  }

  /**
   * Takes from `chunk`, from `at` on, what is missing to `wanted` bytes. Gives the run when it is complete: a view
   * of the chunk when all of it lies there, else memory that is the caller's from then on.
   */
  take(chunk: Uint8Array, at: number, wanted: number): Uint8Array | undefined {
    const piece = chunk.subarray(at, at + wanted - this.#held);
    if (piece.length === wanted) return piece;
    this.#reserve(this.#held + piece.length, wanted);
    this.#bytes.set(piece, this.#held);
    this.#held += piece.length;
    if (this.#held < wanted) return undefined;
    const whole = this.#large ? this.#bytes.slice(0, wanted) : this.#bytes.subarray(0, wanted);
    this.clear();
    return whole;
  }

  /** Gives all memory back. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#large?.resize(0);
    this.#large = undefined;
    this.#held = 0;
  }

  #reserve(needed: number, wanted: number): void {
    if (needed <= this.#bytes.length) return;
    const ahead = Math.min(Math.max(needed, FIRST_BUFFER), GROWTH_STEP);
    const size = Math.min(wanted, needed + ahead);
    if (this.#large) this.#large.resize(size);
    else this.#replace(size, wanted);
  }

  #replace(size: number, wanted: number): void {
    if (size > LARGE) this.#large = new ArrayBuffer(size, { maxByteLength: wanted });
    const grown = this.#large ? new Uint8Array(this.#large) : new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.#held));
    this.#bytes = grown;
  }
}
