/** One seeded random source for a whole run; parts that must not influence each other use a fork of it. */

/** sfc32: small, fast, and good enough that no pattern of its own shows up in a run. Never for secrets. */
export class Chance {
  readonly #state: Int32Array;

  constructor(readonly seed: number) {
    this.#state = Int32Array.of(seed, seed ^ 0x9e3779b9, 0x243f6a88, 1);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const s = this.#state;
    const sum = (s[0]! + s[1]! + s[3]!) | 0;
    s[3]! += 1;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = (s[2]! + (s[2]! << 3)) | 0;
    s[2] = (((s[2]! << 21) | (s[2]! >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + (this.next() % (high - low + 1));
  }

  /** True in `share` of all cases. */
  often(share: number): boolean {
    return this.next() / 2 ** 32 < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length]!;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.next() & 0xff);
  }

  /** A source of its own, decided by the seed and `label` only. */
  fork(label: number): Chance {
    return new Chance(Math.imul(this.seed ^ 0x5bd1e995, 0x27d4eb2f) ^ Math.imul(label + 1, 0x165667b1));
  }
}
