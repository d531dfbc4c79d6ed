/**
 * The v2 transport (BIP324) as its user sees it: what arrives is returned as events, what is to be sent comes back as
 * bytes. No clock, no socket, no randomness: the caller decides when to send and how long to wait.
 *
 * | state          | fed to             | returns                     | then                                     |
 * |----------------|--------------------|-----------------------------|------------------------------------------|
 * | key exchange   | {@link HandshakeParser}  | `v2` (responder)            | send our key and garbage                 |
 * |                |                    | `v1` (responder)            | read `bytes` again as v1                 |
 * |                |                    | `key`                       | `V2Key.agree`; send terminator, decoys,  |
 * |                |                    |                             | version packet; feed `rest` on           |
 * | garbage        | {@link PacketDecoder} | `garbage`                   |                                          |
 * | version packet | the same           | `decoy`, `version`          | application bytes flow                   |
 * | application    | the same           | `frame`, `decoy`, `dropped` |                                          |
 *
 * An initiator sends key and garbage at once. `broken` may come in every state and is the last event.
 *
 * Events carry facts, never a key; the secrets live in the objects that `createV2Key`, `createV2Sender` and
 * `createV2Receiver` give, each with its `wipe`. So a state machine that is driven by the events' kinds stays plain
 * data.
 *
 * Bytes on the wire, each way: key (64), garbage (0 to {@link MAX_GARBAGE}), terminator (16), packets. A packet:
 * length of the contents (3, little-endian, encrypted), then header byte and contents sealed together, then the tag
 * (16).
 */
import type { Facts, V2Code } from '../../reasons.js';

/** The most garbage that one side may send. */
export const MAX_GARBAGE = 4095;
/** Core's limit for the contents of a packet: a long command and 4,000,000 bytes. */
export const MAX_CONTENTS = 1 + 12 + 4_000_000;
/** Bytes of a packet besides its contents: length, header, tag. */
export const PACKET_OVERHEAD = 3 + 1 + 16;
/** The header's bit that makes a packet a decoy. The other bits mean nothing and are ignored. */
export const DECOY_BIT = 0x80;

/** The last event of a connection, wherever it comes. */
export interface V2Broken {
  readonly kind: 'broken';
  readonly code: V2Code;
  readonly facts: Facts;
}

/**
 * The first bytes of a connection.
 *
 * - `v1`: the peer speaks v1 of our network. `bytes` is everything so far: a responder reads it again as v1, for an initiator
 *   the exchange is over.
 * - `v2`: a byte differs from that; reported at once, however few bytes there are. Responder only.
 * - `key`: their 64 bytes, a copy. `rest` is what the chunk holds behind them, a view: it belongs to the receiver.
 * - `broken`: `ERR_V2_OTHER_NETWORK` with `received`, `expected` (hex) and, when known, `network`.
 */
export type HandshakeParserEvent =
  | { readonly kind: 'v1'; readonly bytes: Uint8Array }
  | { readonly kind: 'v2' }
  | { readonly kind: 'key'; readonly ellswift: Uint8Array; readonly rest: Uint8Array }
  | V2Broken;

/** Push parser whose events are {@link HandshakeParserEvent}; see `createHandshakeParser`. */
export interface HandshakeParser {
  /** Takes the next bytes, split anyhow. Never throws. After `v1`, `key` or `broken` it returns no more events. */
  feed(chunk: Uint8Array): readonly HandshakeParserEvent[];
}

/**
 * What comes behind the key, in the order of the bytes. `size`: bytes on the wire.
 *
 * - `garbage`: the terminator was found after `size` bytes of garbage (terminator not counted).
 * - `version`: the version packet. Its `contents` have no meaning yet and are to be ignored.
 * - `frame`: a message. `payload` is memory of its own.
 * - `decoy`: a packet to be skipped.
 * - `dropped`: skipped, the stream continues; `command` is for display, see `decodeContents`.
 * - `broken`: the last event there will be. Facts of `ERR_V2_GARBAGE`: `limit`; of `ERR_V2_LENGTH`: `length`, `limit`,
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
  /** Takes the next bytes behind their key, split anyhow. Never throws. */
  feed(chunk: Uint8Array): readonly V2Event[];
  /** Bytes of memory held for what is incomplete. Never more than those fed plus a step of 256 kB. */
  readonly buffered: number;
  /** Clears the keys. Whatever is fed afterwards gives no events. */
  wipe(): void;
}

/** Makes packets, each for its place in the order: every one that is made must be sent. See `createV2Sender`. */
export interface PacketEncoder {
  /** The 16 bytes that end our garbage. */
  readonly terminator: Uint8Array;
  /** The version packet, which ends the key exchange. Its contents are empty, as Core's, unless a test sets them. */
  version(contents?: Uint8Array): Uint8Array;
  /**
   * A message, in its short form where it has one.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for a command of more than 12 bytes.
   */
  message(command: string, payload: Uint8Array): Uint8Array;
  /** A packet that the other side skips; `size` bytes of contents, all zero under the encryption. */
  decoy(size: number): Uint8Array;
  /**
   * A packet of any contents and header, for tests and the above. The first of all packets authenticates our garbage.
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for contents of 2^24 bytes and more.
   */
  packet(contents: Uint8Array, header?: number): Uint8Array;
  /** Clears the keys; nothing more can be made. */
  wipe(): void;
}
