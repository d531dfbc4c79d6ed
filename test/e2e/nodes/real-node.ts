/** Real nodes as processes: started on loopback with an empty data directory, controlled over RPC, and removed afterwards. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isLoopback } from '../../../src/net/index.js';
import { Child, freshFolder } from './child-process.js';
import { missing, program, type NodeName } from './installed.js';
import { isHandshaken, peerInfo, type PeerInfo } from './peerinfo.js';
import { claimPorts, type Ports } from './ports.js';
import { call, type RpcEndpoint } from './rpc.js';

/** These limits only end what hangs, on a machine that is busy with other things too. */
const START_MS = 90_000;
const WAIT_MS = 30_000;
const POLL_MS = 20;
const HOST = '127.0.0.1';

/** How to start a node. */
export interface NodeOptions {
  /**
   * Further arguments, after ours, so that they win: `-v2transport=0`, `-peertimeout=5`, `--ban-score=1000000000`.
   * The Core family logs `-debug=net`; a bench adds `-debugexclude=net`.
   */
  readonly args?: readonly string[];
  /** Whether a node of the Core family connects by itself, to its anchors and address book: give it none but loopback. */
  readonly automatic?: boolean;
}

/** What one kind of node does in its own way. */
interface Kind {
  readonly name: NodeName;
  readonly rpcUser: string;
  readonly speaksV2: boolean;
  args(ports: Ports, password: string, folder: string): string[];
}

/** What we read of `getnetworkinfo`. */
interface NetworkInfo {
  readonly subversion: string;
  readonly networkactive: boolean;
}

const running = new Set<RealNode>();

/** A node that runs, and answers. Ends with `stop`, with `await using`, and in any case with this process. */
export class RealNode implements AsyncDisposable {
  /** Where it accepts peers. */
  readonly host = HOST;
  /** What it calls itself on the wire, such as `/Satoshi:29.4.0/`; known once it is started. */
  version = '';
  readonly #kind: Kind;
  readonly #child: Child;
  readonly #ports: Ports;
  readonly #rpc: RpcEndpoint;

  private constructor(kind: Kind, executable: string, ports: Ports, options: NodeOptions) {
    const folder = freshFolder(kind.name);
    const password = randomBytes(16).toString('hex');
    this.#kind = kind;
    this.#ports = ports;
    this.#rpc = { port: ports.rpc, user: kind.rpcUser, password };
    const { args: extra = [], automatic = false } = options;
    const own = kind.args(ports, password, folder).filter((arg) => !automatic || arg !== '-connect=0');
    const args = [...own, ...extra];
    this.#child = new Child(executable, args, folder);
    running.add(this);
  }

  /** Starts a node of the kind and waits until its RPC answers; rejects with what the node said. */
  static async start(kind: Kind, options: NodeOptions): Promise<RealNode> {
    const executable = program(kind.name);
    if (executable === undefined) throw new Error(missing(kind.name));
    const node = new RealNode(kind, executable, await claimPorts(), options);
    try {
      await node.#becomeReady();
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** Which kind of node it is. */
  get name(): NodeName {
    return this.#kind.name;
  }

  /** Where it accepts peers. */
  get port(): number {
    return this.#ports.p2p;
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Its data folder, removed when it stops. */
  get folder(): string {
    return this.#child.folder;
  }

  /** The last lines that it logged; also after it stopped. */
  logTail(): string {
    return this.#child.tail();
  }

  /** Calls one of its RPC methods. */
  rpc(method: string, params: readonly unknown[] = []): Promise<unknown> {
    return call(this.#rpc, method, params);
  }

  /** The arguments with which `bitcoin-cli` reaches it. */
  get cliArgs(): readonly string[] {
    const { port, user, password } = this.#rpc;
    return [`-rpcconnect=${HOST}`, `-rpcport=${port}`, `-rpcuser=${user}`, `-rpcpassword=${password}`];
  }

  /** Its peers as it sees them, in one shape for all kinds; unfinished handshakes are among them. */
  async getpeerinfo(): Promise<PeerInfo[]> {
    const peers = (await this.rpc('getpeerinfo')) as Record<string, unknown>[];
    return peers.map(peerInfo);
  }

  /** Waits until exactly `count` peers have finished the handshake on its side, and gives these; rejects as `peersUntil`. */
  async handshaken(count = 1): Promise<PeerInfo[]> {
    const enough = (peers: PeerInfo[]) => peers.filter(isHandshaken).length === count;
    return (await this.peersUntil(enough, `${count} finished handshakes`)).filter(isHandshaken);
  }

  /** Waits until its list of peers is as wanted; rejects after half a minute, with its log. */
  async peersUntil(wanted: (peers: PeerInfo[]) => boolean, what: string): Promise<PeerInfo[]> {
    const until = Date.now() + WAIT_MS;
    for (;;) {
      const peers = await this.getpeerinfo();
      if (wanted(peers)) return peers;
      if (Date.now() > until)
        throw this.#trouble(`no ${what} within ${WAIT_MS} ms, but ${JSON.stringify(peers)}`);
      await wait(POLL_MS);
    }
  }

  /**
   * Has it dial the address once (`addnode onetry`), over v2 or v1 if said so, else as it likes best. Does not
   * wait for the handshake, and does not fail when nobody answers.
   */
  async dial(host: string, port: number, v2?: boolean): Promise<void> {
    if (!isLoopback(host)) throw new Error(`only loopback is dialled, not ${host}`);
    if (v2 === true && !this.#kind.speaksV2) throw new Error(`${this.name} does not speak v2`);
    const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const params = [at, 'onetry'];
    await this.rpc('addnode', v2 === undefined || !this.#kind.speaksV2 ? params : [...params, v2]);
  }

  /** Kills it and removes its folder. Idempotent. */
  async stop(): Promise<void> {
    await this.#child.stop();
    this.#ports.release();
    running.delete(this);
  }

  /** What `await using` calls. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #becomeReady(): Promise<void> {
    const until = Date.now() + START_MS;
    for (;;) {
      if (this.#child.end !== undefined) throw this.#trouble(`ended while starting (${this.#child.end})`);
      const error = await this.#introduce();
      if (error === undefined) return;
      if (Date.now() > until) throw this.#trouble(`did not answer within ${START_MS} ms (${error})`);
      await wait(POLL_MS);
    }
  }

  /** Requests its user agent, and checks that it listens (bcoin's RPC answers before that); returns a text if either fails. */
  async #introduce(): Promise<string | undefined> {
    try {
      const { subversion, networkactive } = (await this.rpc('getnetworkinfo')) as NetworkInfo;
      this.version = subversion;
      return networkactive ? undefined : 'its network is not active';
    } catch (error) {
      return String(error);
    }
  }

  #trouble(what: string): Error {
    return new Error(`${this.name} ${what}; its last words:\n${this.logTail()}`);
  }
}

/** Starts a Bitcoin Core family node on regtest: v1 and v2, both roles. */
export function bitcoind(options: NodeOptions = {}): Promise<RealNode> {
  return RealNode.start(BITCOIND, options);
}

/** Starts a Litecoin node on regtest (same magic as Bitcoin's): Core's code of 2021, v1 only. */
export function litecoind(options: NodeOptions = {}): Promise<RealNode> {
  return RealNode.start(LITECOIND, options);
}

/** Starts a bcoin node on regtest: v1 only. It bans a host that tries v2, unless given a huge `--ban-score`. */
export function bcoin(options: NodeOptions = {}): Promise<RealNode> {
  return RealNode.start(BCOIN, options);
}

/** Stops every node that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((node) => node.stop()));
}

/** What bitcoind and litecoind share: nothing found by itself, nothing outside loopback. */
function coreArgs(ports: Ports, password: string, folder: string): string[] {
  return [
    ...['-regtest', `-datadir=${folder}`, '-listen=1', `-bind=${HOST}:${ports.p2p}`],
    ...['-server=1', `-rpcbind=${HOST}`, `-rpcallowip=${HOST}`, `-rpcport=${ports.rpc}`],
    ...['-rpcuser=verack', `-rpcpassword=${password}`, '-disablewallet=1'],
    ...['-dnsseed=0', '-connect=0', '-discover=0', '-listenonion=0', '-peerbloomfilters=0'],
    ...['-debug=net', '-logtimemicros=1', '-printtoconsole=1', '-nodebuglogfile', '-maxconnections=6000'],
  ];
}

const BITCOIND: Kind = {
  name: 'bitcoind',
  rpcUser: 'verack',
  speaksV2: true,
  args: (ports, password, folder) => [...coreArgs(ports, password, folder), '-fixedseeds=0', '-natpmp=0'],
};

const LITECOIND: Kind = {
  name: 'litecoind',
  rpcUser: 'verack',
  speaksV2: false,
  // Without an onion port of its own it takes 19444 as well.
  args: (ports, password, folder) => [
    ...coreArgs(ports, password, folder),
    ...['-upnp=0', `-bind=${HOST}:${ports.spare}=onion`],
  ],
};

/** By default, bcoin asks a public name server for its own address, and dials a port of its own network on this host. */
const BCOIN_SILENT = [
  '--discover=false',
  '--upnp=false',
  '--public-host=verackverackvera.onion',
  '--seeds=,',
];

const BCOIN: Kind = {
  name: 'bcoin',
  rpcUser: 'bitcoinrpc',
  speaksV2: false,
  args: (ports, password, folder) => [
    ...['--network=regtest', `--prefix=${folder}`, '--memory=true', '--no-wallet=true', '--workers=false'],
    ...['--listen=true', `--host=${HOST}`, `--port=${ports.p2p}`, ...BCOIN_SILENT],
    ...[`--http-host=${HOST}`, `--http-port=${ports.rpc}`, `--api-key=${password}`],
    ...['--max-inbound=6000', '--max-outbound=1', '--log-level=debug', '--log-file=false'],
  ],
};
