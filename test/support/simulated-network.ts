/**
 * A network to crawl: nodes that complete handshakes and advertise addresses, addresses without a listener, and nodes that misbehave.
 * A plan is decided by its seed; it is served over any net (memory on a virtual clock, TCP on 127.x) by {@link serve}, and
 * without any bytes by `simulated-contacts.ts`.
 */
import {
  type BitcoinNode,
  type Clock,
  createNode,
  formatEndpoint,
  type Link,
  type Listener,
  type Net,
} from '../../src/index.js';
import {
  BIP155,
  encodeFrame,
  encodeMessage,
  formatAddress,
  hex64,
  parseAddress,
  servicesOf,
  toLegacy,
} from '../../src/wire/index.js';
import { NETWORKS } from '../../src/networks.js';
import { Chance } from '../simulation/seeded-random.js';

/**
 * `honest`; `full`: accepts and closes; `silent`: sends nothing; `slow`: a byte a second; `endless`: addresses one by one
 * without end; `inventor`: fresh addresses each time; `absent`: no listener.
 */
export type Kind = 'honest' | 'full' | 'silent' | 'slow' | 'endless' | 'inventor' | 'absent';

export interface PlannedNode {
  readonly index: number;
  readonly host: string;
  readonly port: number;
  readonly addr: string;
  readonly kind: Kind;
  /** Whether gossip and its `version` announce v2; whether it supports it. */
  readonly services: string;
  readonly v2: boolean;
  /** Indexes of the nodes that it advertises. */
  readonly advertises: readonly number[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly size: number;
  /** Honest nodes among them; the first is one of these. */
  readonly reachable: number;
  /** Share of all addresses that misbehave; they are taken from those that are not honest. */
  readonly hostile?: number;
  /** Addresses that a node advertises. */
  readonly advertises?: number;
  readonly port?: number;
  /** `loopback`: 127.x.y.z; `public`: five networks. Default `loopback`. */
  readonly addresses?: 'loopback' | 'public';
  /** Where the loopback addresses begin: 127.`octet`.0.0. Networks over TCP that run side by side need different ones. */
  readonly octet?: number;
}

const V1 = servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED');
const V2 = servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED', 'P2P_V2');
const HOSTILE: readonly Kind[] = ['endless', 'inventor', 'slow', 'silent', 'full'];

/** A publicly routable address of one of five networks; mostly IPv4. */
export function publicHost(chance: Chance): string {
  const kind = chance.whole(0, 9);
  if (kind < 5)
    return `${chance.whole(11, 90)}.${chance.whole(0, 255)}.${chance.whole(0, 255)}.${chance.whole(1, 254)}`;
  const [networkID, addr] =
    kind < 7
      ? [BIP155.ipv6.id, Uint8Array.of(0x2a, chance.whole(0, 255), ...chance.bytes(14))]
      : kind === 7
        ? [BIP155.torv3.id, chance.bytes(32)]
        : kind === 8
          ? [BIP155.i2p.id, chance.bytes(32)]
          : [BIP155.cjdns.id, Uint8Array.of(0xfc, ...chance.bytes(15))];
  return formatAddress({ networkID, addr });
}

/** An address of this machine without a listener. */
const localHost = (chance: Chance): string =>
  `127.${chance.whole(100, 200)}.${chance.whole(0, 255)}.${chance.whole(1, 254)}`;

function kindsOf({ size, reachable, hostile = 0 }: PlanOptions): Kind[] {
  const bad = Math.round(size * hostile);
  return Array.from({ length: size }, (_, index) => {
    if (index < reachable) return 'honest';
    return index < reachable + bad ? HOSTILE[index % HOSTILE.length]! : 'absent';
  });
}

/** Every address is advertised by at least one honest node: the next ones in a ring, and some by chance. */
function advertisedBy(
  chance: Chance,
  index: number,
  size: number,
  reachable: number,
  count: number,
): number[] {
  const ring = Array.from(
    { length: Math.ceil(size / reachable) + 1 },
    (_, i) => (index + i * reachable + 1) % size,
  );
  const some = Array.from({ length: Math.min(count, size - 1) }, () => chance.whole(0, size - 1));
  return [...new Set([...ring, ...some])];
}

/** Decides what every node is. Node 0 is honest: begin there. */
export function planNetwork(options: PlanOptions): PlannedNode[] {
  const { seed, size, reachable, advertises = 50, port = NETWORKS.regtest.port } = options;
  const { addresses = 'loopback', octet = 1 } = options;
  const chance = new Chance(seed);
  return kindsOf(options).map((kind, index) => {
    const host =
      addresses === 'public'
        ? publicHost(chance)
        : `127.${octet + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
    const advertisesV2 = chance.often(0.5);
    return {
      ...{ index, host, port, addr: formatEndpoint({ host, port }), kind },
      services: advertisesV2 ? V2 : V1,
      // One in ten of those that advertise BIP324 does not speak it.
      v2: advertisesV2 && !chance.often(0.1),
      advertises: advertisedBy(chance, index, size, reachable, advertises),
    };
  });
}

type Entry = { time: number; services: string; networkID: number; addr: Uint8Array; port: number };

const entryOf = (host: string, port: number, services: string, time: number): Entry => {
  const parsed = parseAddress(host);
  if (!parsed.ok) throw new Error(`${host} is not an address`);
  return { time, services, ...parsed.value, port };
};

/** Addresses whose connections stay unanswered until `release`, so that a crawl does not end before. */
export class Hold {
  /** Those that were dialled. */
  readonly dialled = new Set<string>();
  release!: () => void;
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));

  constructor(private readonly addrs: readonly string[]) {}

  /** Calls `answer` for a connection to `addr`: at once, or when it is not held any more. */
  pass(addr: string, answer: () => void): void {
    if (!this.addrs.includes(addr)) return answer();
    this.dialled.add(addr);
    void this.#released.then(answer);
  }
}

/** Serves a plan; `stop` ends it. */
export class SimulatedNetwork {
  /** Connections that each address accepted. */
  readonly accepted = new Map<string, number>();
  readonly #nodes: BitcoinNode[] = [];
  readonly #listeners: Listener[] = [];
  readonly #byAddr: ReadonlyMap<string, PlannedNode>;
  readonly #chance: Chance;
  #isOver = false;
  #hold = new Hold([]);

  constructor(
    readonly plan: readonly PlannedNode[],
    private readonly env: {
      readonly net: Net;
      readonly clock: Clock;
      readonly seed: number;
      readonly inventions?: number;
    },
  ) {
    this.#byAddr = new Map(plan.map((node) => [node.addr, node]));
    this.#chance = new Chance(env.seed);
  }

  /** Opens every listener. */
  async start(): Promise<this> {
    const groups = new Map<string, PlannedNode[]>();
    for (const node of this.plan) {
      if (node.kind === 'absent') continue;
      const isRaw = node.kind === 'full' || node.kind === 'silent' || node.kind === 'slow';
      if (isRaw) this.#listeners.push(await this.env.net.listen(node, (link) => this.#misbehave(node, link)));
      else {
        const key = `${node.services} ${node.v2}`;
        groups.set(key, [...(groups.get(key) ?? []), node]);
      }
    }
    for (const group of groups.values()) await this.#serve(group);
    return this;
  }

  /** Holds these honest nodes from now on. Releases those of an earlier hold. */
  hold(addrs: readonly string[]): Hold {
    this.#hold.release();
    return (this.#hold = new Hold(addrs));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#hold.release();
    await Promise.all([
      ...this.#listeners.map((each) => each.close()),
      ...this.#nodes.map((each) => each.stop()),
    ]);
  }

  async #serve(group: readonly PlannedNode[]): Promise<void> {
    const { clock } = this.env;
    const net = this.#holding(this.env.net);
    const [{ services, v2 }] = group as [PlannedNode];
    const random = (count: number): Uint8Array => this.#chance.bytes(count);
    const node = createNode({
      ...{ chain: 'regtest', net, clock, random, services, v2transport: v2, startingheight: 900_000 },
      ...{ maxinbound: 100_000, maxpending: 0, maxpersource: 0, acceptrate: 0, subver: '/Satoshi:29.0.0/' },
    });
    this.#nodes.push(node);
    node.on('established', ({ addrbind }) => this.#count(addrbind));
    node.on('message', ({ id, direction, command }) => {
      if (direction === 'received' && command === 'getaddr') this.#answer(node, id);
    });
    for (const each of group) await node.listen(each);
  }

  #holding(net: Net): Net {
    return {
      dial: (...args) => net.dial(...args),
      listen: (at, accepted, failed) =>
        net.listen(at, (link) => this.#hold.pass(formatEndpoint(at), () => accepted(link)), failed),
    };
  }

  #count(addr: string): void {
    this.accepted.set(addr, (this.accepted.get(addr) ?? 0) + 1);
  }

  #answer(node: BitcoinNode, id: number): void {
    const who = this.#byAddr.get(node.peers.get(id)?.addrbind ?? '');
    if (!who) return;
    if (who.kind === 'endless') return this.#advertiseForever(node, id);
    const addresses = who.kind === 'inventor' ? this.#invented() : this.#advertised(who);
    node.send(id, { command: 'addrv2', addresses });
  }

  #advertised(who: PlannedNode): Entry[] {
    const time = Math.floor(this.env.clock.wall() / 1_000);
    return who.advertises.map((index) => {
      const { host, port, services } = this.plan[index]!;
      return entryOf(host, port, services, time);
    });
  }

  #invented(): Entry[] {
    const { port, host } = this.plan[0]!;
    // A network on this machine invents addresses of this machine: tests dial no others.
    const isLocal = host.startsWith('127.');
    const invented = (): string => (isLocal ? localHost(this.#chance) : publicHost(this.#chance));
    return Array.from({ length: this.env.inventions ?? 1_000 }, () => entryOf(invented(), port, V1, 1));
  }

  #advertiseForever(node: BitcoinNode, id: number): void {
    const [entry] = this.#invented();
    if (this.#isOver || !entry || !node.send(id, { command: 'addrv2', addresses: [entry] })) return;
    this.env.clock.setTimeout(() => this.#advertiseForever(node, id), 10);
  }

  #misbehave({ kind }: PlannedNode, link: Link): void {
    link.attach({ data: () => undefined, closed: () => undefined });
    if (kind === 'full') link.destroy();
    if (kind === 'slow')
      this.#drip(link, encodeFrame(NETWORKS.regtest.magic, 'version', versionPayload()), 0);
  }

  #drip(link: Link, bytes: Uint8Array, at: number): void {
    if (this.#isOver || at >= bytes.length) return;
    link.write([bytes.subarray(at, at + 1)]);
    this.env.clock.setTimeout(() => this.#drip(link, bytes, at + 1), 1_000);
  }
}

function versionPayload(): Uint8Array {
  const address = {
    services: V1,
    ip: toLegacy({ networkID: 1, addr: Uint8Array.of(127, 0, 0, 1) })!,
    port: 1,
  };
  return encodeMessage({
    ...{ command: 'version', version: 70016, services: V1, timestamp: hex64(1n) },
    ...{ addr_recv: address, addr_from: address, nonce: V1 },
    ...{ user_agent: new Uint8Array(), start_height: 0, relay: false },
  });
}
