/** Dials the hosts that `verack connect` is given, and records the outcome of each. */
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
  /** The host will not be dialled again. */
  isOver: boolean;
}

/** Throws `ERR_LOCAL_ARGUMENT` for a text that is not a host. Port 0 is accepted for I2P only, whose peers have it. */
export function checkHost(text: string): void {
  const [host = ''] = text.split(':');
  parseEndpoint(text, 1, { allowZero: kindOfHost(host) === 'i2p' });
}

export interface HostTargetsOptions {
  /** One handshake per host; otherwise a host is dialled again, with backoff. */
  readonly once: boolean;
  /** Called when a target failed without a connection: a name without an address, or an address that is connected already. */
  readonly failed: (host: string, reason: Reason) => void;
  /** Called at most once, when every host has failed to connect. */
  readonly unreachable: () => void;
}

/** Whether no TCP connection could be opened. If so for all hosts, the cause may be this machine, not the hosts. */
function isUnreachable({ outcome }: Target): boolean {
  if (outcome === undefined || outcome === 'established') return false;
  return outcome.code === 'ERR_TIME_CONNECT' || REASONS[outcome.code].family === 'dial';
}

/** The targets of one `verack connect`, from the command line to the exit code. */
export class HostTargets {
  /** Resolves when each host has an outcome (with `once`), or when each has been given up (without). */
  readonly settled: Promise<void>;
  #settle!: () => void;
  readonly #targets: Target[];
  #wasReached = false;
  #isReported = false;

  /** Throws `ERR_LOCAL_ARGUMENT` for a text that is not a host. */
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

  /** Call this when the line about a completed handshake has been written. */
  reported({ id }: PeerInfo): void {
    const target = this.#targets.find(({ peer }) => peer?.id === id);
    if (!target) return;
    this.#wasReached = true;
    target.outcome = 'established';
    this.#review();
  }

  /** Reports a failed dial only the first time. A connection that opened and ended is reported by the log of the node. */
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
    // With -connect=0 there are no targets: --once ends at once, otherwise only an interruption ends the run.
    if (this.#targets.length === 0) return once ? this.#settle() : undefined;
    if (this.#targets.every(isUnreachable) && !this.#wasReached && !this.#isReported) {
      this.#isReported = true;
      this.options.unreachable();
    }
    if (this.#targets.every(({ isOver, outcome }) => (once ? outcome !== undefined : isOver))) this.#settle();
  }
}
