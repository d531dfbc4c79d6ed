/** The hosts that `connect` was given: dials them, and records the outcome of each. */
import { kindOfHost, parseEndpoint } from '../net/index.js';
import {
  type BitcoinNode,
  type Peer,
  type PeerInfo,
  type Reason,
  reasonOf,
  REASONS,
  VerackError,
} from '../index.js';
import { exitCodeOf, type Outcome } from './exit-codes.js';

interface Target {
  readonly host: string;
  peer?: Peer;
  outcome: Outcome;
  /** Nothing more will be dialled. */
  isOver: boolean;
}

/** Throws `ERR_LOCAL_ARGUMENT` for a text that is no host. An I2P peer has port 0. */
export function checkHost(text: string): void {
  const [host = ''] = text.split(':');
  parseEndpoint(text, 1, { allowZero: kindOfHost(host) === 'i2p' });
}

export interface HostTargetsOptions {
  /** One handshake per host; otherwise a host is dialled again, with backoff. */
  readonly once: boolean;
  /** A target failed without a connection: a name without an address, an address that is connected already. */
  readonly failed: (host: string, reason: Reason) => void;
  /** No host could be reached; called once at most. */
  readonly unreachable: () => void;
}

/** Not even a TCP connection was opened: the hint of the reason may not be the whole explanation. */
function isUnreachable({ outcome }: Target): boolean {
  if (outcome === undefined || outcome === 'established') return false;
  return outcome.code === 'ERR_TIME_CONNECT' || REASONS[outcome.code].family === 'dial';
}

export class HostTargets {
  /** Resolves with `once` when each host has its outcome, else when each was given up. */
  readonly settled: Promise<void>;
  #settle!: () => void;
  readonly #targets: Target[];
  #wasReached = false;
  #isReported = false;

  /** Throws `ERR_LOCAL_ARGUMENT` for a text that is no host. */
  constructor(
    hosts: readonly string[],
    private readonly node: BitcoinNode,
    private readonly options: HostTargetsOptions,
  ) {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    for (const host of hosts) checkHost(host);
    this.#targets = hosts.map((host) => ({ host, outcome: undefined, isOver: false }));
  }

  get exitCode(): number {
    return exitCodeOf(this.#targets.map(({ outcome }) => outcome));
  }

  start(): void {
    for (const target of this.#targets) {
      const peer = (target.peer = this.node.dial(target.host, { persistent: !this.options.once }));
      this.node.on('redial', ({ addr, reason }) => {
        if (addr === peer.addr) this.#retries(target, peer, reason);
      });
      void peer.established().catch((error: unknown) => this.#failed(target, peer, error));
    }
    this.#review();
  }

  /** The line of this handshake was written. */
  reported({ id }: PeerInfo): void {
    const target = this.#targets.find(({ peer }) => peer?.id === id);
    if (!target) return;
    this.#wasReached = true;
    target.outcome = 'established';
    this.#review();
  }

  /** The first round without a connection is reported; connections report their end themselves. */
  #retries(target: Target, peer: Peer, reason: Reason): void {
    if (target.outcome === undefined && peer.id === 0) this.options.failed(target.host, reason);
    target.outcome = reason;
    this.#review();
  }

  #failed(target: Target, peer: Peer, error: unknown): void {
    if (!(error instanceof VerackError)) throw error;
    const reason = reasonOf(error);
    if (peer.id === 0 && target.outcome === undefined && error.code !== 'ERR_LOCAL_CANCELLED')
      this.options.failed(target.host, reason);
    target.outcome = reason;
    target.isOver = true;
    this.#review();
  }

  #review(): void {
    const { once } = this.options;
    // With -connect=0 nothing is dialled, and there is nothing to wait for.
    if (this.#targets.length === 0) return once ? this.#settle() : undefined;
    if (this.#targets.every(isUnreachable) && !this.#wasReached && !this.#isReported) {
      this.#isReported = true;
      this.options.unreachable();
    }
    if (this.#targets.every(({ isOver, outcome }) => (once ? outcome !== undefined : isOver))) this.#settle();
  }
}
