/**
 * The options that select how peers are reached, with Core's names and meanings: -proxy, -onion, -proxyrandomize, -onlynet,
 * -i2psam, -i2pacceptincoming, -cjdnsreachable, -dns, -connect, -seednode. proxied-net-of.ts builds a net from them.
 */
import { type Endpoint, NETWORKS_OF_ADDRESSES, parseEndpoint } from '../net/index.js';
import { InvalidArgumentError, Option } from 'commander';

import { commaSeparated, hostText, oneOf, repeatable, withCommanderError } from './option-values.js';
import { dnsServerOption, withChoices, switched, valued } from './options.js';
import type { ProxyFlags, ProxyValue } from './proxy-flags.js';

const REACH = 'How peers are reached:';
const TOR_PORT = 9_050;
const SAM_PORT = 7_656;
const PROXY_NETWORKS = { ipv4: 'ipv4', ipv6: 'ipv6', onion: 'onion', tor: 'onion', cjdns: 'cjdns' } as const;

function refuse(why: string): never {
  throw new InvalidArgumentError(why);
}

/** `HOST[:PORT]`. A user name and password are refused, since every user of the machine can read the command line. */
function proxyAddress(text: string, port: number): Endpoint {
  if (text.includes('@')) refuse('Use --proxyuser and VERACK_PROXY_PASSWORD_FILE instead of USER:PASSWORD@.');
  if (text.startsWith('unix:')) refuse('Unix sockets are not supported: give an address and a port.');
  const { host, port: given } = withCommanderError(() => parseEndpoint(text, port));
  return { host, port: given };
}

/** `ADDRESS[:PORT][=NETWORK]`; 0 for no proxy. */
export function proxyValue(text: string): ProxyValue {
  const [, address = '', name] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const network = name === undefined ? undefined : PROXY_NETWORKS[name.toLowerCase() as 'ipv4'];
  if (name !== undefined && network === undefined) refuse('The networks are ipv4, ipv6, tor and cjdns.');
  const at = address === '' || address === '0' ? undefined : proxyAddress(address, TOR_PORT);
  return { ...(at && { at }), ...(network && { network }) };
}

/** `ADDRESS[:PORT]`; 0 for no proxy. */
export const onionValue = (text: string): ProxyValue =>
  text === '0' ? {} : { at: proxyAddress(text, TOR_PORT) };

/** `ADDRESS[:PORT]` of the SAM bridge of an I2P router; 0 for none. */
export const samValue = (text: string): Endpoint | false =>
  text === '0' ? false : proxyAddress(text, SAM_PORT);

/** For every verb that dials. */
export const proxyOptions = (): Option[] =>
  [
    valued(
      '--proxy <addr>',
      'dial through this SOCKS5 proxy, which also resolves names; ADDR:PORT=NETWORK for one network; repeatable',
      repeatable(proxyValue),
    ),
    valued('--onion <addr>', 'a different SOCKS5 proxy for .onion addresses; 0: none', onionValue),
    valued(
      '--proxyuser <name>',
      'user name for -proxy; the password is in the file that VERACK_PROXY_PASSWORD_FILE names',
      String,
    ),
    ...switched(
      '--proxyrandomize',
      'new credentials for each connection, so that Tor isolates them; on by default',
    ),
    ...i2pOptions(),
    ...switched('--cjdnsreachable', 'treat fc00::/8 as CJDNS'),
    ...switched('--dns', 'resolve the names of hosts on this machine; on by default, never with -proxy'),
    ...['proxy', 'onion'].map((name) => new Option(`--no-${name}`).hideHelp()),
  ].map((option) => option.helpGroup(REACH));

/** Restricts the addresses of names, and automatic connections, to some networks. */
export const onlynetOption = (): Option =>
  withChoices(
    valued(
      '--onlynet <net>',
      'limit automatic connections and the addresses of names to this network: ipv4, ipv6, onion, i2p or cjdns; repeatable',
      commaSeparated(oneOf(...NETWORKS_OF_ADDRESSES)),
    ),
    ...NETWORKS_OF_ADDRESSES,
  ).helpGroup(REACH);

/** The options for a verb that connects only to the hosts that it is given. */
export const routeOptions = (): Option[] => [...proxyOptions(), onlynetOption(), dnsServerOption()];

export const seednodeOption = (): Option =>
  valued(
    '--seednode <host>',
    'ask this node for addresses, then disconnect; repeatable',
    repeatable(hostText),
  ).helpGroup(REACH);

/** Inbound I2P, for a verb that listens. */
export const i2pListenOptions = (): Option[] =>
  switched('--i2pacceptincoming', 'with -i2psam, accept I2P peers too; on by default').map((option) =>
    option.helpGroup(REACH),
  );

/** The I2P router, for every verb that dials or listens. */
export const i2pOptions = (): Option[] =>
  [
    valued('--i2psam <addr>', 'reach I2P through the SAM port of this router', samValue),
    new Option('--no-i2psam').hideHelp(),
  ].map((option) => option.helpGroup(REACH));

/** The hosts of -connect; undefined without it. `-connect=0` and `-noconnect` give none, and no automatic connections. */
export function connectOnly({ connect }: ProxyFlags): readonly string[] | undefined {
  if (connect === undefined) return undefined;
  return connect === false ? [] : connect.filter((host) => host !== '0');
}

/** The values of -proxy. `-noproxy` is the same as `-proxy=0`. */
export const givenProxies = ({ proxy }: ProxyFlags): readonly ProxyValue[] =>
  proxy === false ? [{}] : (proxy ?? []);
