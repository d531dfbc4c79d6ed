/**
 * A net that dials directly, through a SOCKS5 proxy, or over I2P, depending on the network of the target.
 *
 * The rules are those of Core's `-proxy`, `-onion`, `-onlynet`, `-i2psam` and `-cjdnsreachable` (`init.cpp`, `net.cpp`
 * `ConnectNode`). A dial never resolves a name. With a proxy for names, names are not resolved on this computer at all.
 */
import { type Facts, VerackError } from '../reasons.js';
import { type DnsOptions, resolveHost } from './dns.js';
import { I2P_PORT, kindOfHost, type Network, NETWORKS_OF_ADDRESSES, type TargetKind } from './host-kind.js';
import type { DialHandler, Endpoint, Link, Listener, Net } from './link.js';
import { type Failure, failLater } from './negotiation.js';
import { checkOptionNames } from './option-names.js';
import type { SamNet } from './sam.js';
import { type Credentials, socks5Net } from './socks5.js';

export {
  defaultPortOf,
  kindOfHost,
  type Network,
  NETWORKS_OF_ADDRESSES,
  type TargetKind,
} from './host-kind.js';

/** The kinds of targets that can have a SOCKS5 proxy. `name`: a host name that the proxy resolves. */
export type Proxied = 'ipv4' | 'ipv6' | 'onion' | 'cjdns' | 'name';

/** A SOCKS5 proxy. */
export interface Proxy extends Endpoint {
  /** As in `Socks5Options`. */
  readonly credentials?: () => Credentials;
}

/** Options of {@link ProxiedNet}. */
export interface ProxiedNetOptions {
  /** Dials targets without a proxy and the proxies themselves, and listens. */
  readonly net: Net;
  /** The proxy for each kind of target. */
  readonly proxies: Partial<Readonly<Record<Proxied, Proxy>>>;
  /** The net for `.i2p` targets. */
  readonly sam?: SamNet;
  /** True: fc00::/8 is CJDNS; false (default): IPv6. */
  readonly cjdnsreachable?: boolean;
  /** Networks of automatic connections; default all that can be reached. Other dials are not restricted, as in Core. */
  readonly onlynet?: readonly Network[];
  /** Whether names may be resolved on this computer. Default true. */
  readonly dns?: boolean;
  /** Returns true for targets that are dialled without a proxy, and for names that are resolved on this computer. Default: none. */
  readonly isDirect?: (host: string) => boolean;
}

const OPTION_NAMES: Readonly<Record<keyof ProxiedNetOptions, true>> = {
  net: true,
  proxies: true,
  sam: true,
  cjdnsreachable: true,
  onlynet: true,
  dns: true,
  isDirect: true,
};

const PROXIED: Readonly<Record<Proxied, true>> = {
  ipv4: true,
  ipv6: true,
  onion: true,
  cjdns: true,
  name: true,
};

/** The endpoint to listen on for I2P streams. */
export const I2P_LISTEN: Endpoint = { host: 'b32.i2p', port: I2P_PORT };

/** Additional time for a dial through SOCKS5, milliseconds: Core waits 20 s for a proxy (`g_socks5_recv_timeout`). */
const SOCKS5_EXTRA_MS = 20_000;
/** Time for a dial over I2P, milliseconds: the router must look the peer up and build tunnels (Core waits as long for a reply). */
const I2P_MS = 180_000;

/** A net that selects TCP, SOCKS5 or I2P by the network of the target. */
export class ProxiedNet implements Net {
  /** The networks of automatic connections. */
  readonly reachable: ReadonlySet<Network>;
  readonly #proxies: Readonly<Record<string, Pick<Net, 'dial'> | undefined>>;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` for an option or a kind of target that does not exist */
  constructor(private readonly options: ProxiedNetOptions) {
    checkOptionNames(options, OPTION_NAMES);
    checkOptionNames(options.proxies, PROXIED);
    const { net, proxies, onlynet = NETWORKS_OF_ADDRESSES } = options;
    this.#proxies = Object.fromEntries(
      Object.entries(proxies).map(([kind, { host, port, credentials }]) => [
        kind,
        socks5Net({ net, proxy: { host, port }, ...(credentials && { credentials }) }),
      ]),
    );
    this.reachable = new Set(onlynet.filter((network) => this.#isReachable(network)));
  }

  /** Whether a proxy resolves names. DNS seeds are then dialled by name, as in Core, and not resolved here. */
  get hasNameProxy(): boolean {
    return this.#proxies.name !== undefined;
  }

  /** Whether any target is not dialled directly. */
  get isProxying(): boolean {
    return this.options.sam !== undefined || Object.keys(this.#proxies).length > 0;
  }

  dial(to: Endpoint, handler: DialHandler): () => void {
    const route = this.#route(to.host);
    if ('dial' in route) return route.dial(to, handler);
    return failLater(handler, { code: route.code, facts: { ...route.facts, port: to.port } });
  }

  listen(at: Endpoint, accepted: (link: Link) => void, failed?: (facts: Facts) => void): Promise<Listener> {
    if (kindOfHost(at.host) !== 'i2p') return this.options.net.listen(at, accepted, failed);
    const { sam } = this.options;
    if (sam) return sam.listen(at, accepted, failed);
    return Promise.reject(new VerackError('ERR_DIAL_NO_PROXY', { ...at, network: 'i2p' }));
  }

  /**
   * The hosts to dial for `host`: the host itself if `dial` accepts it, else its resolved addresses. Rejects with a
   * `VerackError`: `ERR_DIAL_NO_LOOKUP` if `dns` is false, otherwise as `resolveHost`.
   */
  async resolve(host: string, options: DnsOptions = {}): Promise<string[]> {
    const kind = this.#kindOf(host);
    if (kind === 'name' && !this.#isByName(host)) {
      if (this.options.dns === false) throw new VerackError('ERR_DIAL_NO_LOOKUP', { host });
      return resolveHost(host, options);
    }
    if (kind === 'internal') throw new VerackError('ERR_DIAL_DNS', { host, syscode: 'ENOTDNS' });
    return [host];
  }

  /** Milliseconds that a dial of `host` may take when a direct dial may take `timeout`. */
  timeoutOf(host: string, timeout: number): number {
    const kind = this.#kindOf(host);
    if (kind === 'i2p') return Math.max(timeout, I2P_MS);
    return this.#proxyOf(kind, host) ? timeout + SOCKS5_EXTRA_MS : timeout;
  }

  /** Ends the I2P sessions that are stored for later dials, so that the process can end. Links and listeners stay open. */
  close(): void {
    this.options.sam?.close();
  }

  #kindOf(host: string): TargetKind {
    return kindOfHost(host, this.options.cjdnsreachable);
  }

  #isByName(host: string): boolean {
    return this.#proxyOf('name', host) !== undefined;
  }

  #proxyOf(kind: TargetKind, host: string): Pick<Net, 'dial'> | undefined {
    const isDirect = kind !== 'onion' && this.options.isDirect?.(host);
    return isDirect ? undefined : this.#proxies[kind];
  }

  #route(host: string): Pick<Net, 'dial'> | Failure {
    const kind = this.#kindOf(host);
    if (kind === 'i2p') return this.options.sam ?? unreachable(host, kind);
    if (kind === 'internal') return { code: 'ERR_DIAL_DNS', facts: { host, syscode: 'ENOTDNS' } };
    const proxy = this.#proxyOf(kind, host);
    if (proxy) return proxy;
    if (kind === 'onion') return unreachable(host, kind);
    return kind === 'name' ? { code: 'ERR_DIAL_NO_LOOKUP', facts: { host } } : this.options.net;
  }

  #isReachable(network: Network): boolean {
    const { cjdnsreachable = false, sam } = this.options;
    if (network === 'onion') return this.#proxies.onion !== undefined;
    if (network === 'i2p') return sam !== undefined;
    return network !== 'cjdns' || cjdnsreachable;
  }
}

const unreachable = (host: string, network: Network): Failure => ({
  code: 'ERR_DIAL_NO_PROXY',
  facts: { host, network },
});
