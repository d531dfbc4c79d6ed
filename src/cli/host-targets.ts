/**
 * The hosts that `connect` was given: dials them, and records how each stands. Whether and when a host is dialled again is decided
 * in machines/outbound.machine.ts.
 */
import { kindOfHost, parseEndpoint } from '../net/index.js';
import { type BitcoinNode, type Peer, type PeerInfo, type Reason, REASONS } from '../index.js';
import { exitCodeOf, type Outcome } from './exit-codes.js';

/** Throws `ERR_LOCAL_ARGUMENT` for a text that is not a host. Port 0 is accepted for I2P only, whose peers have it. */
export function checkHost(text: string): void {
  const [host = ''] = text.split(':');
  parseEndpoint(text, 1, { allowZero: kindOfHost(host) === 'i2p' });
}

export interface HostTargetsOptions {
  /** One handshake per host; otherwise a host is dialled again, with backoff. */
  readonly once: boolean;
  /** A target failed without a connection: a name without an address, an address that is connected already. */
  readonly failed: (host: string, reason: Reason) => void;
  /** Called at most once, when every host has failed to connect in the first round. */
  readonly unreachable: () => void;
}

/** Whether no TCP connection could be opened. If so for all hosts, the cause may be this machine, not the hosts. */
function isUnreachable(outcome: Outcome): boolean {
  if (outcome === undefined || outcome === 'established') return false;
  return outcome.code === 'ERR_TIME_CONNECT' || REASONS[outcome.code].family === 'dial';
}

/** One host. */
class Target {
  /** The latest; undefined before the first. */
  outcome: Outcome;
  /** The first outcome. */
  readonly first: Promise<Outcome>;
  /** Nothing more will be dialled. */
  readonly over: Promise<void>;
  #resolveFirst!: (outcome: Outcome) => void;
  #resolveOver!: () => void;

  /** `once`: the first outcome counts. */
  constructor(
    readonly peer: Peer,
    private readonly once: boolean,
  ) {
    this.first = new Promise((resolve) => (this.#resolveFirst = resolve));
    this.over = new Promise((resolve) => (this.#resolveOver = resolve));
  }

  record(outcome: Outcome): void {
    if (this.once && this.outcome !== undefined) return;
    this.outcome = outcome;
    this.#resolveFirst(outcome);
  }

  end(reason: Reason): void {
    this.record(reason);
    this.#resolveOver();
  }
}

export class HostTargets {
  /** Resolves with `once` when each host has its outcome, else when each was given up. */
  readonly settled: Promise<void>;
  #settle!: () => void;
  readonly #targets: Target[] = [];

  /** Throws `ERR_LOCAL_ARGUMENT` for a text that is no host. */
  constructor(
    private readonly hosts: readonly string[],
    private readonly node: BitcoinNode,
    private readonly options: HostTargetsOptions,
  ) {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    for (const host of hosts) checkHost(host);
  }

  get exitCode(): number {
    return exitCodeOf(this.#targets.map(({ outcome }) => outcome));
  }

  start(): void {
    const { once, unreachable } = this.options;
    for (const host of this.hosts) this.#dial(host);
    // With -connect=0 nothing is dialled, and there is nothing to wait for.
    if (this.hosts.length === 0) return once ? this.#settle() : undefined;
    const first = this.#targets.map((target) => target.first);
    void Promise.all(first).then((outcomes) => outcomes.every(isUnreachable) && unreachable());
    void Promise.all(once ? first : this.#targets.map(({ over }) => over)).then(this.#settle);
  }

  /** The line of this handshake was written. */
  reported({ id }: PeerInfo): void {
    this.#targets.find(({ peer }) => peer.id === id)?.record('established');
  }

  #dial(host: string): void {
    const { once } = this.options;
    const peer = this.node.dial(host, { persistent: !once });
    const target = new Target(peer, once);
    this.#targets.push(target);
    this.node.on('redial', ({ addr, reason }) => {
      if (addr === peer.addr) this.#retries(host, target, reason);
    });
    void peer.closed().then((reason) => this.#givesUp(host, target, reason));
  }

  #retries(host: string, target: Target, reason: Reason): void {
    this.#reportFirst(host, target, reason);
    target.record(reason);
  }

  #givesUp(host: string, target: Target, reason: Reason): void {
    if (reason.code !== 'ERR_LOCAL_CANCELLED') this.#reportFirst(host, target, reason);
    target.end(reason);
  }

  /** The first round without a connection is reported; connections report their end themselves. */
  #reportFirst(host: string, { outcome, peer }: Target, reason: Reason): void {
    if (outcome === undefined && peer.id === 0) this.options.failed(host, reason);
  }
}
