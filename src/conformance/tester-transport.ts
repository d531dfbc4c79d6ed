/** Decodes the bytes of a connection to items and encodes messages: the interface and v1. `v2-endpoint.ts` implements v2. */
import { createV1Framer, type FrameEvent, sanitize, type V1Framer } from '../wire/index.js';
import { frameOf, type Reference } from './message-bytes.js';
import type { Sent } from './case.js';

/** A received item: a message, or bytes that are not a valid message. */
export type ReceivedItem =
  | { readonly kind: 'message'; readonly command: string; readonly payload: Uint8Array }
  | { readonly kind: 'stray'; readonly what: string };

/** An event of the transport, which appears in the transcript but is not read by steps. */
export interface TransportEvent {
  readonly kind: 'transport';
  readonly what: string;
}

/** The transport of a connection. */
export interface Transport {
  /** Decodes the next bytes of the node. */
  feed(chunk: Uint8Array): readonly (ReceivedItem | TransportEvent)[];
  /** The number of bytes of an incomplete message. */
  readonly pieces: number;
  /** Encodes a message. Messages must be sent in the order in which they are encoded. */
  encode(message: string | Sent, reference: Reference): Uint8Array;
}

/** v1 frames. */
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

/** A message with a copy of its payload, since the original is only valid until the next chunk. */
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
      : 'bytes that are not a message';
  return { kind: 'stray', what };
}
