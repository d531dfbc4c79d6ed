/** The typed events of `BitcoinNode`. Payloads are plain data. */
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { DropCode, Reason } from '../reasons.js';
import type { PeerInfo } from './peerinfo.js';
import type { PeerState } from '../connection/peer-record.js';

/** The event names, each with the one argument that its listeners get. Times `at` are milliseconds of the node's clock. */
export interface NodeEvents {
  /** A listener is open. */
  listening: [Endpoint];
  /** The peer machine of a connection changed its state. */
  transition: [{ id: number; addr: string; inbound: boolean; from: PeerState; to: PeerState; at: number }];
  /** A handshake is complete. */
  established: [PeerInfo];
  /** A connection has ended, or could not be opened; `lastreason` says why. */
  ended: [PeerInfo];
  /** A peer does not support BIP324; the same address is dialled again with v1. `lastreason`: how the v2 attempt ended. */
  fallback: [PeerInfo];
  /**
   * An inbound connection was refused before any byte was sent. With `ERR_LOCAL_LIMIT` the system could not accept it, and
   * `addr` is the endpoint that we listen on.
   */
  refused: [{ addr: string; reason: Reason }];
  /** A complete message was sent or received; `payload` is valid only while the listener runs: copy it to keep it. */
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
  /** A peer answered our ping; `pingtime` is the round trip in seconds. A pong without a matching ping is not reported. */
  pong: [{ id: number; addr: string; pingtime: number }];
  /** An inbound peer sent its first `getaddr`. Without an address book the node does not answer it. */
  getaddr: [{ id: number; addr: string }];
  /** All bytes that waited for a peer were sent, after more than `maxsendbuffer` had waited: the peer is read again and `send` works. */
  drained: [{ id: number; addr: string }];
  /** A message was dropped and the connection kept. */
  dropped: [{ id: number; addr: string; code: DropCode | 'ERR_PROTO_LIMIT'; command: string }];
  /** A target will be dialled again in `delay` milliseconds; `failures` counts the failed rounds in succession. */
  redial: [{ addr: string; delay: number; failures: number; reason: Reason }];
  /** A target will not be dialled again. */
  abandoned: [{ addr: string; reason: Reason }];
  /**
   * The process was suspended for `ms` milliseconds (`monotonic`; deadlines are moved, so that no peer times out for it), or the
   * wall clock was set by `ms` (`wall`; deadlines do not depend on it).
   */
  jump: [{ ms: number; clock: 'monotonic' | 'wall' }];
  /** The source of automatic outbound connections has answered; the list is empty when it has no address or has failed. */
  candidates: [{ addresses: readonly SeedAddress[] }];
  /**
   * DNS seeds of a public chain returned addresses that are not public (0.0.0.0, 127.0.0.1, 10.0.0.1, …), which is how a DNS
   * server blocks a name. They are not dialled. Emitted before `candidates`.
   */
  unroutable: [{ addresses: readonly SeedAddress[] }];
  /** No address of the source could be reached; emitted once. */
  unreachable: [{ chain: string }];
  /** With `outbound.once`: the node will dial no further automatic connections. */
  filled: [{ chain: string }];
}
