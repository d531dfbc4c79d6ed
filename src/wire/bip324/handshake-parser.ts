/**
 * The first bytes of a connection: v1 or v2, and the other side's key (BIP324, "v1 versus v2"; Core: `V2Transport`,
 * `ProcessReceivedMaybeV1Bytes` and `ProcessReceivedKeyBytes`).
 *
 * A v1 connection begins with the network's magic and `version` padded to 12 bytes. As long as the bytes agree a
 * responder says nothing; at the first that does not, it is v2. A v1 peer of another network is recognised by bytes
 * 4 to 15, which random bytes match once in 2^96; that is decided when the 17th byte is there.
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
 * What the first bytes of a connection are, for a network of this magic: `v1` when 16 or more begin as a v1
 * `version` frame does, `v2` when one differs, `open` when the few there are agree.
 */
export function transportOf(bytes: Uint8Array, magic: Uint8Array): 'v1' | 'v2' | 'open' {
  const size = Math.min(bytes.length, V1_PREFIX_SIZE);
  const ours =
    agrees(bytes, 0, Math.min(size, MAGIC_SIZE), magic) && agrees(bytes, MAGIC_SIZE, size, VERSION_FIELD);
  if (!ours) return 'v2';
  return size === V1_PREFIX_SIZE ? 'v1' : 'open';
}

/** Whether 16 or more bytes begin as a v1 `version` frame of any network does. */
export function isV1OfAnyNetwork(bytes: Uint8Array): boolean {
  return bytes.length >= V1_PREFIX_SIZE && agrees(bytes, MAGIC_SIZE, V1_PREFIX_SIZE, VERSION_FIELD);
}

/** What {@link createHandshakeParser} must know. */
export interface HandshakeParserOptions {
  /** Whether we dialled. A v1 header then ends the exchange; Core reads it as their key and fails later. */
  readonly initiating: boolean;
  /** Our network's, 4 bytes. */
  readonly magic: Uint8Array;
  /** Names the network of a foreign magic. */
  readonly knownMagic?: KnownMagic;
  /** Takes whatever comes as their key, as Core's initiator does. For testers, which must not decide by the first bytes. */
  readonly takesAnyKey?: boolean;
}

/** A push parser for the first bytes that the other side sends. Holds at most 64 of them. */
export function createHandshakeParser(options: HandshakeParserOptions): HandshakeParser {
  return new Opening(options);
}

class Opening implements HandshakeParser {
  /** The first bytes so far, at most those of a key. */
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
