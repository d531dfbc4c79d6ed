/**
 * The interface of the v2 transport (BIP324): received bytes are converted to events, and messages to bytes that the caller sends.
 * There is no clock, no socket and no randomness: the caller decides when to send and how long to wait.
 *
 * | state          | feed               | events                      | what the caller does                     |
 * |----------------|--------------------|-----------------------------|------------------------------------------|
 * | key exchange   | {@link HandshakeParser}  | `v2` (responder)            | send our key and garbage                 |
 * |                |                    | `v1` (responder)            | parse `bytes` again as v1                |
 * |                |                    | `key`                       | `V2Key.agree`; send terminator, decoys,  |
 * |                |                    |                             | version packet; feed `rest`              |
 * | garbage        | {@link PacketDecoder} | `garbage`                   |                                          |
 * | version packet | the same           | `decoy`, `version`          | may send messages from now on            |
 * | application    | the same           | `frame`, `decoy`, `dropped` |                                          |
 *
 * An initiator sends key and garbage immediately. `broken` can occur in every state and is the last event.
 *
 * Events contain no secrets. Those are in the objects that `createV2Key`, `createPacketEncoder` and `createPacketDecoder`
 * return, each of which has a `wipe`. A state machine that processes the events therefore contains no secrets either.
 *
 * Bytes on the wire, each way: key (64), garbage (0 to {@link MAX_GARBAGE}), terminator (16), packets. A packet:
 * length of the contents (3, little-endian, encrypted), then header byte and contents encrypted together, then the tag
 * (16).
 */
import type { Facts, V2Code } from '../../reasons.js';

/** The most bytes of garbage that one side may send. */
export const MAX_GARBAGE = 4095;
/** Core's limit for the contents of a packet, in bytes: a command in the long form and a payload of 4,000,000 bytes. */
export const MAX_CONTENTS = 1 + 12 + 4_000_000;
/** Bytes of a packet besides its contents: length, header, tag. */
export const PACKET_OVERHEAD = 3 + 1 + 16;
/** The bit of the header byte that makes a packet a decoy. The other bits have no meaning and are ignored. */
export const DECOY_BIT = 0x80;

/** The last event of a connection, in any state. */
export interface V2Broken {
  readonly kind: 'broken';
  readonly code: V2Code;
  readonly facts: Facts;
}

/**
 * An event of the key exchange.
 *
 * - `v1`: the peer uses v1 on our network. `bytes` is everything received so far: a responder parses it again as v1, for an
 *   initiator the key exchange has failed.
 * - `v2`: a byte differs from a v1 connection; reported with the first such byte. Responder only.
 * - `key`: their encoded key, a copy of 64 bytes. `rest`: the bytes of the chunk after it, a view, to be fed to the `PacketDecoder`.
 * - `broken`: `ERR_V2_OTHER_NETWORK` with `received`, `expected` (hex) and, if known, `network`.
 */
export type HandshakeParserEvent =
  | { readonly kind: 'v1'; readonly bytes: Uint8Array }
  | { readonly kind: 'v2' }
  | { readonly kind: 'key'; readonly ellswift: Uint8Array; readonly rest: Uint8Array }
  | V2Broken;

/** Push parser whose events are {@link HandshakeParserEvent}; see `createHandshakeParser`. */
export interface HandshakeParser {
  /** Takes the next bytes, which may be split anywhere. Never throws. Returns no more events after `v1`, `key` or `broken`. */
  feed(chunk: Uint8Array): readonly HandshakeParserEvent[];
}

/**
 * An event after the key exchange, in the order of the bytes. `size`: bytes on the wire.
 *
 * - `garbage`: the terminator was found after `size` bytes of garbage (not counting the terminator).
 * - `version`: the version packet. BIP324 defines no meaning for its `contents` yet; ignore them.
 * - `frame`: a message. `payload` is new memory, not a view of the chunk.
 * - `decoy`: a packet to be ignored.
 * - `dropped`: an invalid message was skipped, the stream continues; `command` is for display, see `decodeContents`.
 * - `broken`: the last event. Facts of `ERR_V2_GARBAGE`: `limit`; of `ERR_V2_LENGTH`: `length`, `limit`,
 *   `packet`; of `ERR_V2_AUTH`: `packet`. Packets are counted from 0.
 */
export type V2Event =
  | { readonly kind: 'garbage'; readonly size: number }
  | { readonly kind: 'version'; readonly contents: Uint8Array; readonly size: number }
  | { readonly kind: 'frame'; readonly command: string; readonly payload: Uint8Array; readonly size: number }
  | { readonly kind: 'decoy'; readonly size: number }
  | {
      readonly kind: 'dropped';
      readonly code: 'ERR_FRAME_COMMAND';
      readonly command: string;
      readonly size: number;
    }
  | V2Broken;

/** Push parser whose events are {@link V2Event}; see `createPacketDecoder`. */
export interface PacketDecoder {
  /** Takes the next bytes after their key, which may be split anywhere. Never throws. */
  feed(chunk: Uint8Array): readonly V2Event[];
  /** Bytes of memory held for garbage or an incomplete packet: at most the bytes fed plus 256 KiB. */
  readonly buffered: number;
  /** Clears the keys and the buffers. `feed` returns no events afterwards. */
  wipe(): void;
}

/** Encodes packets. The encryption depends on their order, so every packet must be sent, in the order of the calls. See `createPacketEncoder`. */
export interface PacketEncoder {
  /** The 16 bytes that end our garbage. */
  readonly terminator: Uint8Array;
  /** The version packet, the first packet that is not a decoy. Its contents are empty as in Core; tests can set them. */
  version(contents?: Uint8Array): Uint8Array;
  /**
   * A message, in the short form if its command has a short id.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for a command of more than 12 bytes.
   */
  message(command: string, payload: Uint8Array): Uint8Array;
  /** A packet that the other side ignores, with `size` bytes of contents, all zero before encryption. */
  decoy(size: number): Uint8Array;
  /**
   * A packet with any contents and header byte; the other methods use it, and tests. The first packet authenticates our garbage.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for contents of 2^24 bytes or more, and after {@link PacketEncoder.wipe}.
   */
  packet(contents: Uint8Array, header?: number): Uint8Array;
  /** Clears the keys; every later call for a packet throws. */
  wipe(): void;
}
