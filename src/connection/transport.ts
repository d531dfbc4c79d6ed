/** How messages travel over a link: as v1 frames, or as v2 packets behind a key exchange (BIP324). */
import type { Facts, LinkCode, Reason, V2Code } from '../reasons.js';
import type { FrameEvent, SkippedFrame } from '../wire/index.js';

/**
 * What arrived: a frame, a dropped message, or the end of what can be read. A frame whose payload is not read is `skipped`;
 * a v2 packet without a message is a `decoy`.
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

/** Messages to bytes and back, over v1 or v2. */
export interface MessageTransport {
  /** As `getpeerinfo`'s `transport_protocol_type`. */
  readonly type: 'v1' | 'v2' | 'detecting';
  /** 64 hex digits, the same on both sides of a v2 connection; empty otherwise. */
  readonly session_id: string;
  /** Bytes held for a message that is not complete. */
  readonly buffered: number;
  /** Takes the next bytes of the link. */
  feed(chunk: Uint8Array): Iterable<IncomingEvent>;
  /** A message as bytes; only after the transport is ready. */
  encode(command: string, payload: Uint8Array): Uint8Array;
  /** The link has ended. True while a key exchange was under way: the transport reports its failure itself. */
  closed(code: LinkCode): boolean;
  /** Clears the secrets, if there are any. */
  wipe(): void;
}

/** What a transport needs from the connection that owns it. */
export interface TransportOwner {
  write(bytes: readonly Uint8Array[]): void;
  /** Whether the payload of a message is of no use to anybody. `isBeforeVersion`: no `version` came before it. */
  isIgnored(command: string, isBeforeVersion: boolean): boolean;
  /** Application bytes can flow, from now on through `transport`. */
  ready(transport: MessageTransport): void;
  /** The key exchange failed. `fallBack`: v1 on a new connection may succeed. */
  gaveUp(reason: Reason, fallBack: boolean): void;
}
