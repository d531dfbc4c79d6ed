/**
 * SHA-256 (FIPS 180-4) in plain JavaScript, for short inputs: for those the call into the platform's cryptography costs more than
 * the hashing, and most handshake payloads have 8 to 120 bytes. `hash.ts` selects between the two.
 */

/** The first 32 bits of the fractional parts of a root of the first `count` primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function fractions(count: number, root: (prime: number) => number): Int32Array {
  const words = new Int32Array(count);
  for (let n = 2, found = 0; found < count; n++) {
    if (isPrime(n)) words[found++] = (root(n) % 1) * 0x100000000;
  }
  return words;
}

function isPrime(n: number): boolean {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return true;
}

const K = fractions(64, Math.cbrt);
const START = fractions(8, Math.sqrt);

// Scratch space that every call overwrites.
const words = new Int32Array(64);
const state = new Int32Array(8);
const block = new Uint8Array(128);
const once = new Uint8Array(32);

const BLOCK = 64;
const LENGTH_SIZE = 8;

/** Digest of `input`, 32 bytes. */
export function sha256Short(input: Uint8Array): Uint8Array {
  absorb(input);
  return writeDigest(new Uint8Array(32));
}

/** The first 4 bytes of the digest of the digest, as a little-endian number: a v1 checksum, without allocating a digest. */
export function sha256TwiceStart(input: Uint8Array): number {
  absorb(input);
  absorb(writeDigest(once));
  const first = state[0]!;
  return ((first >>> 24) | ((first >>> 8) & 0xff00) | ((first << 8) & 0xff0000) | (first << 24)) >>> 0;
}

function absorb(input: Uint8Array): void {
  state.set(START);
  const whole = input.length - (input.length % BLOCK);
  for (let at = 0; at < whole; at += BLOCK) compress(input, at);
  const size = pad(input, whole);
  for (let at = 0; at < size; at += BLOCK) compress(block, at);
}

/** Writes the last bytes, a one bit, zeros and the length in bits to `block`; returns the size, 64 or 128. */
function pad(input: Uint8Array, from: number): number {
  const left = input.length - from;
  const size = left + 1 + LENGTH_SIZE > BLOCK ? 2 * BLOCK : BLOCK;
  block.fill(0, left, size);
  for (let i = 0; i < left; i++) block[i] = input[from + i]!;
  block[left] = 0x80;
  const bits = input.length * 8;
  for (let i = 0; i < 4; i++) block[size - 1 - i] = bits >>> (8 * i);
  return size;
}

function writeDigest(out: Uint8Array): Uint8Array {
  for (let i = 0; i < 32; i++) out[i] = state[i >> 2]! >>> (24 - 8 * (i & 3));
  return out;
}

/** The message schedule of one block. */
function schedule(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) {
    words[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15]!;
    const y = words[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
  }
}

/** Adds one block to the state. Uses local variables because most of the time is spent in this loop. */
function compress(bytes: Uint8Array, at: number): void {
  schedule(bytes, at);
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i]! + words[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & (b ^ c)) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}
