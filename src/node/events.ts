/** The typed events of {@link BitcoinNode}. Payloads are plain data. */
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { DropCode, Reason } from '../reasons.js';
import type { PeerInfo } from './peerinfo.js';
import type { PeerState } from '../connection/peer-record.js';

/** By name, the one argument that a listener gets. */
export interface NodeEvents {
  /** A listener is open. */
  listening: [Endpoint];
  /** A peer's machine changed its state. `at` is the moment on the node's clock, milliseconds. */
  transition: [{ id: number; addr: string; inbound: boolean; from: PeerState; to: PeerState; at: number }];
  /** A handshake is complete. */
  established: [PeerInfo];
  /** A connection, or the attempt at one, is over; `lastreason` says why. */
  ended: [PeerInfo];
  /** A peer did not understand BIP324; the same connection is tried again as v1. `lastreason`: how it ended. */
  fallback: [PeerInfo];
  /**
   * An inbound connection was refused before a byte was sent. With `ERR_LOCAL_LIMIT` the system could not even accept
   * it, and `addr` is where we listen.
   */
  refused: [{ addr: string; reason: Reason }];
  /** A whole message went out or came in; `payload` is valid only while the listener runs. */
  message: [
    {
      id: number;
      addr: string;
      direction: 'sent' | 'received';
      command: string;
      payload: Uint8Array;
      at: number;
    },
  ];
  /** A peer answered our ping; `pingtime` is the round trip in seconds. Answers to no ping of ours are not reported. */
  pong: [{ id: number; addr: string; pingtime: number }];
  /** An accepted peer asked for addresses, for the first time. Without an address book the node sends none by itself. */
  getaddr: [{ id: number; addr: string }];
  /** Everything that waited for a peer has been taken, after so much had waited that nothing more was read or sent. */
  drained: [{ id: number; addr: string }];
  /** A message was dropped and its sender kept. */
  dropped: [{ id: number; addr: string; code: DropCode | 'ERR_PROTO_LIMIT'; command: string }];
  /** A target will be dialled again in `delay` milliseconds. */
  redial: [{ addr: string; delay: number; failures: number; reason: Reason }];
  /** A target will not be dialled again. */
  abandoned: [{ addr: string; reason: Reason }];
  /**
   * `ms` of time passed while the process did not run (`monotonic`; no peer is ended for it), or the wall clock was set
   * by that much (`wall`; deadlines do not depend on it).
   */
  jump: [{ ms: number; clock: 'monotonic' | 'wall' }];
  /** The source of automatic outbound connections has answered. */
  candidates: [{ addresses: readonly SeedAddress[] }];
  /**
   * DNS seeds of a public chain named addresses that are not public (0.0.0.0, 127.0.0.1, 10.0.0.1, …), as a DNS server does
   * that blocks a name. They are not dialled. Comes before `candidates`.
   */
  unroutable: [{ addresses: readonly SeedAddress[] }];
  /** No address of the source could be reached; reported once. */
  unreachable: [{ chain: string }];
  /** With `outbound.once`: nothing more will be dialled by itself. */
  filled: [{ chain: string }];
}
