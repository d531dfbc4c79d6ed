/** The v1 transport: unencrypted frames, ready as soon as the link is open. */
import type { Chain } from '../networks.js';
import { knownMagic } from '../networks.js';
import {
  createV1Framer,
  encodeFrame,
  type FrameEvent,
  isKnownCommand,
  type SkippedFrame,
  type V1Framer,
  type V1FramerOptions,
} from '../wire/index.js';
import type { MessageTransport, TransportOwner } from './transport.js';

const EMPTY = new Uint8Array(0);

/**
 * Encoded frames without a payload, by chain and command: the bytes are the same for every peer. Only commands that we send
 * are added, so there are few.
 */
const emptyFrames = new WeakMap<Chain, Map<string, Uint8Array>>();

function emptyFrame(chain: Chain, command: string): Uint8Array {
  let frames = emptyFrames.get(chain);
  if (!frames) emptyFrames.set(chain, (frames = new Map<string, Uint8Array>()));
  let frame = frames.get(command);
  if (!frame) frames.set(command, (frame = encodeFrame(chain.magic, command, EMPTY)));
  return frame;
}

/** The v1 transport of one connection. */
export class V1Transport implements MessageTransport, V1FramerOptions {
  readonly type = 'v1';
  readonly session_id = '';
  readonly #framer: V1Framer<FrameEvent | SkippedFrame>;
  /** Tracked here, because all frames of a chunk are parsed before the peer machine receives the first of them. */
  #isBeforeVersion = true;

  constructor(
    private readonly chain: Chain,
    private readonly owner?: Pick<TransportOwner, 'isIgnored'>,
  ) {
    this.#framer = createV1Framer(chain.magic, knownMagic, this);
  }

  get buffered(): number {
    return this.#framer.buffered;
  }

  feed(chunk: Uint8Array): readonly (FrameEvent | SkippedFrame)[] {
    return this.#framer.feed(chunk);
  }

  encode(command: string, payload: Uint8Array): Uint8Array {
    if (payload.length === 0 && isKnownCommand(command)) return emptyFrame(this.chain, command);
    return encodeFrame(this.chain.magic, command, payload);
  }

  /** The framer calls it once for each header, in the order of the frames. */
  isIgnored(command: string): boolean {
    if (command === 'version') this.#isBeforeVersion = false;
    return this.owner?.isIgnored(command, this.#isBeforeVersion) ?? false;
  }

  closed(): boolean {
    return false;
  }

  wipe(): void {
    this.#framer.clear();
  }
}
