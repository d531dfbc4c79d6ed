/** Bytes that come in pieces and are wanted whole. */

/** The most that the buffer runs ahead of the bytes that arrived. */
export const GROWTH_STEP = 256 * 1024;
const FIRST_BUFFER = 1024;
const NOTHING = new Uint8Array(0);

/**
 * Collects one run of bytes after another. Doubling keeps byte-wise delivery linear; the step keeps a large claim
 * from being believed before its bytes are there.
 */
export class ByteBuffer {
  #bytes: Uint8Array = NOTHING;
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
   * of the chunk when all of it lies there, else the buffer, which is the caller's from then on.
   */
  take(chunk: Uint8Array, at: number, wanted: number): Uint8Array | undefined {
    const piece = chunk.subarray(at, at + wanted - this.#held);
    if (piece.length === wanted) return piece;
    this.#reserve(this.#held + piece.length, wanted);
    this.#bytes.set(piece, this.#held);
    this.#held += piece.length;
    if (this.#held < wanted) return undefined;
    const whole = this.#bytes.subarray(0, wanted);
    this.clear();
    return whole;
  }

  #reserve(needed: number, wanted: number): void {
    if (needed <= this.#bytes.length) return;
    const ahead = Math.min(Math.max(needed, FIRST_BUFFER), GROWTH_STEP);
    const grown = new Uint8Array(Math.min(wanted, needed + ahead));
    grown.set(this.#bytes.subarray(0, this.#held));
    this.#bytes = grown;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#held = 0;
  }
}
