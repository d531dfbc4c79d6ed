/**
 * Unreliable paths between nodes: delay, splitting, partition, reset, silence. TCP hides loss as delay, so a
 * lost packet is a late write here; what TCP cannot hide is a reset (`sever`) and silence (`silence`).
 */
import type { DialHandler, Endpoint, Link, Net } from '../../src/net/link.js';
import type { LinkCode } from '../../src/reasons.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { LinkWrapper } from '../../src/net/faults/link-wrapper.js';
import type { Timers } from '../../src/net/timers.js';
import type { Chance } from './seeded-random.js';

/** Longest delay of one write on a path that is not partitioned, milliseconds. */
export const LONGEST_DELAY = 3_300;

/** Called with the host that a timer of the net has just reached. */
export type Touch = (host: string) => void;

export interface ConditionOptions {
  readonly timers: Timers;
  readonly now: () => number;
  readonly chance: Chance;
  readonly touch: Touch;
  /** Closing a link leaves it open: an injected fault. */
  readonly leaks: boolean;
}

export class NetworkConditions {
  readonly net: MemoryNet;
  readonly chance: Chance;
  readonly touch: Touch;
  readonly leaks: boolean;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #silent = new Set<string>();
  #side: ReadonlySet<string> = new Set();
  #partitionedUntil = 0;

  constructor({ timers, now, chance, touch, leaks }: ConditionOptions) {
    this.chance = chance;
    this.touch = touch;
    this.leaks = leaks;
    this.#now = now;
    this.#timers = timers;
    this.net = memoryNet({ timers, latency: (from, to) => this.#latency(from, to) });
  }

  /** The net as the node on `host` sees it. */
  at(host: string): Net {
    const inner = this.net.at(host);
    return {
      dial: (to, handler) =>
        this.#isPartitioned(host, to.host) && this.chance.often(0.5)
          ? this.#unreachable(host, to, handler)
          : inner.dial(to, this.#unreliable(host, handler)),
      listen: (at, accepted) =>
        inner.listen(at, (link) => {
          this.touch(host);
          accepted(new UnreliableLink(link, this, host));
        }),
    };
  }

  partition(side: readonly string[], ms: number): void {
    this.#side = new Set(side);
    this.#partitionedUntil = this.#now() + ms;
  }

  /** The paths are chosen by their hosts alone, so that the choice is the same in a shortened plan. */
  sever(share: number): void {
    for (const link of [...this.net.links]) if (this.#isHit(link, share)) link.sever();
  }

  /** Breaks every path of one host, as a crash does. */
  severAll(host: string): void {
    for (const link of [...this.net.links]) if (link.local.host === host) link.sever();
  }

  silence(share: number): void {
    for (const link of this.net.links) if (this.#isHit(link, share)) this.#silent.add(pathOf(link));
  }

  isSilent(link: Link): boolean {
    return this.#silent.size > 0 && this.#silent.has(pathOf(link));
  }

  #isHit({ local, remote }: Link, share: number): boolean {
    const [one, two] = [placeOf(local.host), placeOf(remote.host)];
    return this.chance.fork(this.#now() + (one ^ two) + one * two).often(share);
  }

  #isPartitioned(one: string, two: string): boolean {
    return this.#now() < this.#partitionedUntil && this.#side.has(one) !== this.#side.has(two);
  }

  /** A short delay, and sometimes that of retransmissions. */
  #latency(from: Endpoint, to: Endpoint): number {
    const wait = this.#isPartitioned(from.host, to.host) ? this.#partitionedUntil - this.#now() : 0;
    const lost = this.chance.often(0.03) ? this.chance.whole(200, 3_000) : 0;
    return wait + lost + this.chance.whole(1, 300);
  }

  #unreliable(host: string, handler: DialHandler): DialHandler {
    return {
      opened: (link) => {
        this.touch(host);
        handler.opened(new UnreliableLink(link, this, host));
      },
      failed: (code, facts) => {
        this.touch(host);
        handler.failed(code, facts);
      },
    };
  }

  #unreachable(host: string, to: Endpoint, handler: DialHandler): () => void {
    const timer = this.#timers.setTimeout(
      () => {
        this.touch(host);
        handler.failed('ERR_DIAL_UNREACHABLE', { syscode: 'EHOSTUNREACH', host: to.host, port: to.port });
      },
      this.chance.whole(1, 1_000),
    );
    return () => this.#timers.clearTimeout(timer);
  }
}

/** The last two bytes of an IPv4 address. */
const placeOf = (host: string): number =>
  host.split('.').reduce((sum, byte) => (sum << 8) | Number(byte), 0) & 0xffff;

/** The same name for both ends. */
function pathOf({ local, remote }: Link): string {
  const ends = [`${local.host} ${local.port}`, `${remote.host} ${remote.port}`];
  return ends.sort().join(' ');
}

/** One end of a path: splits what is written, and drops everything once the path is silent. */
class UnreliableLink extends LinkWrapper {
  constructor(
    inner: Link,
    readonly conditions: NetworkConditions,
    readonly host: string,
  ) {
    super(inner);
  }

  override write(frames: readonly Uint8Array[]): void {
    if (this.conditions.isSilent(this.inner)) return;
    const bytes = Buffer.concat(frames);
    let at = 0;
    while (at < bytes.length) {
      const size = this.conditions.chance.often(0.6) ? bytes.length : this.conditions.chance.whole(1, 80);
      this.inner.write([bytes.subarray(at, at + size)]);
      at += size;
    }
  }

  override end(): void {
    if (!this.conditions.leaks) super.end();
  }

  override destroy(): void {
    if (!this.conditions.leaks) super.destroy();
  }

  override data(chunk: Uint8Array): void {
    if (this.conditions.isSilent(this.inner)) return;
    this.conditions.touch(this.host);
    super.data(chunk);
  }

  override closed(code: LinkCode): void {
    if (this.conditions.isSilent(this.inner)) return;
    this.conditions.touch(this.host);
    super.closed(code);
  }
}
