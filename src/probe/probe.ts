/**
 * Probes a node with one handshake: whether it is reachable, what it announces, and how long each step takes.
 *
 *   const report = await probe('127.0.0.1:18444', { chain: 'regtest' });
 *   if (report.ok) console.log(report.subver, report.phases.ping);
 */
import {
  checkOptionNames,
  type Clock,
  type DnsOptions,
  formatEndpoint,
  type Lookup,
  lookupWith,
  type Net,
  parseEndpoint,
  systemClock,
  tcpNet,
} from '../net/index.js';
import {
  type BitcoinNode,
  type Chain,
  createNode,
  isLinkCode,
  type NodeOptions,
  type Peer,
  type PeerInfo,
  type Reason,
  type ReasonCode,
  reasonOf,
  VerackError,
} from '../node/index.js';
import { NO_PONG_UNTIL, type Rules } from '../../machines/index.js';
import { hasServices, type ServiceName, servicesOf } from '../wire/index.js';
import { diagnose, type Diagnosis } from './diagnosis.js';
import { type DialRecord, isEcho, observedNet } from './observed-net.js';
import { type Answer, SecondLook } from './second-look.js';

/** What the node must offer for `ok` to be true. */
export interface ProbeDemands {
  /** Service bits that it must have, all of them: `ERR_POLICY_SERVICES` otherwise. */
  readonly services?: readonly ServiceName[];
  /** The minimum protocol version: `ERR_POLICY_VERSION` otherwise. */
  readonly version?: number;
}

/** How to probe; everything has a default. */
export interface ProbeOptions {
  /** A chain or Core's name of it. Default `main`. */
  readonly chain?: string | Chain;
  /** `connectTimeout`, `handshakeTimeout` (milliseconds) and the machine's other rules. Default: Core's. */
  readonly rules?: Partial<Rules>;
  /** Milliseconds to wait for the pong after the handshake: `ERR_TIME_PONG` then, unless the node is too old for it (BIP31). Default 5,000. */
  readonly pingTimeout?: number;
  /** What the node must offer. Default: nothing. */
  readonly require?: ProbeDemands;
  /** How a name is resolved. */
  readonly dns?: Omit<DnsOptions, 'signal'>;
  /** Resolves names instead of the default resolver; `dns` is then not used. */
  readonly lookup?: Lookup;
  /** Comments in the user agent (BIP14). */
  readonly uacomment?: readonly string[];
  /** Try BIP324 first; refuse v1. Default false. */
  readonly v2transport?: boolean;
  readonly v2only?: boolean;
  /** Cancels the probe: the report then has the reason `ERR_LOCAL_CANCELLED`. */
  readonly signal?: AbortSignal;
  /** Opens the connections. Default: TCP. */
  readonly net?: NodeOptions['net'];
  /** Default: the clock of the system. */
  readonly clock?: Clock;
  /** Returns `count` unpredictable bytes. Default: those of the system. */
  readonly random?: NodeOptions['random'];
  /** Creates the node of the probe, but not those of the second look. Default {@link createNode}. */
  readonly create?: (options: NodeOptions) => BitcoinNode;
}

/** How long each step took, in milliseconds with three decimals; a step that was not completed is absent. `dns` is absent for an address. */
export interface ProbePhases {
  readonly dns?: number;
  readonly connect?: number;
  /** From the open connection to the node's `version`; `verack`: from then to its `verack`. */
  readonly version?: number;
  readonly verack?: number;
  /** From our first ping to its pong. */
  readonly ping?: number;
}

/** What is known about a node, with the names of `getpeerinfo`. */
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
  /** The handshake is complete, every demand is met, and the ping was answered. */
  readonly ok: boolean;
  readonly phases: ProbePhases;
  /** Why not, when `ok` is false. */
  readonly reason?: Reason;
  /** The step that failed, and what to do next; absent when `ok` is true. */
  readonly diagnosis?: Diagnosis;
  /** Addresses of the same name that failed before this one. */
  readonly failed?: readonly { readonly addr: string; readonly reason: Reason }[];
}

const PING_TIMEOUT = 5_000;
/** Milliseconds without an answer after which a node is tried with the other transport and the other chains. */
const SILENCE = 3_000;
/** Codes of a port on which nothing accepts connections. */
const PORT_CODES: readonly ReasonCode[] = ['ERR_DIAL_REFUSED', 'ERR_TIME_CONNECT'];

/**
 * Resolves `host` (`1.2.3.4`, `[::1]:8333`, `name`, `name:8333`), connects, completes the handshake, waits for the first pong
 * and closes the connection. The addresses of a name are tried in turn until a handshake completes. If a node accepts the
 * connection but sends no `version`, or its port is closed, further short connections look for the cause: the other
 * transport, the other chains (`ERR_FRAME_MAGIC` then names the chain) and the default ports of the chains.
 * The promise resolves whatever the node does.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `host` is not a host or an option is invalid; no other error
 */
export async function probe(host: string, options: ProbeOptions = {}): Promise<ProbeReport> {
  checkOptionNames(options, OPTION_NAMES);
  checkOptionNames(options.require ?? {}, DEMAND_NAMES);
  const { create = createNode, clock = systemClock, net = tcpNet(), dns } = options;
  const lookup = timedLookup(options.lookup ?? lookupWith(dns), clock);
  const observed = observedNet(net, clock);
  const parts = { net: observed.net, maxinbound: 0, maxoutbound: 1, lookup: lookup.run };
  const node = create({ ...nodeOptions(options), ...parts });
  try {
    return await new Probe({
      host,
      node,
      options,
      lookup,
      clock,
      net: observed.net,
      dials: observed.records,
    }).run();
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
  lookup: true,
  uacomment: true,
  v2transport: true,
  v2only: true,
  signal: true,
  net: true,
  clock: true,
  random: true,
  create: true,
};

const DEMAND_NAMES: Readonly<Record<keyof ProbeDemands, true>> = { services: true, version: true };

/** Only the options that are given, since `undefined` would replace a default. */
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

/** A lookup that records how long its answer took, in milliseconds. */
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

interface ProbeParts {
  readonly host: string;
  readonly node: BitcoinNode;
  readonly options: ProbeOptions;
  readonly lookup: TimedLookup;
  readonly dials: readonly DialRecord[];
  readonly net: Net;
  readonly clock: Clock;
}

class Probe {
  readonly #failed: { addr: string; reason: Reason }[] = [];
  #hasVersion = false;

  constructor(private readonly parts: ProbeParts) {}

  async run(): Promise<ProbeReport> {
    this.#observe();
    const { host, node } = this.parts;
    const peer = node.dial(host);
    const outcome = this.#outcomeOf(peer);
    await this.#firstAnswer(outcome);
    const isEchoed = this.parts.dials.some(isEcho);
    const look = isEchoed ? undefined : this.#secondLook();
    const answer = look && (await Promise.race([look, versionOf(outcome)]));
    // The cause is known, so the first connection need not run into its time limit.
    if (answer || isEchoed) peer.close();
    return this.#diagnosed(await outcome, answer);
  }

  /** Adds the diagnosis, and replaces the reason if the second look found a better one. */
  #diagnosed(report: ProbeReport, answer: Answer | undefined): ProbeReport {
    const { node, options, dials } = this.parts;
    const { chain } = node;
    const { port } = parseEndpoint(report.addr, chain.port, { allowZero: true });
    const found = answer?.port === port ? reasonOfAnswer(answer, chain, report.reason) : undefined;
    const other = dials.some(isEcho) ? ECHO : found;
    const reason = other ?? report.reason;
    const { version, verack } = report.phases;
    const diagnosis = diagnose({
      reason,
      chain,
      port,
      answer,
      dials,
      v2transport: options.v2transport === true || options.v2only === true,
      v2only: options.v2only === true,
      got: {
        version: version !== undefined || report.version !== undefined,
        verack: verack !== undefined,
      },
    });
    return { ...report, ...(other && { ok: false, reason: other }), ...(diagnosis && { diagnosis }) };
  }

  /** Resolves when the probe is over, or after {@link SILENCE}. */
  async #firstAnswer(answer: Promise<unknown>): Promise<void> {
    const { clock } = this.parts;
    let timer: unknown;
    const silence = new Promise((resolve) => (timer = clock.setTimeout(resolve as () => void, SILENCE)));
    await Promise.race([answer, silence]);
    clock.clearTimeout(timer);
  }

  #observe(): void {
    const { node } = this.parts;
    node.on('ended', ({ addr, lastreason }) => {
      if (lastreason) this.#failed.push({ addr, reason: lastreason });
    });
    node.on('message', ({ direction, command }) => {
      if (command === 'version' && direction === 'received') this.#hasVersion = true;
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
    return this.#report(info, this.#unmet(info) ?? this.#unanswered(info));
  }

  /** Resolves at the first pong, at the end of the connection, or after `pingTimeout`. */
  #firstPong(peer: Peer): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.parts.clock.setTimeout(resolve, this.parts.options.pingTimeout ?? PING_TIMEOUT);
      const done = (): void => {
        this.parts.clock.clearTimeout(timer);
        resolve();
      };
      this.parts.node.on('pong', ({ id }) => {
        if (id === peer.id) done();
      });
      void peer.ended().then(done);
    });
  }

  /** Starts a second look, if no `version` was received and the host was reached or refused the connection. */
  #secondLook(): Promise<Answer | undefined> | undefined {
    const { node, options, dials } = this.parts;
    if (this.#hasVersion || options.signal?.aborted) return undefined;
    const silent = node.peers.list().find(({ phases }) => phases.connect !== undefined);
    if (silent) return this.#look().atAddress(silent.addr);
    const last = this.#failed.at(-1);
    if (!last || dials.at(0)?.closedFirst) return undefined;
    if (PORT_CODES.includes(last.reason.code)) return this.#look().atOtherPorts(last.addr);
    return wasCut(last.reason.code) ? this.#lookEverywhere(last.addr) : undefined;
  }

  async #lookEverywhere(addr: string): Promise<Answer | undefined> {
    const look = this.#look();
    return (await look.atAddress(addr)) ?? look.atOtherPorts(addr);
  }

  #look(): SecondLook {
    const { node, options, dials, net, clock, lookup } = this.parts;
    const { v2transport = false, v2only = false, rules } = options;
    const v2 = v2transport || v2only;
    const tried = { v1: !v2 || dials.length > 1, v2 };
    const parts = { chain: node.chain, tried, net, clock, lookup: lookup.run };
    return new SecondLook({ ...parts, ...(rules && { rules }) });
  }

  #unmet({ services, version }: PeerInfo): Reason | undefined {
    const { require: wanted = {} } = this.parts.options;
    const required = servicesOf(...(wanted.services ?? []));
    if (!hasServices(services, required))
      return { code: 'ERR_POLICY_SERVICES', facts: { services, required } };
    if (wanted.version === undefined || version >= wanted.version) return undefined;
    return { code: 'ERR_POLICY_VERSION', facts: { version, minimum: wanted.version } };
  }

  /** Every node since BIP31 answers a ping. */
  #unanswered({ pingtime, version }: PeerInfo): Reason | undefined {
    if (pingtime !== undefined || version <= NO_PONG_UNTIL) return undefined;
    return { code: 'ERR_TIME_PONG', facts: { ms: this.parts.options.pingTimeout ?? PING_TIMEOUT } };
  }

  #failure(peer: Peer, error: unknown): ProbeReport {
    const last = peer.info();
    if (last?.lastreason) return this.#report(last, last.lastreason);
    if (!(error instanceof VerackError)) throw error;
    const { code, facts } = reasonOf(error);
    return {
      host: this.parts.host,
      addr: peer.addr,
      chain: this.parts.node.chain.chain,
      ok: false,
      phases: this.#phases({}),
      reason: { code, facts },
      ...this.#before(peer.addr),
    };
  }

  #report(peer: PeerInfo, reason: Reason | undefined): ProbeReport {
    const ping = peer.pingtime === undefined ? undefined : peer.pingtime * 1_000;
    return {
      host: this.parts.host,
      addr: peer.addr,
      chain: this.parts.node.chain.chain,
      ok: reason === undefined,
      ...(peer.version > 0 && factsOf(peer)),
      phases: this.#phases({ ...peer.phases, ...this.#connectOf(peer.addr), ping }),
      ...(reason && { reason }),
      ...this.#before(peer.addr),
    };
  }

  #phases(phases: Partial<Record<keyof ProbePhases, number | undefined>>): ProbePhases {
    const all = Object.entries({ dns: this.parts.lookup.ms, ...phases });
    return Object.fromEntries(all.flatMap(([name, ms]) => (ms === undefined ? [] : [[name, micro(ms)]])));
  }

  /** The time until the connection was open, without the delay of the observed net. */
  #connectOf(addr: string): Pick<ProbePhases, 'connect'> {
    const connect = this.parts.dials.findLast(({ to }) => formatEndpoint(to) === addr)?.connect;
    return connect === undefined ? {} : { connect };
  }

  #before(addr: string): Pick<ProbeReport, 'failed'> {
    const failed = this.#failed.filter((failure) => failure.addr !== addr);
    return failed.length > 0 ? { failed } : {};
  }
}

/** Milliseconds, rounded to microseconds. */
const micro = (ms: number): number => Math.round(ms * 1_000) / 1_000;

/** An echo server returns our own version, which the machine cannot distinguish from that of a node. */
const ECHO: Reason = { code: 'ERR_PROTO_SELF', facts: { echo: true } };

/** Whether an open connection ended without a `version`. With v2, the bytes of another chain look like garbage that is too long. */
const wasCut = (code: ReasonCode): boolean => isLinkCode(code) || code === 'ERR_V2_GARBAGE';

/** The reason that the second look gives: the node is on another chain, or was silent on the transport of the probe. */
function reasonOfAnswer(answer: Answer, chain: Chain, before: Reason | undefined): Reason | undefined {
  const { magicHex: received, chain: network } = answer.chain;
  if (network !== chain.chain)
    return { code: 'ERR_FRAME_MAGIC', facts: { received, expected: chain.magicHex, network } };
  if (before?.code !== 'ERR_LOCAL_CANCELLED') return before;
  return { code: 'ERR_TIME_HANDSHAKE', facts: { awaited: 'version', ms: SILENCE } };
}

/** Resolves when the node has sent its `version` after all; otherwise never. */
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
