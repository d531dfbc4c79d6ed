/** Builds the net that the options of proxy-options.ts and the environment describe: direct, through SOCKS5 proxies, over I2P. */
import {
  type Credentials,
  type DnsOptions,
  type Endpoint,
  fixedCredentials,
  isolatingCredentials,
  type KeyStore,
  type Net,
  type Network,
  parseEndpoint,
  type Proxied,
  ProxiedNet,
  type Proxy,
  resolveHost,
  SamNet,
} from '../net/index.js';
import { Usage } from './exit-codes.js';
import { allProxy, noProxy, proxyPassword } from './proxy-environment.js';
import type { ProxyFlags, ProxyValue } from './proxy-flags.js';
import { givenProxies } from './proxy-options.js';

/** What the net is built from, besides the flags. */
export interface ProxyContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly net: Net;
  /** Options for resolving the names of proxies. */
  readonly dns?: DnsOptions;
  /** Stores the I2P private key; given only for inbound I2P. */
  readonly i2pKeys?: KeyStore;
}

const ALL: readonly Proxied[] = ['ipv4', 'ipv6', 'onion', 'cjdns', 'name'];

type Addresses = Partial<Record<Proxied, Proxy>>;

/** The networks that one -proxy applies to. A proxy for IPv4 or IPv6 also resolves names (Core: `AppInitMain`). */
const kindsOf = ({ network }: ProxyValue): readonly Proxied[] => {
  if (network === undefined) return ALL;
  return network === 'ipv4' || network === 'ipv6' ? [network, 'name'] : [network];
};

function fixedOf({ proxyuser }: ProxyFlags, { env }: ProxyContext): Credentials | undefined {
  const password = proxyPassword(env);
  if (proxyuser === undefined && password === undefined) return undefined;
  if (proxyuser === undefined) throw new Usage('VERACK_PROXY_PASSWORD_FILE needs --proxyuser');
  if (password === undefined) throw new Usage('--proxyuser needs VERACK_PROXY_PASSWORD_FILE');
  return { username: proxyuser, password };
}

/** The address of the proxy. If it is given by name, the name is resolved once, without a proxy, as Core does. */
async function resolved(at: Endpoint, { dns }: ProxyFlags, context: ProxyContext): Promise<Endpoint> {
  if (dns === false && parseEndpoint(at.host, at.port).kind === 'name') {
    throw new Usage(`-dns=0 forbids resolving the name of the proxy "${at.host}": give its address`);
  }
  const [host = at.host] = await resolveHost(at.host, context.dns);
  return { host, port: at.port };
}

/** The proxy of the environment, which applies only when -proxy is not given. */
const environmentProxy = (flags: ProxyFlags, { env }: ProxyContext) =>
  flags.proxy === undefined ? allProxy(env) : undefined;

async function proxiesOf(flags: ProxyFlags, context: ProxyContext): Promise<Addresses> {
  const { proxyrandomize = true, onion } = flags;
  const environment = environmentProxy(flags, context);
  const fixed = fixedOf(flags, context) ?? environment?.credentials;
  const isolating = isolatingCredentials();
  const given = environment ? [{ at: environment.at }] : givenProxies(flags);
  const proxies: Addresses = {};
  const set = async (
    kinds: readonly Proxied[],
    at: Endpoint | undefined,
    own?: Credentials,
  ): Promise<void> => {
    const credentials = own ? fixedCredentials(own) : proxyrandomize ? isolating : undefined;
    const proxy = at && { ...(await resolved(at, flags, context)), ...(credentials && { credentials }) };
    for (const kind of kinds) {
      if (proxy) proxies[kind] = proxy;
      else delete proxies[kind];
    }
  };
  for (const value of given) await set(kindsOf(value), value.at, fixed);
  if (onion !== undefined) await set(['onion'], onion === false ? undefined : onion.at);
  return proxies;
}

/** Refuses an -onlynet whose network cannot be reached, as Core does. */
function refuseUnreachable({ onlynet = [], onion }: ProxyFlags, net: ProxiedNet): void {
  const missing = onlynet.find((network) => !net.reachable.has(network));
  if (missing === undefined) return;
  const isForbidden = onion === false || (onion !== undefined && onion.at === undefined);
  const cures: Partial<Record<Network, string>> = {
    onion: isForbidden ? 'but -onion=0 forbids it' : 'but neither -proxy nor -onion is set',
    i2p: 'but -i2psam is not set',
    cjdns: 'but -cjdnsreachable is not set',
  };
  throw new Usage(`connections are restricted to ${missing} (-onlynet), ${cures[missing] ?? ''}`);
}

async function samOf(flags: ProxyFlags, context: ProxyContext): Promise<SamNet | undefined> {
  if (!flags.i2psam) return undefined;
  const proxy = await resolved(flags.i2psam, flags, context);
  const keys = flags.i2pacceptincoming === false ? undefined : context.i2pKeys;
  return new SamNet({ net: context.net, proxy, ...(keys && { keys }) });
}

/**
 * The net that the flags describe; without flags it dials directly. The caller closes it.
 *
 * @throws Usage for flags that contradict each other or the environment; VerackError `ERR_DIAL_DNS` when the name of a proxy
 *   has no address, `ERR_LOCAL_ARGUMENT` for a user name or password that is empty or longer than 255 bytes
 */
export async function proxiedNetOf(flags: ProxyFlags, context: ProxyContext): Promise<ProxiedNet> {
  const { cjdnsreachable, onlynet, dns } = flags;
  const sam = await samOf(flags, context);
  const net = new ProxiedNet({
    net: context.net,
    proxies: await proxiesOf(flags, context),
    ...(sam && { sam }),
    ...(cjdnsreachable !== undefined && { cjdnsreachable }),
    ...(onlynet && { onlynet }),
    ...(dns !== undefined && { dns }),
    ...(environmentProxy(flags, context) && { isDirect: noProxy(context.env) }),
  });
  refuseUnreachable(flags, net);
  return net;
}
