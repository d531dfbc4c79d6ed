/**
 * Asks one node once: is it reachable, what does it say of itself, how fast?
 *
 *   const report = await probe('127.0.0.1:18444', { chain: 'regtest' });
 *   if (report.ok) console.log(report.subver, report.phases.ping);
 */
import type { Rules } from '../../machines/index.js';
import { type DnsOptions, resolveHost } from '../net/dns.js';
import { formatEndpoint, parseEndpoint } from '../net/endpoint.js';
import type { Endpoint } from '../net/link.js';
import type { Chain } from '../networks.js';
import { type Reason, VerackError } from '../reasons.js';
import { type Clock, systemClock } from '../net/environment.js';
import { type BitcoinNode, createNode } from '../node/node.js';
import type { NodeOptions } from '../node/options.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { hasServices } from '../services.js';
import { type ServiceName, servicesOf } from '../wire/index.js';

/** What the node must offer for `ok` to be true. */
export interface ProbeDemands {
  /** Service bits, all of them: `ERR_POLICY_SERVICES` otherwise. */
  readonly services?: readonly ServiceName[];
  /** The least protocol version: `ERR_POLICY_VERSION` otherwise. */
  readonly version?: number;
}

/** How to probe; everything has a default. */
export interface ProbeOptions {
  /** A chain or Core's name of it. Default `main`. */
  readonly chain?: string | Chain;
  /** `connectTimeout`, `handshakeTimeout` (milliseconds) and the machine's other rules. Default: Core's. */
  readonly rules?: Partial<Rules>;
  /** Milliseconds to wait for the pong after the handshake; a node that sends none is still `ok`. Default 5,000. */
  readonly pingTimeout?: number;
  readonly require?: ProbeDemands;
  /** How a name is resolved. */
  readonly dns?: Omit<DnsOptions, 'signal'>;
  readonly uacomment?: readonly string[];
  /** Try BIP324 first; refuse v1. Default false. */
  readonly v2transport?: boolean;
  readonly v2only?: boolean;
  /** Gives up: the report then has the reason `ERR_LOCAL_CANCELLED`. */
  readonly signal?: AbortSignal;
  readonly net?: NodeOptions['net'];
  readonly clock?: Clock;
  readonly random?: NodeOptions['random'];
  /** Makes the node. Default {@link createNode}. */
  readonly create?: (options: NodeOptions) => BitcoinNode;
}

/** How long each step took, milliseconds; a step that was not finished is absent. `dns` is absent for an address. */
export interface ProbePhases {
  readonly dns?: number;
  readonly connect?: number;
  /** From the open connection to their `version`, and from there to their `verack`. */
  readonly version?: number;
  readonly verack?: number;
  /** From our first ping to its pong. */
  readonly ping?: number;
}

/** What a node said, in the words of `getpeerinfo`, as far as it came. */
export type ProbeFacts = Pick<
  PeerInfo,
  | 'version'
  | 'subver'
  | 'services'
  | 'servicesnames'
  | 'startingheight'
  | 'timeoffset'
  | 'relaytxes'
  | 'negotiated'
  | 'network'
  | 'addrbind'
  | 'transport_protocol_type'
  | 'session_id'
  | 'bytessent'
  | 'bytesrecv'
  | 'dropped'
>;

/** What became of a probe. */
export interface ProbeReport extends Partial<ProbeFacts> {
  /** As it was asked for. */
  readonly host: string;
  /** The address that answered, or the last one tried; the host itself when there is no address. */
  readonly addr: string;
  /** The chain's name, as Core spells it. */
  readonly chain: string;
  /** The handshake is complete and every demand is met. */
  readonly ok: boolean;
  readonly phases: ProbePhases;
  /** Why not, when `ok` is false. */
  readonly reason?: Reason;
  /** Addresses of the same name that failed before this one. */
  readonly failed?: readonly { readonly addr: string; readonly reason: Reason }[];
}

const PING_TIMEOUT = 5_000;

/**
 * Resolves `host` (`1.2.3.4`, `[::1]:8333`, `name`, `name:8333`), connects, shakes hands, waits for the first pong, closes. The
 * addresses of a name are tried one after the other until a handshake completes. Whatever the node does, the promise
 * resolves.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `host` is no host or an option cannot be used; nothing else
 */
export async function probe(host: string, options: ProbeOptions = {}): Promise<ProbeReport> {
  const { create = createNode } = options;
  const node = create({ ...nodeOptions(options), maxinbound: 0, maxoutbound: 1 });
  try {
    return await new Probe(host, node, options).run();
  } finally {
    await node.stop();
  }
}

/** Only what was given: `undefined` would hide a default. */
function nodeOptions({
  chain,
  rules,
  uacomment,
  v2transport,
  v2only,
  net,
  clock,
  random,
  signal,
}: ProbeOptions): NodeOptions {
  const given = { chain, rules, uacomment, v2transport, v2only, net, clock, random, signal };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

class Probe {
  readonly #clock: Clock;
  readonly #phases: { -readonly [K in keyof ProbePhases]: number } = {};
  readonly #failed: { addr: string; reason: Reason }[] = [];

  constructor(
    private readonly host: string,
    private readonly node: BitcoinNode,
    private readonly options: ProbeOptions,
  ) {
    this.#clock = options.clock ?? systemClock;
  }

  async run(): Promise<ProbeReport> {
    const { kind, ...endpoint } = parseEndpoint(this.host, this.node.chain.port);
    let last = formatEndpoint(endpoint);
    try {
      const endpoints = kind === 'name' ? await this.#resolved(endpoint) : [endpoint];
      for (const each of endpoints) {
        last = formatEndpoint(each);
        const peer = await this.#shakeHands(each);
        if (peer)
          return this.#report(peer, peer.state === 'established' ? this.#unmet(peer) : peer.lastreason);
      }
    } catch (error) {
      return this.#broken(last, error);
    }
    return this.#exhausted(last);
  }

  async #resolved({ host, port }: Endpoint): Promise<Endpoint[]> {
    const { dns, signal } = this.options;
    const begin = this.#clock.now();
    const addresses = await resolveHost(host, { ...dns, ...(signal && { signal }) });
    this.#phases.dns = this.#clock.now() - begin;
    return addresses.map((address) => ({ host: address, port }));
  }

  /** Undefined when it failed; why is kept. */
  async #shakeHands(endpoint: Endpoint): Promise<PeerInfo | undefined> {
    const peer = this.node.dial(endpoint);
    try {
      await peer.established();
    } catch {
      const info = await peer.ended();
      this.#failed.push({ addr: info.addr, reason: info.lastreason ?? { code: 'ERR_LOCAL_BUG', facts: {} } });
      this.#last = info;
      return undefined;
    }
    await this.#firstPong(peer.id, peer.ended());
    const info = peer.info();
    peer.close();
    return info;
  }

  #last: PeerInfo | undefined;

  /** Resolves with the first pong, the end of the connection, or when patience runs out. */
  #firstPong(id: number, ended: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(resolve, this.options.pingTimeout ?? PING_TIMEOUT);
      const done = (): void => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
      this.node.on('message', ({ id: from, direction, command }) => {
        // The machine takes the pong after this event.
        if (from === id && direction === 'received' && command === 'pong') setImmediate(done);
      });
      void ended.then(done);
    });
  }

  #unmet({ services, version }: PeerInfo): Reason | undefined {
    const { require: wanted = {} } = this.options;
    const required = servicesOf(...(wanted.services ?? []));
    if (!hasServices(services, required))
      return { code: 'ERR_POLICY_SERVICES', facts: { services, required } };
    if (wanted.version === undefined || version >= wanted.version) return undefined;
    return { code: 'ERR_POLICY_VERSION', facts: { version, minimum: wanted.version } };
  }

  #report(peer: PeerInfo, reason: Reason | undefined): ProbeReport {
    const { connect, version, verack } = peer.phases;
    const ping = peer.pingtime === undefined ? undefined : peer.pingtime * 1_000;
    const phases = Object.entries({ ...this.#phases, connect, version, verack, ping });
    return {
      host: this.host,
      addr: peer.addr,
      chain: this.node.chain.chain,
      ok: reason === undefined,
      ...(peer.version > 0 && factsOf(peer)),
      phases: Object.fromEntries(phases.filter(([, ms]) => ms !== undefined)),
      ...(reason && { reason }),
      ...this.#before(peer.addr),
    };
  }

  #before(addr: string): Pick<ProbeReport, 'failed'> {
    const failed = this.#failed.filter((failure) => failure.addr !== addr);
    return failed.length > 0 ? { failed } : {};
  }

  #exhausted(addr: string): ProbeReport {
    const last = this.#last;
    const reason: Reason = last?.lastreason ?? { code: 'ERR_LOCAL_BUG', facts: {} };
    return last ? this.#report(last, reason) : this.#empty(addr, reason);
  }

  #broken(addr: string, error: unknown): ProbeReport {
    if (!(error instanceof VerackError) || error.code === 'ERR_LOCAL_ARGUMENT') throw error;
    return this.#empty(addr, { code: error.code, facts: error.facts });
  }

  #empty(addr: string, reason: Reason): ProbeReport {
    const { host, node } = this;
    return {
      host,
      addr,
      chain: node.chain.chain,
      ok: false,
      phases: { ...this.#phases },
      reason,
      ...this.#before(addr),
    };
  }
}

const factsOf = (peer: PeerInfo): ProbeFacts => ({
  version: peer.version,
  subver: peer.subver,
  services: peer.services,
  servicesnames: peer.servicesnames,
  startingheight: peer.startingheight,
  timeoffset: peer.timeoffset,
  relaytxes: peer.relaytxes,
  negotiated: peer.negotiated,
  network: peer.network,
  addrbind: peer.addrbind,
  transport_protocol_type: peer.transport_protocol_type,
  session_id: peer.session_id,
  bytessent: peer.bytessent,
  bytesrecv: peer.bytesrecv,
  dropped: peer.dropped,
});
