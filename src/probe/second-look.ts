/**
 * Tries a node that failed or was silent again, on further short connections: with the other transport, on the other chains,
 * and on the default ports of the chains. An answer explains why the first connection failed.
 */
import {
  type Clock,
  formatEndpoint,
  kindOfHost,
  type Lookup,
  type Net,
  parseEndpoint,
} from '../net/index.js';
import { type Chain, createNode, NETWORKS, type NodeOptions } from '../node/index.js';

/** Time limit of one connection, milliseconds. Five of them and the silence before take less than ten seconds. */
const LOOK_MS = 1_200;

/** The chain, transport and port with which a node answered. */
export interface Answer {
  readonly chain: Chain;
  readonly transport: 'v1' | 'v2';
  readonly port: number;
}

/** What was tried before, and what the connections use. */
export interface SecondLookOptions {
  /** The chain of the first connection. */
  readonly chain: Chain;
  /** Which transports the first connection tried. */
  readonly tried: { readonly v1: boolean; readonly v2: boolean };
  readonly net: Net;
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly rules?: NodeOptions['rules'];
}

/** Further connections to one host. */
export class SecondLook {
  constructor(private readonly options: SecondLookOptions) {}

  /** Tries `addr` with the other transport, then on the other chains; undefined when nothing answers. */
  async atAddress(addr: string): Promise<Answer | undefined> {
    const { chain, tried } = this.options;
    const { port } = parseEndpoint(addr, chain.port, { allowZero: true });
    const transport = tried.v2 ? 'v1' : 'v2';
    if (!(tried.v1 && tried.v2) && (await this.#answers(chain, addr, transport)))
      return { chain, transport, port };
    for (const other of Object.values(NETWORKS)) {
      if (other.chain === chain.chain) continue;
      if (await this.#answers(other, addr, 'v1')) return { chain: other, transport: 'v1', port };
    }
    return undefined;
  }

  /** Tries the default port of each chain on the same IP address; undefined when nothing answers, and for other hosts. */
  async atOtherPorts(addr: string): Promise<Answer | undefined> {
    const { chain } = this.options;
    const { host, port } = parseEndpoint(addr, chain.port, { allowZero: true });
    const kind = kindOfHost(host);
    if (kind !== 'ipv4' && kind !== 'ipv6') return undefined;
    const others = Object.values(NETWORKS).filter((other) => other.chain !== chain.chain);
    const chains = [chain, ...others].filter((each) => each.port !== port);
    const found = await Promise.all(
      chains.map((each) => this.#answers(each, formatEndpoint({ host, port: each.port }), 'v1')),
    );
    const which = chains[found.indexOf(true)];
    return which && { chain: which, transport: 'v1', port: which.port };
  }

  async #answers(chain: Chain, addr: string, transport: 'v1' | 'v2'): Promise<boolean> {
    const { net, clock, lookup, rules } = this.options;
    const node = createNode({
      chain,
      net,
      clock,
      lookup,
      maxinbound: 0,
      maxoutbound: 1,
      v2only: transport === 'v2',
      rules: { ...rules, handshakeTimeout: LOOK_MS, connectTimeout: LOOK_MS },
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
}
