/** The contract of a message transport: v1 frames, or v2 packets after a key exchange (BIP324). */
import type { Facts, LinkCode, Reason, V2Code } from '../reasons.js';
import type { FrameEvent, SkippedFrame } from '../wire/index.js';

/**
 * One item that a transport delivers. `frame`: a message. `dropped`: a message that was not accepted. `skipped`: a message whose
 * payload was not kept. `decoy`: a v2 packet without a message. `broken`: the stream cannot be parsed any further.
 */
export type IncomingEvent =
  | Exclude<FrameEvent, { kind: 'broken' }>
  | SkippedFrame
  | { readonly kind: 'decoy'; readonly size: number }
  | {
      readonly kind: 'broken';
      readonly code: Extract<FrameEvent, { kind: 'broken' }>['code'] | V2Code;
      readonly facts: Facts;
    };

/** Converts messages to bytes and back, over v1 or v2. */
export interface MessageTransport {
  /** As `getpeerinfo`'s `transport_protocol_type`. */
  readonly type: 'v1' | 'v2' | 'detecting';
  /** 64 hex digits, the same on both sides of a v2 connection; empty otherwise. */
  readonly session_id: string;
  /** Bytes held for a message that is not complete. */
  readonly buffered: number;
  /** Parses the next bytes of the link. Iterate to the end: parsing may happen during the iteration. */
  feed(chunk: Uint8Array): Iterable<IncomingEvent>;
  /** Encodes a message. Call it only after the transport is ready. */
  encode(command: string, payload: Uint8Array): Uint8Array;
  /** The link has ended. Returns true when a key exchange was under way: the transport reports that failure itself. */
  closed(code: LinkCode): boolean;
  /** Clears the secrets, if there are any. */
  wipe(): void;
}

/** What a transport needs from the connection that owns it. */
export interface TransportOwner {
  write(bytes: readonly Uint8Array[]): void;
  /** Whether nothing needs the payload of a message, so that it need not be kept. `isBeforeVersion`: no `version` came before it. */
  isIgnored(command: string, isBeforeVersion: boolean): boolean;
  /** Messages can be sent and received, from now on through `transport`. */
  ready(transport: MessageTransport): void;
  /** The key exchange failed. `fallBack`: v1 on a new connection may succeed. */
  gaveUp(reason: Reason, fallBack: boolean): void;
}
