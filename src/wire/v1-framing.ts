/**
 * The v1 transport: frames of a 24-byte header and a payload (Core: `CMessageHeader`, `V1Transport`).
 *
 * | offset | size | field    |                                                                     |
 * |--------|------|----------|---------------------------------------------------------------------|
 * | 0      | 4    | magic    | the network                                                         |
 * | 4      | 12   | command  | ASCII, padded with NUL                                              |
 * | 16     | 4    | length   | of the payload, little-endian, at most {@link MAX_PAYLOAD}          |
 * | 20     | 4    | checksum | first 4 bytes of SHA256(SHA256(payload))                            |
 */
import type { BrokenCode, Facts } from '../reasons.js';
import { ByteBuffer } from './byte-buffer.js';
import { COMMAND_SIZE, readCommand, writeCommand } from './command.js';
import { checksumOf, createChecksum, type StreamingChecksum } from './hash.js';
import { hexOf, sanitize } from './display-text.js';

/** Size of a header in bytes. */
export const HEADER_SIZE = 24;
/** Core's `MAX_PROTOCOL_MESSAGE_LENGTH`, bytes of payload: a header that announces more ends the connection. */
export const MAX_PAYLOAD = 4_000_000;
/** Offset of the command in a header. */
export const COMMAND_AT = 4;
/** Offset of the payload's length, 4 bytes, in a header. */
export const LENGTH_AT = 16;
/** Offset of the checksum, 4 bytes, in a header. */
export const CHECKSUM_AT = 20;

/**
 * The events of the framer, in the order of the bytes. `size`: bytes on the wire, including the header.
 *
 * - `frame`: a valid frame. `payload` is a view, valid as long as the chunk that was fed and at least until the next
 *   `feed`; copy it to keep it longer.
 * - `dropped`: an invalid frame was skipped, the stream continues. `command` is printable (`?` for other bytes), at most 12 characters.
 * - `broken`: the last event. Facts of `ERR_FRAME_MAGIC`: `received` and `expected` (hex), and `network` if the
 *   received magic is known; of `ERR_FRAME_OVERSIZE`: `command`, `length`, `limit`.
 */
export type FrameEvent =
  | { readonly kind: 'frame'; readonly command: string; readonly payload: Uint8Array; readonly size: number }
  | {
      readonly kind: 'dropped';
      readonly code: 'ERR_FRAME_CHECKSUM' | 'ERR_FRAME_COMMAND';
      readonly command: string;
      readonly size: number;
    }
  | { readonly kind: 'broken'; readonly code: BrokenCode; readonly facts: Facts };

/** A valid frame whose payload was ignored and not held; only with {@link V1FramerOptions}. */
export interface SkippedFrame {
  readonly kind: 'skipped';
  readonly command: string;
  readonly size: number;
}

/** A push parser for one direction of one connection. */
export interface V1Framer<E = FrameEvent> {
  /** Takes the next bytes of the stream, which may be split anywhere. Never throws. */
  feed(chunk: Uint8Array): readonly E[];
  /** Releases the memory of an incomplete frame; `feed` returns no events afterwards. */
  clear(): void;
  /** Bytes of memory held for an incomplete frame. Never more than those fed plus 256 KiB. */
  readonly buffered: number;
}

/** Returns the name of the network with this magic (4 bytes); undefined if it is unknown. */
export type KnownMagic = (magic: Uint8Array) => string | undefined;

/**
 * Builds a frame: header and payload. The size of the payload is not checked.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a command of more than 12 bytes.
 */
export function encodeFrame(magic: Uint8Array, command: string, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_SIZE + payload.length);
  frame.set(magic);
  writeCommand(frame, COMMAND_AT, command);
  putU32(frame, LENGTH_AT, payload.length);
  putU32(frame, CHECKSUM_AT, checksumOf(payload));
  frame.set(payload, HEADER_SIZE);
  return frame;
}

/** The options of a framer besides its network. */
export interface V1FramerOptions {
  /**
   * Whether the payload of a command is not needed; called once per frame, when its header is complete. The payload is then
   * hashed while it arrives and not held. The frame is reported as `skipped`, or as `dropped` for the same reasons as other frames.
   * Payloads under an invalid command are not held either. Must not throw.
   */
  readonly isIgnored: (command: string) => boolean;
}

const noNetwork: KnownMagic = () => undefined;

/**
 * A framer for the network of `magic` (4 bytes). `knownMagic` is called for any other magic, to name its network.
 *
 *   const framer = createV1Framer(NETWORKS.main.magic);
 *   for (const event of framer.feed(chunk)) if (event.kind === 'frame') console.log(event.command, event.payload);
 */
export function createV1Framer(magic: Uint8Array, knownMagic?: KnownMagic): V1Framer;
export function createV1Framer(
  magic: Uint8Array,
  knownMagic: KnownMagic,
  options: V1FramerOptions,
): V1Framer<FrameEvent | SkippedFrame>;
export function createV1Framer(
  magic: Uint8Array,
  knownMagic = noNetwork,
  options?: V1FramerOptions,
): V1Framer<FrameEvent | SkippedFrame> {
  return new Framer(magic, knownMagic, options);
}

function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (8 * i);
}

/** The command of the header at offset `at`, valid or not, for display. */
function displayCommand(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at + COMMAND_AT, at + COMMAND_AT + COMMAND_SIZE);
  const size = field.findLastIndex((byte) => byte !== 0) + 1;
  return sanitize(field.subarray(0, size));
}

const EMPTY = new Uint8Array(0);

type AnyEvent = FrameEvent | SkippedFrame;

/** A complete header. */
interface Header {
  /** Undefined if it is invalid, see `readCommand`. */
  readonly command: string | undefined;
  /** For display. */
  readonly name: string;
  readonly length: number;
  readonly checksum: number;
  /** The payload is not to be held. */
  readonly isIgnored: boolean;
}

class Framer implements V1Framer<AnyEvent> {
  /** A header that arrives in pieces; its first `#headerHeld` bytes are valid. */
  #pieces: Uint8Array | undefined;
  #headerHeld = 0;
  /** The header of the frame whose payload is incomplete. */
  #header: Header | undefined;
  /** The payload of that frame, if it arrives in pieces. */
  #payload: ByteBuffer | undefined;
  /** Number of bytes hashed of a payload that is not held, and their checksum. */
  #hashed = 0;
  #checksum: StreamingChecksum | undefined;
  #broken = false;

  constructor(
    readonly magic: Uint8Array,
    readonly knownMagic: KnownMagic,
    readonly options: V1FramerOptions | undefined,
  ) {}

  get buffered(): number {
    return (this.#header ? HEADER_SIZE : this.#headerHeld) + (this.#payload?.size ?? 0);
  }

  feed(chunk: Uint8Array): readonly AnyEvent[] {
    const events: AnyEvent[] = [];
    let at = 0;
    while (at < chunk.length && !this.#broken) {
      const header = this.#header;
      at = header ? this.#takePayload(chunk, at, header, events) : this.#takeHeader(chunk, at, events);
    }
    return events;
  }

  clear(): void {
    this.#payload?.clear();
    this.#broken = true;
  }

  /** Returns the offset in the chunk after the bytes that it took. */
  #takeHeader(chunk: Uint8Array, at: number, events: AnyEvent[]): number {
    const end = Math.min(at + HEADER_SIZE - this.#headerHeld, chunk.length);
    if (end - at === HEADER_SIZE) this.#checkHeader(chunk, at, events);
    else this.#takePiece(chunk.subarray(at, end), events);
    return end;
  }

  #takePiece(piece: Uint8Array, events: AnyEvent[]): void {
    const pieces = (this.#pieces ??= new Uint8Array(HEADER_SIZE));
    pieces.set(piece, this.#headerHeld);
    this.#headerHeld += piece.length;
    if (this.#headerHeld === HEADER_SIZE) this.#checkHeader(pieces, 0, events);
  }

  /** As in Core, magic and length are checked only when the header is complete. */
  #checkHeader(bytes: Uint8Array, at: number, events: AnyEvent[]): void {
    const length = u32At(bytes, at + LENGTH_AT);
    this.#headerHeld = 0;
    if (u32At(bytes, at) !== u32At(this.magic, 0))
      this.#break(events, 'ERR_FRAME_MAGIC', this.#magicFacts(bytes.slice(at, at + 4)));
    else if (length > MAX_PAYLOAD) {
      const facts = { command: displayCommand(bytes, at), length, limit: MAX_PAYLOAD };
      this.#break(events, 'ERR_FRAME_OVERSIZE', facts);
    } else {
      const header = (this.#header = this.#readHeader(bytes, at, length));
      if (length === 0) this.#finish(header, EMPTY, events);
    }
  }

  #readHeader(bytes: Uint8Array, at: number, length: number): Header {
    const command = readCommand(bytes, at + COMMAND_AT);
    const name = command ?? displayCommand(bytes, at);
    const isIgnored = this.options ? command === undefined || this.options.isIgnored(command) : false;
    return { command, name, length, checksum: u32At(bytes, at + CHECKSUM_AT), isIgnored };
  }

  #magicFacts(received: Uint8Array): Facts {
    const network = this.knownMagic(received);
    const facts = { received: hexOf(received), expected: hexOf(this.magic) };
    return network === undefined ? facts : { ...facts, network };
  }

  #break(events: AnyEvent[], code: BrokenCode, facts: Facts): void {
    this.#broken = true;
    events.push({ kind: 'broken', code, facts });
  }

  #takePayload(chunk: Uint8Array, at: number, header: Header, events: AnyEvent[]): number {
    const { length, isIgnored } = header;
    const isWhole = this.#hashed === 0 && chunk.length - at >= length;
    if (isIgnored && !isWhole) return this.#hash(chunk, at, header, events);
    const held = this.#payload?.held ?? 0;
    const end = Math.min(at + length - held, chunk.length);
    const payload =
      end - at === length
        ? chunk.subarray(at, end)
        : (this.#payload ??= new ByteBuffer()).take(chunk, at, length);
    if (payload) this.#finish(header, payload, events);
    return end;
  }

  #hash(chunk: Uint8Array, at: number, header: Header, events: AnyEvent[]): number {
    const end = Math.min(at + header.length - this.#hashed, chunk.length);
    this.#checksum ??= createChecksum();
    this.#checksum.update(chunk.subarray(at, end));
    this.#hashed += end - at;
    if (this.#hashed === header.length) this.#report(header, this.#checksum.digest(), EMPTY, events);
    return end;
  }

  #finish(header: Header, payload: Uint8Array, events: AnyEvent[]): void {
    this.#report(header, checksumOf(payload), payload, events);
  }

  /** The checksum is checked before the command: a frame that fails both is reported with a wrong checksum. */
  #report(header: Header, checksum: number, payload: Uint8Array, events: AnyEvent[]): void {
    const { command, name, length, isIgnored } = header;
    const size = HEADER_SIZE + length;
    this.#reset();
    if (checksum !== header.checksum) {
      events.push({ kind: 'dropped', code: 'ERR_FRAME_CHECKSUM', command: name, size });
    } else if (command === undefined) {
      events.push({ kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: name, size });
    } else if (isIgnored) events.push({ kind: 'skipped', command, size });
    else events.push({ kind: 'frame', command, payload, size });
  }

  #reset(): void {
    this.#header = undefined;
    this.#hashed = 0;
    this.#checksum = undefined;
  }
}
