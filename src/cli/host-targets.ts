/**
 * The hosts that `connect` was given: resolves them, dials them, and knows when all has come of them that will.
 *
 * A name with several addresses is one target. With `once` its addresses are tried one after the other, at once;
 * otherwise the node redials them in turn, with backoff.
 */
import { redialDelay } from '../../machines/index.js';
import { type DnsOptions, resolveHost } from '../net/dns.js';
import { formatEndpoint, type NamedEndpoint, parseEndpoint } from '../net/endpoint.js';
import type { Endpoint } from '../net/link.js';
import { type Reason, REASONS, VerackError } from '../reasons.js';
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { exitCodeOf, type Outcome } from './exit-codes.js';

interface Target {
  readonly text: string;
  readonly at: NamedEndpoint;
  readonly endpoints: Endpoint[];
  tried: number;
  outcome: Outcome;
  /** Nothing more will come of it by itself. */
  isOver: boolean;
}

export interface TargetOptions {
  readonly once: boolean;
  readonly dns: DnsOptions;
  readonly signal: AbortSignal;
  /** A target failed without a connection: a name without an address, an address dialled already. */
  readonly failed: (addr: string, reason: Reason) => void;
  /** Nobody could be reached; called once at most. */
  readonly unreachable: () => void;
}

/** Not even a TCP connection came about: what the failure's own hint says may not be the whole story. */
function isUnreachable({ outcome }: Target): boolean {
  if (outcome === undefined || outcome === 'established') return false;
  return outcome.code === 'ERR_TIME_CONNECT' || REASONS[outcome.code].family === 'dial';
}

export class Targets {
  /** Resolves when nothing more will come: with `once` each target has its outcome, else each was given up. */
  readonly settled: Promise<void>;
  #settle!: () => void;
  readonly #targets: Target[];
  readonly #byAddr = new Map<string, Target>();
  #wasReached = false;
  #isLamented = false;

  /** Throws `ERR_LOCAL_ARGUMENT` for a text that is no host. */
  constructor(
    hosts: readonly string[],
    private readonly node: BitcoinNode,
    private readonly options: TargetOptions,
  ) {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.#targets = hosts.map((text) => {
      const at = parseEndpoint(text, node.chain.port);
      return { text, at, endpoints: [], tried: 0, outcome: undefined, isOver: false };
    });
    node.on('abandoned', ({ addr, reason }) => this.#abandoned(addr, reason));
  }

  get exitCode(): number {
    return exitCodeOf(this.#targets.map(({ outcome }) => outcome));
  }

  start(): void {
    for (const target of this.#targets) void this.#resolve(target, 1);
  }

  established(peer: PeerInfo): void {
    const target = this.#of(peer);
    if (!target) return;
    this.#wasReached = true;
    target.outcome = 'established';
    this.#review();
  }

  ended(peer: PeerInfo): void {
    const target = this.#of(peer);
    if (!target || !peer.lastreason || this.options.signal.aborted) return;
    if (!this.options.once) target.outcome = peer.lastreason;
    else if (target.outcome === 'established') return;
    else if (target.tried < target.endpoints.length) return this.#dialNext(target);
    else this.#fail(target, peer.lastreason);
    this.#review();
  }

  #of(peer: PeerInfo): Target | undefined {
    return peer.inbound ? undefined : this.#byAddr.get(peer.addr);
  }

  async #resolve(target: Target, attempt: number): Promise<void> {
    const { dns, signal } = this.options;
    try {
      const hosts =
        target.at.kind === 'name' ? await resolveHost(target.at.host, { ...dns, signal }) : [target.at.host];
      target.endpoints.push(...hosts.map((host) => ({ host, port: target.at.port })));
      this.#dial(target);
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      if (!signal.aborted) this.#unresolved(target, error, attempt);
    }
  }

  /** A resolver that is down comes back; the node cannot wait for it, since it knows only addresses. */
  #unresolved(target: Target, { code, facts }: VerackError, attempt: number): void {
    const { once, signal } = this.options;
    const isFinal = once || REASONS[code].retry !== 'later';
    if (attempt === 1) this.options.failed(target.text, { code, facts });
    target.outcome = { code, facts };
    target.isOver = isFinal;
    this.#review();
    if (isFinal) return;
    const timer = setTimeout(
      () => void this.#resolve(target, attempt + 1),
      redialDelay(attempt, Math.random()),
    );
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  #dial(target: Target): void {
    for (const endpoint of target.endpoints) {
      const addr = formatEndpoint(endpoint);
      if (!this.#byAddr.has(addr)) this.#byAddr.set(addr, target);
    }
    if (this.options.once) return this.#dialNext(target);
    const [first, ...others] = target.endpoints;
    if (first) this.#try(target, [first, ...others], true);
  }

  #dialNext(target: Target): void {
    const endpoint = target.endpoints[target.tried++];
    if (endpoint) this.#try(target, [endpoint], false);
  }

  #try(target: Target, endpoints: readonly [Endpoint, ...Endpoint[]], persistent: boolean): void {
    try {
      this.node.dial(endpoints, { persistent });
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      const reason = { code: error.code, facts: error.facts };
      this.options.failed(formatEndpoint(endpoints[0]), reason);
      this.#fail(target, reason);
      this.#review();
    }
  }

  #fail(target: Target, reason: Reason): void {
    target.outcome = reason;
    target.isOver = true;
  }

  #abandoned(addr: string, reason: Reason): void {
    const target = this.#byAddr.get(addr);
    if (!target || this.options.signal.aborted) return;
    this.#fail(target, reason);
    this.#review();
  }

  #review(): void {
    const { once } = this.options;
    const isDone = this.#targets.every(({ isOver, outcome }) => (once ? outcome !== undefined : isOver));
    if (this.#targets.every(isUnreachable) && !this.#wasReached && !this.#isLamented) {
      this.#isLamented = true;
      this.options.unreachable();
    }
    if (isDone) this.#settle();
  }
}
