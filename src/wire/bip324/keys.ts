/**
 * The secrets of one v2 connection (BIP324, "Shared secret computation" and "Keys and session ID derivation"), in
 * byte arrays that can be cleared. `wipe` clears these arrays; copies that the JavaScript engine may have made cannot be cleared.
 */
import { isKey } from './secp256k1/scalar-multiplication.js';
import { encodeEllswift, type RandomBytes, SECRET_SIZE, sharedSecret } from './ellswift.js';
import { hmac } from './ciphers.js';

/** Size of a garbage terminator. */
export const TERMINATOR_SIZE = 16;

/** The keys of one direction. */
export interface DirectionKeys {
  /** Key for the lengths (`L` in the BIP), 32 bytes. */
  readonly lengths: Uint8Array;
  /** Key for the packets (`P`), 32 bytes. */
  readonly packets: Uint8Array;
  /** The 16 bytes that end the garbage of this direction. Not secret after they are sent. */
  readonly terminator: Uint8Array;
}

/** All keys of a connection. */
export interface V2Keys {
  readonly send: DirectionKeys;
  readonly receive: DirectionKeys;
  /** 32 bytes, equal on both sides if there is no man in the middle. {@link V2Keys.wipe} keeps it, because users compare it. */
  readonly sessionId: Uint8Array;
  /** Clears the keys of both directions. */
  wipe(): void;
}

/** Our side of the key exchange. */
export interface V2Key {
  /** The 64 bytes to send first. */
  readonly ellswift: Uint8Array;
  /**
   * The connection's keys. `theirs` is their encoded key, 64 bytes; `initiating` whether we dialled; `magic` the network's 4 bytes.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` if `theirs` does not have 64 bytes, and after {@link V2Key.wipe}.
   */
  agree(theirs: Uint8Array, initiating: boolean, magic: Uint8Array): V2Keys;
  /** Clears the private key. */
  wipe(): void;
}

/**
 * A new key, to be used for one connection. `random` is called first for the private key, whose array is cleared here, and
 * then for the encoding. The first key of a process takes some milliseconds longer than the others.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a random source that always returns the same bytes.
 * @throws ReferenceError where the platform has no WebAssembly (`node --jitless`).
 */
export function createV2Key(random: RandomBytes): V2Key {
  // One draw in 2^128 is not a valid key and is repeated once. If the second is invalid too, the source is broken and `encodeEllswift` throws.
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
 * Derives the keys from a shared secret (32 bytes): HKDF-SHA256 (RFC 5869), with the network's magic (4 bytes) in the salt and one
 * expansion of 32 bytes per key. On another network all keys and terminators differ.
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
