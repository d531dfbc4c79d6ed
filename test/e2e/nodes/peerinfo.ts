/** `getpeerinfo` in one shape, whichever node answered. */

/** One peer as a node sees it, under Bitcoin Core's names. */
export interface PeerInfo {
  readonly id: number;
  /** `host:port` of the peer. */
  readonly addr: string;
  /** The peer dialled the node. */
  readonly inbound: boolean;
  /** The protocol version that the peer announced; 0 before its `version` message. */
  readonly version: number;
  /** The peer's user agent; empty before its `version` message. */
  readonly subver: string;
  /** The peer's service bits, 16 hex digits (bcoin knows only the low 32 bits). */
  readonly services: string;
  readonly startingheight: number;
  /** Whether transactions are relayed, from the peer's `version`. */
  readonly relaytxes: boolean;
  readonly transport: 'v1' | 'v2' | 'detecting';
  /**
   * The node has sent a `ping`, which the Core family does as soon as it has processed the peer's `verack`: from then on, every
   * value of the handshake is in place. (It counts a message as received before it processes it.) Undefined for bcoin, which
   * does not report it.
   */
  readonly hasPinged: boolean | undefined;
  /** The node's own answer, with every key that it has. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** Reads one entry of a node's `getpeerinfo`. */
export function peerInfo(raw: Record<string, unknown>): PeerInfo {
  const sent = raw.bytessent_per_msg as Record<string, number> | undefined;
  return {
    id: number(raw.id),
    addr: text(raw.addr),
    inbound: raw.inbound === true,
    version: Math.max(0, number(raw.version)),
    subver: text(raw.subver),
    services: text(raw.services).padStart(16, '0'),
    startingheight: number(raw.startingheight),
    relaytxes: raw.relaytxes === true,
    transport: (raw.transport_protocol_type ?? 'v1') as PeerInfo['transport'],
    hasPinged: sent && (sent.ping ?? 0) > 0,
    raw,
  };
}

/** The node has processed the peer's `version` and, if it reports that, its `verack`. */
export function isHandshaken(peer: PeerInfo): boolean {
  return peer.version > 0 && peer.hasPinged !== false;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
