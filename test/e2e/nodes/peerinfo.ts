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
  /** The peer's `verack` arrived; undefined where the node does not tell (bcoin). */
  readonly verack: boolean | undefined;
  /** The node's own answer, with every key that it has. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** Reads one entry of a node's `getpeerinfo`. */
export function peerInfo(raw: Record<string, unknown>): PeerInfo {
  const received = raw.bytesrecv_per_msg as Record<string, number> | undefined;
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
    verack: received && (received.verack ?? 0) > 0,
    raw,
  };
}

/** The node has the peer's `version` and, as far as it tells, its `verack`. */
export function isHandshaken(peer: PeerInfo): boolean {
  return peer.version > 0 && peer.verack !== false;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
