/** Joins bytes that arrive in pieces. */

/** The buffer is at most this many bytes larger than the bytes that arrived. */
export const GROWTH_STEP = 256 * 1024;
/** Longer runs of bytes are collected in a resizable buffer. */
const LARGE = 64 * 1024;
const FIRST_BUFFER = 1024;
const EMPTY = new Uint8Array(0);

/**
 * Collects one run of bytes after another. The size doubles, so that bytes that arrive one by one cost linear time; it doubles by at
 * most {@link GROWTH_STEP}, so that a large announced length does not reserve memory before its bytes arrive.
 *
 * Above 64 KiB the bytes are in a resizable `ArrayBuffer`. It grows in place, without copies for the garbage collector, and its memory
 * is returned to the system when the run is complete or abandoned. (Its full length reserves only address space.)
 */
export class ByteBuffer {
  #bytes: Uint8Array = EMPTY;
  #large: ArrayBuffer | undefined;
  #held = 0;

  /** Bytes that have arrived of the current run. */
  get held(): number {
    return this.#held;
  }

  /** Bytes of memory in use. */
  get size(): number {
    return this.#bytes.length;
  }

  /**
   * Takes from `chunk`, from offset `at` on, the bytes that the run still lacks of `wanted` bytes. Returns the run when it is complete:
   * a view of the chunk if all of it is in the chunk, otherwise memory that the buffer no longer uses.
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

  /** Releases all memory and starts a new run. */
  clear(): void {
    this.#bytes = EMPTY;
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
