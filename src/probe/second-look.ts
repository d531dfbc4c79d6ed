/**
 * What a failed or silent node does on further short connections: another port of Bitcoin's, the other transport, the other
 * chains. Each says why the first connection failed.
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

/** For one connection: the five of them and the silence before stay below ten seconds. */
const LOOK_MS = 1_200;

/** What answered: this chain, with this transport, on this port. */
export interface Answer {
  readonly chain: Chain;
  readonly transport: 'v1' | 'v2';
  readonly port: number;
}

export interface SecondLookOptions {
  readonly chain: Chain;
  /** Was v2 tried on the first connection, and was v1? */
  readonly tried: { readonly v1: boolean; readonly v2: boolean };
  readonly net: Net;
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly rules?: NodeOptions['rules'];
}

export class SecondLook {
  constructor(private readonly options: SecondLookOptions) {}

  /** The other transport on the same chain, then the other chains; `addr` took the connection. */
  async atAddress(addr: string): Promise<Answer | undefined> {
    const { chain, tried } = this.options;
    const { port } = parseEndpoint(addr, chain.port, { allowZero: true });
    const transport = tried.v2 ? 'v1' : 'v2';
    if (!(tried.v1 && tried.v2) && (await this.#speaks(chain, addr, transport)))
      return { chain, transport, port };
    for (const other of Object.values(NETWORKS)) {
      if (other.chain === chain.chain) continue;
      if (await this.#speaks(other, addr, 'v1')) return { chain: other, transport: 'v1', port };
    }
    return undefined;
  }

  /** Nodes on the chains' usual ports of the same machine, our own chain's first. Only for IP addresses. */
  async atOtherPorts(addr: string): Promise<Answer | undefined> {
    const { chain } = this.options;
    const { host, port } = parseEndpoint(addr, chain.port, { allowZero: true });
    const kind = kindOfHost(host);
    if (kind !== 'ipv4' && kind !== 'ipv6') return undefined;
    const others = Object.values(NETWORKS).filter((other) => other.chain !== chain.chain);
    const chains = [chain, ...others].filter((each) => each.port !== port);
    const found = await Promise.all(
      chains.map((each) => this.#speaks(each, formatEndpoint({ host, port: each.port }), 'v1')),
    );
    const which = chains[found.indexOf(true)];
    return which && { chain: which, transport: 'v1', port: which.port };
  }

  async #speaks(chain: Chain, addr: string, transport: 'v1' | 'v2'): Promise<boolean> {
    const { net, clock, lookup, rules } = this.options;
    const node = createNode({
      ...{ chain, net, clock, lookup, maxinbound: 0, maxoutbound: 1 },
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
