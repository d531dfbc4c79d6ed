/**
 * Faults in the frames we send. They read v1 frames (protocol section "framing"): magic 4, command 12, payload length 4 (little
 * endian), checksum 4, payload. Each element handed to `write` is one frame; anything shorter than a header passes.
 */
import { NETWORKS } from '../../networks.js';
import {
  CHECKSUM_AT,
  COMMAND_AT,
  hash256,
  HEADER_SIZE,
  LENGTH_AT,
  VERSION_NONCE_OFFSET,
} from '../../wire/index.js';
import type { Timers } from '../timers.js';
import type { Link, LinkHandler } from '../link.js';
import { LinkWrapper } from './link-wrapper.js';

const NONCE_END = 80;
const OVERSIZE = 5_000_000;
const OBSOLETE_VERSION = 209;

/** After this nothing leaves any more and the link is ended. */
const HANG_UP = 'hang-up';
type Step = Uint8Array | typeof HANG_UP;

/** What becomes of one frame: nothing, itself, or others. One filter lives as long as its link. */
export type FrameFilter = (frame: Buffer) => readonly Step[];

/** What a filter may know besides the frames: the value of the fault, and what the other side announced. */
export interface Clues {
  readonly value: string;
  /** The 8 bytes of the nonce in the other side's `version`, once that has come. */
  theirNonce(): Uint8Array | undefined;
}

/** Empty for what is too short to be a frame. */
function commandOf(frame: Uint8Array): string {
  if (frame.length < HEADER_SIZE) return '';
  return Buffer.from(frame.subarray(COMMAND_AT, LENGTH_AT)).toString('latin1').replace(/\0+$/, '');
}

function withChecksum(frame: Buffer): Buffer {
  frame.set(hash256(frame.subarray(HEADER_SIZE)).subarray(0, 4), CHECKSUM_AT);
  return frame;
}

/** A frame without payload, of the same network as `like`. */
function emptyFrame(like: Buffer, command: string): Buffer {
  const frame = Buffer.alloc(HEADER_SIZE);
  like.copy(frame, 0, 0, COMMAND_AT);
  frame.write(command, COMMAND_AT, 'latin1');
  return withChecksum(frame);
}

/** A changed copy: the caller may still hold the original. */
function changed(frame: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(frame);
  change(copy);
  return copy;
}

/** A changed payload, with the checksum that fits it. */
function repaid(frame: Buffer, change: (payload: Buffer) => void): Buffer {
  return changed(frame, (copy) => {
    change(copy.subarray(HEADER_SIZE));
    withChecksum(copy);
  });
}

/** Filters the frames of one command and lets the others pass. */
function on(command: string, filter: FrameFilter): FrameFilter {
  return (frame) => (commandOf(frame) === command ? filter(frame) : [frame]);
}

function onFirst(filter: FrameFilter): FrameFilter {
  let first = true;
  return (frame) => {
    if (!first || frame.length < HEADER_SIZE) return [frame];
    first = false;
    return filter(frame);
  };
}

function foreignMagic(frame: Buffer): Buffer {
  const { main, regtest } = NETWORKS;
  const foreign = regtest.magic.every((byte, n) => frame[n] === byte) ? main : regtest;
  return changed(frame, (copy) => copy.set(foreign.magic));
}

function truncating(): FrameFilter {
  let cut = false;
  return (frame) => {
    if (cut) return [];
    cut = commandOf(frame) === 'version';
    return [cut ? frame.subarray(0, HEADER_SIZE + ((frame.length - HEADER_SIZE) >> 1)) : frame];
  };
}

/** `value` is the numeric value, most significant digit first; the wire is little endian. */
function nonceOf(clues: Clues): Uint8Array | undefined {
  return clues.value === '' ? clues.theirNonce() : Buffer.from(clues.value, 'hex').reverse();
}

function echoNonce(frame: Buffer, clues: Clues): Buffer {
  const nonce = nonceOf(clues);
  if (!nonce || frame.length < HEADER_SIZE + NONCE_END) return frame;
  return repaid(frame, (payload) => payload.set(nonce, VERSION_NONCE_OFFSET));
}

function obsolete(frame: Buffer): Buffer {
  if (frame.length < HEADER_SIZE + 4) return frame;
  return repaid(frame, (payload) => payload.writeInt32LE(OBSOLETE_VERSION));
}

/** By the name of the fault, a filter for a new link. */
export const FRAME_FILTERS = {
  checksum: () => on('verack', (frame) => [changed(frame, (copy) => (copy[CHECKSUM_AT]! ^= 0xff))]),
  magic: () => onFirst((frame) => [foreignMagic(frame)]),
  truncate: truncating,
  oversize: () => onFirst((frame) => [changed(frame, (copy) => copy.writeUInt32LE(OVERSIZE, LENGTH_AT))]),
  silent: () => () => [],
  'no-verack': () => on('verack', () => []),
  'double-version': () => on('version', (frame) => [frame, frame]),
  'verack-first': () => on('version', (frame) => [emptyFrame(frame, 'verack'), frame]),
  'self-nonce': (clues) => on('version', (frame) => [echoNonce(frame, clues)]),
  obsolete: () => on('version', (frame) => [obsolete(frame)]),
  'late-wtxidrelay': () => on('verack', (frame) => [frame, emptyFrame(frame, 'wtxidrelay')]),
  'hang-up': () => on('version', (frame) => [frame, HANG_UP]),
} as const satisfies Record<string, (clues: Clues) => FrameFilter>;

export type FrameFaultName = keyof typeof FRAME_FILTERS;

/** A link whose outgoing frames pass a filter. */
export class FrameFaultLink extends LinkWrapper {
  readonly #filter: FrameFilter;
  /** The first bytes that came, no more than reach to the end of the nonce. */
  #received = Buffer.alloc(0);
  #hungUp = false;
  #silent = false;
  #timer: unknown;

  constructor(
    inner: Link,
    name: FrameFaultName,
    value: string,
    readonly timers: Timers,
  ) {
    super(inner);
    this.#filter = FRAME_FILTERS[name]({ value, theirNonce: () => this.#theirNonce() });
  }

  override attach(handler: LinkHandler): void {
    super.attach(handler);
    this.#reportEnd();
  }

  override write(frames: readonly Uint8Array[]): void {
    const steps = frames.flatMap((frame) => this.#pass(frame));
    const end = steps.indexOf(HANG_UP);
    const out = steps.slice(0, end < 0 ? steps.length : end) as Uint8Array[];
    if (out.length > 0) this.inner.write(out);
    if (end < 0) return;
    this.#hungUp = true;
    this.inner.end();
    this.#reportEnd();
  }

  override end(): void {
    this.#hush();
    super.end();
  }

  override destroy(): void {
    this.#hush();
    super.destroy();
  }

  override data(chunk: Uint8Array): void {
    const missing = HEADER_SIZE + NONCE_END - this.#received.length;
    if (missing > 0) this.#received = Buffer.concat([this.#received, chunk.subarray(0, missing)]);
    super.data(chunk);
  }

  #pass(frame: Uint8Array): readonly Step[] {
    return this.#filter(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
  }

  #theirNonce(): Uint8Array | undefined {
    const received = this.#received;
    const whole = received.length === HEADER_SIZE + NONCE_END && commandOf(received) === 'version';
    return whole ? received.subarray(HEADER_SIZE + VERSION_NONCE_OFFSET) : undefined;
  }

  #hush(): void {
    this.#silent = true;
    this.timers.clearTimeout(this.#timer);
  }

  /** The inner link is silent once we ended it; the owner, who did not ask for that, would wait for ever. */
  #reportEnd(): void {
    if (!this.#hungUp || this.#silent || !this.handler || this.#timer !== undefined) return;
    this.#timer = this.timers.setTimeout(() => this.closed('ERR_LINK_EOF'), 0);
  }
}
