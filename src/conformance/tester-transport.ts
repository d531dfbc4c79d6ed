/** How the bytes of a connection become received items, and messages become bytes: v1 here, v2 in `v2-endpoint.ts`. */
import { createV1Framer, type FrameEvent, sanitize, type V1Framer } from '../wire/index.js';
import { frameOf, type Reference } from './message-bytes.js';
import type { Sent } from './case.js';

/** A received item: a message, or bytes that are no message. */
export type ReceivedItem =
  | { readonly kind: 'message'; readonly command: string; readonly payload: Uint8Array }
  | { readonly kind: 'stray'; readonly what: string };

/** An event of the transport alone: it appears in the transcript, and no step reads it. */
export interface TransportEvent {
  readonly kind: 'transport';
  readonly what: string;
}

export interface Transport {
  /** Takes the next bytes of the node. */
  feed(chunk: Uint8Array): readonly (ReceivedItem | TransportEvent)[];
  /** Bytes of a message that is not complete. */
  readonly pieces: number;
  /** A message as bytes, which have to be sent in the order in which they were made. */
  encode(message: string | Sent, reference: Reference): Uint8Array;
}

export class V1Transport implements Transport {
  readonly #framer: V1Framer;

  constructor(magic: Uint8Array) {
    this.#framer = createV1Framer(magic);
  }

  get pieces(): number {
    return this.#framer.buffered;
  }

  feed(chunk: Uint8Array): readonly ReceivedItem[] {
    return this.#framer.feed(chunk).map(itemOf);
  }

  encode(message: string | Sent, reference: Reference): Uint8Array {
    return frameOf(message, reference);
  }
}

/** A message, its payload copied: the view ends with the next chunk. */
export const messageOf = (command: string, payload: Uint8Array): ReceivedItem => ({
  kind: 'message',
  command: sanitize(command, 12),
  payload: payload.slice(),
});

function itemOf(event: FrameEvent): ReceivedItem {
  if (event.kind === 'frame') return messageOf(event.command, event.payload);
  const what =
    event.kind === 'dropped'
      ? `${event.command} (${event.code === 'ERR_FRAME_CHECKSUM' ? 'wrong checksum' : 'invalid command'})`
      : 'bytes that are no message';
  return { kind: 'stray', what };
}
