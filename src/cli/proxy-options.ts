/**
 * The options that say how peers are reached, with Core's names and meaning: -proxy, -onion, -proxyrandomize, -onlynet,
 * -i2psam, -i2pacceptincoming, -cjdnsreachable, -dns, -connect, -seednode. And the net that they make.
 */
import { InvalidArgumentError, Option } from 'commander';

import {
  type Credentials,
  type DnsOptions,
  type Endpoint,
  fixedCredentials,
  isolatingCredentials,
  keyFile,
  type Net,
  type Network,
  NETWORKS_OF_ADDRESSES,
  parseEndpoint,
  type Proxied,
  ProxiedNet,
  type Proxy,
  resolveHost,
  SamNet,
} from '../net/index.js';
import { VerackError } from '../index.js';
import { Usage } from './exit-codes.js';
import { commaSeparated, oneOf, repeatable } from './option-values.js';
import { withChoices, switched, valued } from './options.js';
import { allProxy, noProxy, proxyPassword } from './proxy-environment.js';

/** One value of -proxy; no `at`: none, as by `-proxy=0`. */
export interface ProxyValue {
  readonly at?: Endpoint;
  /** For this network only; default for all. */
  readonly network?: 'ipv4' | 'ipv6' | 'onion' | 'cjdns';
}

/** The options of this file as commander gives them; false where `--no-…` was given. */
export interface ProxyFlags {
  readonly proxy?: readonly ProxyValue[] | false;
  readonly onion?: ProxyValue | false;
  readonly proxyrandomize?: boolean;
  readonly proxyuser?: string;
  readonly onlynet?: readonly Network[];
  readonly i2psam?: Endpoint | false;
  readonly i2pacceptincoming?: boolean;
  readonly cjdnsreachable?: boolean;
  readonly dns?: boolean;
  readonly connect?: readonly string[] | false;
  readonly seednode?: readonly string[];
}

/** What the net is built from beside the flags. */
export interface ProxyContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly net: Net;
  /** How the names of proxies are resolved. */
  readonly dns?: DnsOptions;
  /** Where the I2P private key is kept; given when inbound I2P is wanted. */
  readonly i2pKeyPath?: string;
}

const NETWORK = 'Network:';
const TOR_PORT = 9_050;
const SAM_PORT = 7_656;
const PROXY_NETWORKS = { ipv4: 'ipv4', ipv6: 'ipv6', onion: 'onion', tor: 'onion', cjdns: 'cjdns' } as const;
const ALL: readonly Proxied[] = ['ipv4', 'ipv6', 'onion', 'cjdns', 'name'];

function refuse(why: string): never {
  throw new InvalidArgumentError(why);
}

/** `HOST[:PORT]`; user and password are refused, since everybody can read a command line. */
function proxyAddress(text: string, port: number): Endpoint {
  if (text.includes('@'))
    refuse('Set --proxyuser and VERACK_PROXY_PASSWORD_FILE in place of USER:PASSWORD@.');
  if (text.startsWith('unix:')) refuse('Unix sockets are not supported: give an address and a port.');
  try {
    const { host, port: given } = parseEndpoint(text, port);
    return { host, port: given };
  } catch (error) {
    if (error instanceof VerackError) refuse(`It is ${String(error.facts.why)}.`);
    throw error;
  }
}

/** `ADDRESS[:PORT][=NETWORK]`, or 0 for none. */
export function proxyValue(text: string): ProxyValue {
  const [, address = '', name] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const network = name === undefined ? undefined : PROXY_NETWORKS[name.toLowerCase() as 'ipv4'];
  if (name !== undefined && network === undefined) refuse('The networks are ipv4, ipv6, tor and cjdns.');
  const at = address === '' || address === '0' ? undefined : proxyAddress(address, TOR_PORT);
  return { ...(at && { at }), ...(network && { network }) };
}

/** `ADDRESS[:PORT]`, or 0 for none. */
export const onionValue = (text: string): ProxyValue =>
  text === '0' ? {} : { at: proxyAddress(text, TOR_PORT) };

export const samValue = (text: string): Endpoint => proxyAddress(text, SAM_PORT);

/** For every verb that dials. */
export const proxyOptions = (): Option[] =>
  [
    valued(
      '--proxy <addr>',
      'dial through this SOCKS5 proxy, names included; ADDR:PORT=NETWORK for one network; repeatable',
      repeatable(proxyValue),
    ),
    valued('--onion <addr>', 'another SOCKS5 proxy for .onion; 0: none', onionValue),
    valued(
      '--proxyuser <name>',
      'user name for -proxy; the password is in the file VERACK_PROXY_PASSWORD_FILE',
      String,
    ),
    ...switched(
      '--proxyrandomize',
      'new credentials for each connection, so that Tor isolates them; on by default',
    ),
    valued('--i2psam <addr>', 'reach I2P through the SAM port of this router', samValue),
    ...switched('--cjdnsreachable', 'fc00::/8 is CJDNS here'),
    ...switched('--dns', 'resolve names; on by default, never with -proxy'),
    ...['proxy', 'onion', 'i2psam'].map((name) => new Option(`--no-${name}`).hideHelp()),
  ].map((option) => option.helpGroup(NETWORK));

/** For the verbs that connect by themselves. */
export const reachOptions = (): Option[] =>
  [
    withChoices(
      valued(
        '--onlynet <net>',
        'automatic connections to this network only: ipv4, ipv6, onion, i2p or cjdns; repeatable',
        commaSeparated(oneOf(...NETWORKS_OF_ADDRESSES)),
      ),
      ...NETWORKS_OF_ADDRESSES,
    ),
    valued('--seednode <host>', 'ask this node for addresses, then leave it; repeatable', repeatable(String)),
    ...switched('--i2pacceptincoming', 'accept I2P peers where -i2psam is set; on by default when listening'),
  ].map((option) => option.helpGroup(NETWORK));

/** The hosts of -connect. `-connect=0` and `-noconnect`: none, and no automatic connections either. */
export function connectOnly({ connect }: ProxyFlags): readonly string[] | undefined {
  if (connect === undefined) return undefined;
  return connect === false ? [] : connect.filter((host) => host !== '0');
}

/** Whether to listen when nothing is said about it: not with -connect or -proxy, as in Core. */
export const listensByDefault = (flags: ProxyFlags): boolean =>
  flags.connect === undefined && givenProxies(flags).every(({ at }) => at === undefined);

const givenProxies = ({ proxy }: ProxyFlags): readonly ProxyValue[] =>
  proxy === false ? [{}] : (proxy ?? []);

type Addresses = Partial<Record<Proxied, Proxy>>;

/** What one -proxy sets: with a network that network's, and names with IPv4 or IPv6 (Core: `AppInitMain`). */
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

/** The proxy's own address: its name, if it has one, is resolved here and once, as Core does. */
async function resolved(at: Endpoint, { dns }: ProxyFlags, context: ProxyContext): Promise<Endpoint> {
  if (dns === false && parseEndpoint(at.host, at.port).kind === 'name') {
    throw new Usage(`-dns=0 forbids to resolve the proxy "${at.host}": give its address`);
  }
  const [host = at.host] = await resolveHost(at.host, context.dns);
  return { host, port: at.port };
}

/** Where the flags leave it to the environment: nothing was said of -proxy. */
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

/** What -onlynet asks for and nothing provides (Core refuses to start). */
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
  const path = flags.i2pacceptincoming === false ? undefined : context.i2pKeyPath;
  return new SamNet({ net: context.net, proxy, ...(path !== undefined && { keys: keyFile(path) }) });
}

/**
 * The net that the flags describe; without any it dials directly. Call its `close` before the process ends.
 *
 * @throws Usage for flags that contradict each other or the environment; VerackError `ERR_DIAL_DNS` when the name of a proxy
 *   has no address, `ERR_LOCAL_ARGUMENT` for a user name or password that does not fit
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
