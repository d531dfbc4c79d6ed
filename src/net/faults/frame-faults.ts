/**
 * Faults in the frames that we send. They work on v1 frames: magic (4 bytes), command (12), payload length (4, little-endian),
 * checksum (4), payload. Each element passed to `write` is one frame; bytes shorter than a header pass unchanged.
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

/** A step after which the link is ended and nothing more is sent. */
const HANG_UP = 'hang-up';
type Step = Uint8Array | typeof HANG_UP;

/** Replaces one frame with the frames to send. Each link has its own filter, which may have state. */
export type FrameFilter = (frame: Buffer) => readonly Step[];

/** What a filter needs besides the frames. */
export interface FilterInput {
  /** The value of the fault. */
  readonly value: string;
  /** The nonce in the peer's `version`, 8 bytes; undefined before it was received. */
  peerNonce(): Uint8Array | undefined;
}

/** The command of a frame; empty for bytes that are too short. */
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

/** A changed copy: the caller may still use the original. */
function changed(frame: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(frame);
  change(copy);
  return copy;
}

/** A copy with a changed payload and the right checksum. */
function withPayload(frame: Buffer, change: (payload: Buffer) => void): Buffer {
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

/** The nonce to send, 8 bytes. `value` is a number with its most significant digit first; on the wire it is little-endian. */
function nonceOf(input: FilterInput): Uint8Array | undefined {
  return input.value === '' ? input.peerNonce() : Buffer.from(input.value, 'hex').reverse();
}

function echoNonce(frame: Buffer, input: FilterInput): Buffer {
  const nonce = nonceOf(input);
  if (!nonce || frame.length < HEADER_SIZE + NONCE_END) return frame;
  return withPayload(frame, (payload) => payload.set(nonce, VERSION_NONCE_OFFSET));
}

function obsolete(frame: Buffer): Buffer {
  if (frame.length < HEADER_SIZE + 4) return frame;
  return withPayload(frame, (payload) => payload.writeInt32LE(OBSOLETE_VERSION));
}

/** Creates the filter of a new link; the key is the name of the fault. */
export const FRAME_FILTERS = {
  checksum: () => on('verack', (frame) => [changed(frame, (copy) => (copy[CHECKSUM_AT]! ^= 0xff))]),
  magic: () => onFirst((frame) => [foreignMagic(frame)]),
  truncate: truncating,
  oversize: () => onFirst((frame) => [changed(frame, (copy) => copy.writeUInt32LE(OVERSIZE, LENGTH_AT))]),
  silent: () => () => [],
  'no-verack': () => on('verack', () => []),
  'double-version': () => on('version', (frame) => [frame, frame]),
  'verack-first': () => on('version', (frame) => [emptyFrame(frame, 'verack'), frame]),
  'self-nonce': (input) => on('version', (frame) => [echoNonce(frame, input)]),
  obsolete: () => on('version', (frame) => [obsolete(frame)]),
  'late-wtxidrelay': () => on('verack', (frame) => [frame, emptyFrame(frame, 'wtxidrelay')]),
  'hang-up': () => on('version', (frame) => [frame, HANG_UP]),
} as const satisfies Record<string, (input: FilterInput) => FrameFilter>;

export type FrameFaultName = keyof typeof FRAME_FILTERS;

/** A link whose outgoing frames pass a filter. */
export class FrameFaultLink extends LinkWrapper {
  readonly #filter: FrameFilter;
  /** The first received bytes, up to the end of the nonce of a `version`. */
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
    this.#filter = FRAME_FILTERS[name]({ value, peerNonce: () => this.#peerNonce() });
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
    this.#silence();
    super.end();
  }

  override destroy(): void {
    this.#silence();
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

  #peerNonce(): Uint8Array | undefined {
    const received = this.#received;
    const whole = received.length === HEADER_SIZE + NONCE_END && commandOf(received) === 'version';
    return whole ? received.subarray(HEADER_SIZE + VERSION_NONCE_OFFSET) : undefined;
  }

  #silence(): void {
    this.#silent = true;
    this.timers.clearTimeout(this.#timer);
  }

  /** Reports the end to the owner. The inner link does not, because this wrapper ended it; the owner would wait for ever. */
  #reportEnd(): void {
    if (!this.#hungUp || this.#silent || !this.handler || this.#timer !== undefined) return;
    this.#timer = this.timers.setTimeout(() => this.closed('ERR_LINK_EOF'), 0);
  }
}
