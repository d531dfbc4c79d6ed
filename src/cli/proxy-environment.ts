/**
 * Reads ALL_PROXY, NO_PROXY and the file with the password of the proxy. ALL_PROXY and NO_PROXY apply only when -proxy is not
 * given; the variable in lower case takes precedence, as in curl. NO_PROXY has no effect on -proxy, since with -proxy no
 * name may be sent to a resolver.
 */
import { type Credentials, type Endpoint, parseEndpoint } from '../net/index.js';
import { readTextFile } from './input-file.js';
import { BlockList, isIP, isIPv4 } from 'node:net';

import { Usage } from './exit-codes.js';

/** The proxy of ALL_PROXY. */
export interface ProxyOfEnvironment {
  readonly at: Endpoint;
  readonly credentials?: Credentials;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 1_080;
const MAX_PASSWORD_FILE = 4_096;

const variable = (env: Environment, name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';

/** Parses `socks5://` and `socks5h://`; with both, the proxy resolves names. @throws Usage for any other value */
export function allProxy(env: Environment): ProxyOfEnvironment | undefined {
  const text = variable(env, 'ALL_PROXY');
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^socks5h?:$/.test(url.protocol) || url.hostname === '') {
    throw new Usage('ALL_PROXY must be socks5://HOST:PORT; --no-proxy ignores it');
  }
  const { host } = parseEndpoint(url.hostname, DEFAULT_PORT);
  const at = { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
  if (url.username === '') return { at };
  return { at, credentials: { username: decoded(url.username), password: decoded(url.password) } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Usage('ALL_PROXY: a percent sign in the user name or the password must be written as %25');
  }
}

/** Whether an entry of NO_PROXY covers a host: a name and its subdomains, an address, a subnet, or `*`. */
function covers(entry: string, host: string): boolean {
  if (entry === '*') return true;
  const [, net = entry, bits] = /^\[?([^/\]]+)\]?(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  if (isIP(net) === 0) return `.${host}`.endsWith(`.${net.replace(/^\./, '')}`);
  if (isIP(host) !== isIP(net)) return false;
  const family = isIPv4(net) ? 'ipv4' : 'ipv6';
  const most = family === 'ipv4' ? 32 : 128;
  const list = new BlockList();
  list.addSubnet(net, Math.min(Number(bits ?? most), most), family);
  return list.check(host, family);
}

/** Whether NO_PROXY covers a host. */
export function noProxy(env: Environment): (host: string) => boolean {
  const entries = variable(env, 'NO_PROXY')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  return (host) => entries.some((entry) => covers(entry, host.toLowerCase().replace(/\.$/, '')));
}

/** The first line of the file that VERACK_PROXY_PASSWORD_FILE names. @throws Usage when it cannot be read */
export function proxyPassword(env: Environment): string | undefined {
  const path = env.VERACK_PROXY_PASSWORD_FILE ?? '';
  if (path === '') return undefined;
  const [line = ''] = readTextFile(path, MAX_PASSWORD_FILE).split(/\r?\n/);
  return line;
}
