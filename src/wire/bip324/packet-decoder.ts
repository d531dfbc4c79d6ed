/**
 * Decodes the received bytes of a v2 connection after the other side's key (BIP324, "Transport layer
 * specification"; Core: `ProcessReceivedGarbageBytes`, `ProcessReceivedPacketBytes`).
 *
 * A length is checked as soon as its 3 bytes are decrypted, before the rest of the packet arrives. A packet that
 * is complete in one chunk is decrypted from there; a packet in pieces is joined first.
 */
import type { Facts, V2Code } from '../../reasons.js';
import { decodeContents } from './packet-contents.js';
import {
  DECOY_BIT,
  MAX_CONTENTS,
  MAX_GARBAGE,
  PACKET_OVERHEAD,
  type V2Event,
  type PacketDecoder,
} from './transport.js';
import { FSChaCha20, FSChaCha20Poly1305, LENGTH_SIZE } from './fschacha20.js';
import { type DirectionKeys, TERMINATOR_SIZE } from './keys.js';
import { ByteBuffer } from '../byte-buffer.js';

/** If the terminator is not within this many bytes, the connection ends. */
export const GARBAGE_LIMIT = MAX_GARBAGE + TERMINATOR_SIZE;

const EMPTY = new Uint8Array(0);

/** A decoder for the other side's direction. It copies the keys, so the caller can clear them. */
export function createPacketDecoder(keys: DirectionKeys): PacketDecoder {
  return new Decoder(keys);
}

type State = 'garbage' | 'length' | 'packet' | 'ended';

class Decoder implements PacketDecoder {
  #state: State = 'garbage';
  readonly #terminator: Uint8Array;
  readonly #lengths: FSChaCha20;
  readonly #packets: FSChaCha20Poly1305;
  /** The garbage and terminator received so far; empty after the terminator is found. */
  #garbage: Uint8Array = new Uint8Array(GARBAGE_LIMIT);
  #garbageHeld = 0;
  /** Additional data that the next packet authenticates: the garbage for the first packet, then nothing. */
  #aad: Uint8Array = EMPTY;
  readonly #buffer = new ByteBuffer();
  /** Size of the contents of the current packet. */
  #length = 0;
  #count = 0;
  #versionSeen = false;

  constructor(keys: DirectionKeys) {
    this.#terminator = Uint8Array.from(keys.terminator);
    this.#lengths = new FSChaCha20(keys.lengths);
    this.#packets = new FSChaCha20Poly1305(keys.packets);
  }

  get buffered(): number {
    return this.#garbage.length + this.#aad.length + this.#buffer.size;
  }

  feed(chunk: Uint8Array): readonly V2Event[] {
    const events: V2Event[] = [];
    let at = 0;
    while (at < chunk.length && this.#state !== 'ended') at = this.#step(chunk, at, events);
    return events;
  }

  wipe(): void {
    this.#state = 'ended';
    this.#lengths.wipe();
    this.#packets.wipe();
    this.#buffer.clear();
    this.#garbage = EMPTY;
    this.#aad = EMPTY;
  }

  /** Processes one piece; returns the offset in the chunk after the bytes that it took. */
  #step(chunk: Uint8Array, at: number, events: V2Event[]): number {
    if (this.#state === 'garbage') return this.#scan(chunk, at, events);
    const wanted = this.#state === 'length' ? LENGTH_SIZE : this.#length + PACKET_OVERHEAD - LENGTH_SIZE;
    const end = Math.min(at + wanted - this.#buffer.held, chunk.length);
    const whole = this.#buffer.take(chunk, at, wanted);
    if (whole === undefined) return end;
    if (this.#state === 'length') this.#checkLength(whole, events);
    else this.#open(whole, events);
    return end;
  }

  #scan(chunk: Uint8Array, from: number, events: V2Event[]): number {
    let at = from;
    while (at < chunk.length && this.#state === 'garbage') {
      this.#garbage[this.#garbageHeld++] = chunk[at++]!;
      if (this.#endsWithTerminator()) this.#finishGarbage(events);
      else if (this.#garbageHeld === GARBAGE_LIMIT)
        this.#break(events, 'ERR_V2_GARBAGE', { limit: GARBAGE_LIMIT });
    }
    return at;
  }

  /**
   * Compares from the end: random garbage usually differs at the first byte, and any garbage costs at most 16 comparisons
   * per byte.
   */
  #endsWithTerminator(): boolean {
    for (let i = 1; i <= TERMINATOR_SIZE; i++) {
      if (this.#garbage[this.#garbageHeld - i] !== this.#terminator[TERMINATOR_SIZE - i]) return false;
    }
    return true;
  }

  #finishGarbage(events: V2Event[]): void {
    const size = this.#garbageHeld - TERMINATOR_SIZE;
    this.#aad = this.#garbage.slice(0, size);
    this.#garbage = EMPTY;
    this.#state = 'length';
    events.push({ kind: 'garbage', size });
  }

  #checkLength(bytes: Uint8Array, events: V2Event[]): void {
    const length = this.#lengths.crypt(bytes);
    this.#length = length;
    this.#state = 'packet';
    if (length <= MAX_CONTENTS) return;
    this.#break(events, 'ERR_V2_LENGTH', { length, limit: MAX_CONTENTS, packet: this.#count });
  }

  #open(sealed: Uint8Array, events: V2Event[]): void {
    const opened = this.#packets.open(this.#aad, sealed);
    if (opened === undefined) return this.#break(events, 'ERR_V2_AUTH', { packet: this.#count });
    this.#aad = EMPTY;
    this.#count++;
    this.#state = 'length';
    events.push(this.#eventOf(opened));
  }

  #eventOf(opened: Uint8Array): V2Event {
    const contents = opened.subarray(1);
    const size = contents.length + PACKET_OVERHEAD;
    if ((opened[0]! & DECOY_BIT) !== 0) return { kind: 'decoy', size };
    if (this.#versionSeen) return messageOf(contents, size);
    this.#versionSeen = true;
    return { kind: 'version', contents, size };
  }

  #break(events: V2Event[], code: V2Code, facts: Facts): void {
    this.wipe();
    events.push({ kind: 'broken', code, facts });
  }
}

function messageOf(contents: Uint8Array, size: number): V2Event {
  const read = decodeContents(contents);
  if (!read.valid) return { kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: read.command, size };
  return { kind: 'frame', command: read.command, payload: read.payload, size };
}
