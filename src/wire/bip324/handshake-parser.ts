/**
 * Parses the first bytes of a connection: whether it is v1 or v2, and the other side's key (BIP324, "v1 versus v2"; Core:
 * `V2Transport`, `ProcessReceivedMaybeV1Bytes` and `ProcessReceivedKeyBytes`).
 *
 * A v1 connection begins with the network's magic and `version` padded to 12 bytes. While the received bytes match these, a
 * responder sends nothing; the first byte that differs makes the connection v2. A v1 peer of another network is recognised by
 * bytes 4 to 15, which random bytes match once in 2^96, as soon as the 17th byte has arrived.
 */
import type { KnownMagic } from '../v1-framing.js';
import { hexOf } from '../display-text.js';
import { ELLSWIFT_SIZE } from './ellswift.js';
import type { HandshakeParserEvent, V2Broken, HandshakeParser } from './transport.js';

/** Bytes that distinguish v1 from v2. */
export const V1_PREFIX_SIZE = 16;

const MAGIC_SIZE = 4;
const VERSION_FIELD = Uint8Array.from(
  [...'version'].map((letter) => letter.charCodeAt(0)).concat(0, 0, 0, 0, 0),
);

const agrees = (bytes: Uint8Array, from: number, to: number, field: Uint8Array): boolean => {
  for (let i = from; i < to; i++) if (bytes[i] !== field[i - from]) return false;
  return true;
};

/**
 * The transport that the first bytes of a connection show, for the network with this magic (4 bytes): `v1` if there are at least 16 and
 * they begin like a v1 `version` frame, `v2` if one of the first 16 differs, `open` if there are fewer and all match.
 */
export function transportOf(bytes: Uint8Array, magic: Uint8Array): 'v1' | 'v2' | 'open' {
  const size = Math.min(bytes.length, V1_PREFIX_SIZE);
  const ours =
    agrees(bytes, 0, Math.min(size, MAGIC_SIZE), magic) && agrees(bytes, MAGIC_SIZE, size, VERSION_FIELD);
  if (!ours) return 'v2';
  return size === V1_PREFIX_SIZE ? 'v1' : 'open';
}

/** Whether there are at least 16 bytes and they begin like a v1 `version` frame of any network. */
export function isV1OfAnyNetwork(bytes: Uint8Array): boolean {
  return bytes.length >= V1_PREFIX_SIZE && agrees(bytes, MAGIC_SIZE, V1_PREFIX_SIZE, VERSION_FIELD);
}

/** Options of {@link createHandshakeParser}. */
export interface HandshakeParserOptions {
  /** Whether we dialled. A v1 header then ends the key exchange; Core takes it for part of the key and fails later. */
  readonly initiating: boolean;
  /** The magic of our network, 4 bytes. */
  readonly magic: Uint8Array;
  /** Names the network of another magic. */
  readonly knownMagic?: KnownMagic;
  /** Takes any first 64 bytes as their key, as Core's initiator does; for test tools that must not detect v1. */
  readonly takesAnyKey?: boolean;
}

/** A push parser for the first bytes that the other side sends. Holds at most 64 bytes. */
export function createHandshakeParser(options: HandshakeParserOptions): HandshakeParser {
  return new FirstBytesParser(options);
}

class FirstBytesParser implements HandshakeParser {
  /** The first bytes received, at most as many as a key has. */
  readonly #first = new Uint8Array(ELLSWIFT_SIZE);
  #held = 0;
  #transport: 'v1' | 'v2' | 'open';
  #done = false;

  constructor(readonly options: HandshakeParserOptions) {
    this.#transport = options.takesAnyKey ? 'v2' : 'open';
  }

  feed(chunk: Uint8Array): readonly HandshakeParserEvent[] {
    const events: HandshakeParserEvent[] = [];
    if (this.#done || chunk.length === 0) return events;
    const before = this.#held;
    const taken = Math.min(chunk.length, ELLSWIFT_SIZE - before);
    this.#first.set(chunk.subarray(0, taken), before);
    this.#held += taken;
    if (this.#transport === 'open') this.#detectTransport(chunk, before, events);
    if (this.#transport === 'v2') this.#readKey(chunk.subarray(taken), events);
    return events;
  }

  #detectTransport(chunk: Uint8Array, before: number, events: HandshakeParserEvent[]): void {
    this.#transport = transportOf(this.#first.subarray(0, this.#held), this.options.magic);
    if (this.#transport === 'v2' && !this.options.initiating) events.push({ kind: 'v2' });
    if (this.#transport !== 'v1') return;
    this.#finish(events, { kind: 'v1', bytes: before === 0 ? chunk : this.#joined(chunk, before) });
  }

  #joined(chunk: Uint8Array, before: number): Uint8Array {
    const bytes = new Uint8Array(before + chunk.length);
    bytes.set(this.#first.subarray(0, before));
    bytes.set(chunk, before);
    return bytes;
  }

  #readKey(rest: Uint8Array, events: HandshakeParserEvent[]): void {
    const foreign = !this.options.takesAnyKey && this.#held > V1_PREFIX_SIZE && isV1OfAnyNetwork(this.#first);
    if (foreign) this.#finish(events, this.#otherNetwork());
    else if (this.#held === ELLSWIFT_SIZE) this.#finish(events, { kind: 'key', ellswift: this.#first, rest });
  }

  #finish(events: HandshakeParserEvent[], event: HandshakeParserEvent): void {
    this.#done = true;
    events.push(event);
  }

  #otherNetwork(): V2Broken {
    const magic = this.#first.subarray(0, MAGIC_SIZE);
    const network = this.options.knownMagic?.(magic);
    const facts = { received: hexOf(magic), expected: hexOf(this.options.magic) };
    const named = network === undefined ? facts : { ...facts, network };
    return { kind: 'broken', code: 'ERR_V2_OTHER_NETWORK', facts: named };
  }
}
