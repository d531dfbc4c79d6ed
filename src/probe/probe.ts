/**
 * Asks one node once: is it reachable, what does it say of itself, how fast?
 *
 *   const report = await probe('127.0.0.1:18444', { chain: 'regtest' });
 *   if (report.ok) console.log(report.subver, report.phases.ping);
 */
import type { Rules } from '../../machines/index.js';
import {
  checkOptionNames,
  type Clock,
  type DnsOptions,
  type Lookup,
  lookupWith,
  systemClock,
} from '../net/index.js';
import {
  type BitcoinNode,
  type Chain,
  createNode,
  isLinkCode,
  NETWORKS,
  type NodeOptions,
  type Peer,
  type PeerInfo,
  type Reason,
  reasonOf,
  VerackError,
} from '../node/index.js';
import { hasServices, hexOf, type ServiceName, servicesOf } from '../wire/index.js';

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
  /** Fresh random bytes, `count` of them. */
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
/** A node that has sent nothing for so long is asked for the other chains, milliseconds. */
const SILENCE = 3_000;
/** For one connection of another chain: four of them and the silence stay below ten seconds. */
const OTHER_CHAIN = 1_500;
/** Offset of the nonce in a `version` payload. */
const NONCE_AT = 72;

/**
 * Looks `host` up (`1.2.3.4`, `[::1]:8333`, `name`, `name:8333`), connects, shakes hands, waits for the first pong, closes. The
 * addresses of a name are tried one after the other until a handshake completes. A node that takes the connection and sends no
 * `version` is asked for the other chains as well, with one short v1 connection each: `ERR_FRAME_MAGIC` then names the chain.
 * Whatever the node does, the promise resolves.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `host` is no host or an option cannot be used; nothing else
 */
export async function probe(host: string, options: ProbeOptions = {}): Promise<ProbeReport> {
  checkOptionNames(options, Object.keys(OPTION_NAMES));
  const { create = createNode, clock = systemClock, dns } = options;
  const lookup = timedLookup(lookupWith(dns), clock);
  const node = create({ ...nodeOptions(options), maxinbound: 0, maxoutbound: 1, lookup: lookup.run });
  try {
    return await new Probe(host, node, options, lookup).run();
  } finally {
    await node.stop();
  }
}

const OPTION_NAMES: Readonly<Record<keyof ProbeOptions, true>> = {
  chain: true,
  rules: true,
  pingTimeout: true,
  require: true,
  dns: true,
  uacomment: true,
  v2transport: true,
  v2only: true,
  signal: true,
  net: true,
  clock: true,
  random: true,
  create: true,
};

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

/** A lookup that records how long its answer took, milliseconds. */
interface TimedLookup {
  readonly run: Lookup;
  ms: number | undefined;
}

function timedLookup(inner: Lookup, clock: Clock): TimedLookup {
  const timed: TimedLookup = {
    ms: undefined,
    run: (name, handler) => {
      const start = clock.now();
      return inner(name, {
        found: (hosts) => {
          timed.ms = clock.now() - start;
          handler.found(hosts);
        },
        failed: (reason) => handler.failed(reason),
      });
    },
  };
  return timed;
}

class Probe {
  readonly #clock: Clock;
  readonly #failed: { addr: string; reason: Reason }[] = [];
  readonly #nonces = { sent: '', received: '' };

  constructor(
    private readonly host: string,
    private readonly node: BitcoinNode,
    private readonly options: ProbeOptions,
    private readonly lookup: TimedLookup,
  ) {
    this.#clock = options.clock ?? systemClock;
  }

  async run(): Promise<ProbeReport> {
    this.#observe();
    const peer = this.node.dial(this.host);
    const answer = this.#outcomeOf(peer);
    await this.#firstAnswer(answer);
    const addr = this.#silentAddress();
    if (addr === undefined) return answer;
    const other = await Promise.race([this.#otherChain(addr), versionOf(answer)]);
    if (!other) return answer;
    peer.close();
    return { ...(await answer), ok: false, reason: other };
  }

  /** Resolves with the report, or when the node has been silent for long enough. */
  async #firstAnswer(answer: Promise<unknown>): Promise<void> {
    let timer: unknown;
    const silence = new Promise(
      (resolve) => (timer = this.#clock.setTimeout(resolve as () => void, SILENCE)),
    );
    await Promise.race([answer, silence]);
    this.#clock.clearTimeout(timer);
  }

  #observe(): void {
    this.node.on('ended', ({ addr, lastreason }) => {
      if (lastreason) this.#failed.push({ addr, reason: lastreason });
    });
    this.node.on('message', ({ direction, command, payload }) => {
      if (command === 'version') this.#nonces[direction] = hexOf(payload.slice(NONCE_AT, NONCE_AT + 8));
    });
  }

  async #outcomeOf(peer: Peer): Promise<ProbeReport> {
    try {
      await peer.established();
    } catch (error) {
      return this.#failure(peer, error);
    }
    await this.#firstPong(peer);
    const info = peer.info();
    peer.close();
    if (info?.state !== 'established') return this.#failure(peer, undefined);
    return this.#report(info, this.#echo() ?? this.#unmet(info));
  }

  /** Resolves with the first pong, the end of the connection, or when the time for it is over. */
  #firstPong(peer: Peer): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(resolve, this.options.pingTimeout ?? PING_TIMEOUT);
      const done = (): void => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
      this.node.on('pong', ({ id }) => {
        if (id === peer.id) done();
      });
      void peer.ended().then(done);
    });
  }

  /** An echo server sends our own version back, which no chart can tell from a node's. */
  #echo(): Reason | undefined {
    const { sent, received } = this.#nonces;
    if (sent !== received) return undefined;
    return { code: 'ERR_PROTO_SELF', facts: { nonce: sent, echo: true } };
  }

  /** A node that takes connections and sends no `version`; Core answers a wrong magic with a bare end of the connection. */
  #silentAddress(): string | undefined {
    if (this.#nonces.received !== '' || this.options.signal?.aborted) return undefined;
    const last = this.#failed.at(-1);
    const closed = last && isLinkCode(last.reason.code) ? last.addr : undefined;
    const silent = this.node.peers.list().find(({ phases }) => phases.connect !== undefined);
    return silent?.addr ?? closed;
  }

  /** The chain on which that node answers. */
  async #otherChain(addr: string): Promise<Reason | undefined> {
    for (const chain of Object.values(NETWORKS)) {
      if (chain.chain === this.node.chain.chain || !(await this.#speaks(chain, addr))) continue;
      const { magicHex: received, chain: network } = chain;
      return { code: 'ERR_FRAME_MAGIC', facts: { received, expected: this.node.chain.magicHex, network } };
    }
    return undefined;
  }

  async #speaks(chain: Chain, addr: string): Promise<boolean> {
    const { create = createNode, net, clock, rules } = this.options;
    const node = create({
      chain,
      maxinbound: 0,
      maxoutbound: 1,
      rules: { ...rules, handshakeTimeout: OTHER_CHAIN, connectTimeout: OTHER_CHAIN },
      ...(net && { net }),
      ...(clock && { clock }),
    });
    try {
      await node.dial(addr).established();
      return true;
    } catch {
      return node.peers.recent().some(({ version }) => version > 0);
    } finally {
      await node.stop();
    }
  }

  #unmet({ services, version }: PeerInfo): Reason | undefined {
    const { require: wanted = {} } = this.options;
    const required = servicesOf(...(wanted.services ?? []));
    if (!hasServices(services, required))
      return { code: 'ERR_POLICY_SERVICES', facts: { services, required } };
    if (wanted.version === undefined || version >= wanted.version) return undefined;
    return { code: 'ERR_POLICY_VERSION', facts: { version, minimum: wanted.version } };
  }

  #failure(peer: Peer, error: unknown): ProbeReport {
    const last = peer.info();
    if (last?.lastreason) return this.#report(last, last.lastreason);
    if (!(error instanceof VerackError)) throw error;
    const { code, facts } = reasonOf(error);
    return {
      host: this.host,
      addr: peer.addr,
      chain: this.node.chain.chain,
      ok: false,
      phases: this.#phases({}),
      reason: { code, facts },
      ...this.#before(peer.addr),
    };
  }

  #report(peer: PeerInfo, reason: Reason | undefined): ProbeReport {
    const ping = peer.pingtime === undefined ? undefined : peer.pingtime * 1_000;
    return {
      host: this.host,
      addr: peer.addr,
      chain: this.node.chain.chain,
      ok: reason === undefined,
      ...(peer.version > 0 && factsOf(peer)),
      phases: this.#phases({ ...peer.phases, ping }),
      ...(reason && { reason }),
      ...this.#before(peer.addr),
    };
  }

  #phases(phases: Partial<Record<keyof ProbePhases, number | undefined>>): ProbePhases {
    const all = Object.entries({ dns: this.lookup.ms, ...phases });
    return Object.fromEntries(all.filter(([, ms]) => ms !== undefined));
  }

  #before(addr: string): Pick<ProbeReport, 'failed'> {
    const failed = this.#failed.filter((failure) => failure.addr !== addr);
    return failed.length > 0 ? { failed } : {};
  }
}

/** Resolves when the node has sent its `version` after all; never otherwise. */
const versionOf = (answer: Promise<ProbeReport>): Promise<undefined> =>
  new Promise((resolve) => void answer.then(({ version }) => version !== undefined && resolve(undefined)));

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
