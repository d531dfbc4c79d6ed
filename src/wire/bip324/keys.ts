/**
 * The secrets of one v2 connection (BIP324, "Shared secret computation" and "Keys and session ID derivation"), in
 * byte arrays that can be cleared. JavaScript may have copied bytes on its own account: `wipe` clears what this
 * layer holds.
 */
import { isKey } from './secp256k1/scalar-multiplication.js';
import { encodeEllswift, type RandomBytes, SECRET_SIZE, sharedSecret } from './ellswift.js';
import { hmac } from './ciphers.js';

/** Size of a garbage terminator. */
export const TERMINATOR_SIZE = 16;

/** What one direction is encrypted with. */
export interface DirectionKeys {
  /** Key of the lengths (`L` in the BIP), 32 bytes. */
  readonly lengths: Uint8Array;
  /** Key of the packets (`P`), 32 bytes. */
  readonly packets: Uint8Array;
  /** The 16 bytes that end the garbage of this direction. Not secret once they are sent. */
  readonly terminator: Uint8Array;
}

/** All keys of a connection. */
export interface V2Keys {
  readonly send: DirectionKeys;
  readonly receive: DirectionKeys;
  /** 32 bytes, the same on both sides when there is no man in the middle. Kept by {@link V2Keys.wipe}: it is for comparing. */
  readonly sessionId: Uint8Array;
  /** Clears the keys of both directions. */
  wipe(): void;
}

/** Our half of the key exchange. */
export interface V2Key {
  /** The 64 bytes to send first. */
  readonly ellswift: Uint8Array;
  /**
   * The connection's keys, once their 64 bytes are there.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for another size, and after {@link V2Key.wipe}.
   */
  agree(theirs: Uint8Array, initiating: boolean, magic: Uint8Array): V2Keys;
  /** Clears the private key. */
  wipe(): void;
}

/**
 * A fresh key; one per connection. `random` gives the private key, in an array of its own that is cleared here, and
 * then the encoding's randomness. The first key of a process takes some milliseconds more than the others.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a random source that gives the same again and again.
 * @throws ReferenceError where the platform has no WebAssembly (`node --jitless`).
 */
export function createV2Key(random: RandomBytes): V2Key {
  // One draw in 2^128 is no key; the second would not be one either if the source is broken, and is refused below.
  const drawn = random(SECRET_SIZE);
  const secret = Uint8Array.from(isKey(drawn) ? drawn : random(SECRET_SIZE));
  const ellswift = encodeEllswift(secret, random);
  drawn.fill(0);
  return {
    ellswift,
    agree(theirs, initiating, magic) {
      const shared = sharedSecret(secret, ellswift, theirs, initiating);
      const keys = deriveV2Keys(shared, initiating, magic);
      shared.fill(0);
      return keys;
    },
    wipe: () => void secret.fill(0),
  };
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

const FIRST_BLOCK = Uint8Array.of(1);
const SALT = ascii('bitcoin_v2_shared_secret');
const [SESSION_ID, INITIATOR_L, INITIATOR_P, RESPONDER_L, RESPONDER_P, TERMINATORS] = [
  'session_id',
  'initiator_L',
  'initiator_P',
  'responder_L',
  'responder_P',
  'garbage_terminators',
].map((info) => concat(ascii(info), FIRST_BLOCK)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/**
 * Keys from a shared secret: HKDF-SHA256 (RFC 5869), salted with the network's magic (4 bytes), one expansion of 32
 * bytes per use. On another network everything differs, terminators included.
 */
export function deriveV2Keys(secret: Uint8Array, initiating: boolean, magic: Uint8Array): V2Keys {
  const extracted = hmac(concat(SALT, magic), secret);
  const terminators = hmac(extracted, TERMINATORS);
  const initiator = {
    lengths: hmac(extracted, INITIATOR_L),
    packets: hmac(extracted, INITIATOR_P),
    terminator: terminators.slice(0, TERMINATOR_SIZE),
  };
  const responder = {
    lengths: hmac(extracted, RESPONDER_L),
    packets: hmac(extracted, RESPONDER_P),
    terminator: terminators.slice(TERMINATOR_SIZE),
  };
  const sessionId = hmac(extracted, SESSION_ID);
  extracted.fill(0);
  const secrets = [initiator, responder].flatMap(({ lengths, packets }) => [lengths, packets]);
  return {
    send: initiating ? initiator : responder,
    receive: initiating ? responder : initiator,
    sessionId,
    wipe: () => secrets.forEach((bytes) => bytes.fill(0)),
  };
}
