/**
 * Dials through a SOCKS5 proxy (RFC 1928), with or without user name and password (RFC 1929).
 *
 * As in Core (`netbase.cpp`, `Socks5`), the target is always sent as a host name, also if it is an address, so that the proxy
 * resolves names and Tor accepts `.onion`. Tor's extended replies (socks-extensions, section 1.4) have their own reason codes.
 * A dial has no time limit here: the caller cancels it.
 */
import { randomBytes } from 'node:crypto';

import { type DialCode, type Facts, VerackError } from '../reasons.js';
import { formatEndpoint } from './endpoint.js';
import type { DialHandler, Endpoint, Net } from './link.js';
import { type Failure, failLater, isFailure, negotiate, type Negotiation } from './negotiation.js';
import { checkOptionNames } from './option-names.js';

/** User name and password, 1 to 255 bytes each (RFC 1929). */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The SOCKS5 server and its credentials. */
export interface Socks5Options {
  /** The net with which the proxy is dialled. */
  readonly net: Pick<Net, 'dial'>;
  readonly proxy: Endpoint;
  /** Called for each connection. With new credentials each time, Tor uses separate circuits. Default: no credentials. */
  readonly credentials?: () => Credentials;
}

const OPTION_NAMES: Readonly<Record<keyof Socks5Options, true>> = {
  net: true,
  proxy: true,
  credentials: true,
};

const VERSION = 5;
const AUTH_VERSION = 1;
const NO_AUTHENTICATION = 0;
const USER_PASSWORD = 2;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;
const DOMAINNAME = 3;
const SUCCEEDED = 0;
const MAX_LENGTH = 255;
/** Length of a bound address by its type (1 IPv4, 4 IPv6), bytes. A host name begins with its length. */
const ADDRESS_LENGTH: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

/** The reason code of each reply; any other is `ERR_DIAL_PROXY_FAILURE`. */
export const SOCKS5_REPLIES: Readonly<Record<number, DialCode>> = {
  0x01: 'ERR_DIAL_PROXY_FAILURE',
  0x02: 'ERR_DIAL_PROXY_DENIED',
  0x03: 'ERR_DIAL_PROXY_NETWORK',
  0x04: 'ERR_DIAL_PROXY_HOST',
  0x05: 'ERR_DIAL_PROXY_REFUSED',
  0x06: 'ERR_DIAL_PROXY_TIMEOUT',
  0x07: 'ERR_DIAL_PROXY_COMMAND',
  0x08: 'ERR_DIAL_PROXY_ADDRESS',
  0xf0: 'ERR_DIAL_ONION_NOT_FOUND',
  0xf1: 'ERR_DIAL_ONION_DESCRIPTOR',
  0xf2: 'ERR_DIAL_ONION_INTRODUCTION',
  0xf3: 'ERR_DIAL_ONION_RENDEZVOUS',
  0xf4: 'ERR_DIAL_ONION_NO_KEY',
  0xf5: 'ERR_DIAL_ONION_WRONG_KEY',
  0xf6: 'ERR_DIAL_ONION_ADDRESS',
  0xf7: 'ERR_DIAL_ONION_TIMEOUT',
};

const hexByte = (value = 0): string => `0x${value.toString(16).padStart(2, '0')}`;

const protocolError = (why: string): Failure => ({ code: 'ERR_DIAL_PROXY_PROTOCOL', facts: { why } });

/** A length byte, then the text. */
const prefixed = (text: Uint8Array): Uint8Array => Uint8Array.of(text.length, ...text);

const greeting = (credentials?: Credentials): Uint8Array =>
  credentials
    ? Uint8Array.of(VERSION, 2, NO_AUTHENTICATION, USER_PASSWORD)
    : Uint8Array.of(VERSION, 1, NO_AUTHENTICATION);

const login = ({ username, password }: Credentials): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(AUTH_VERSION),
    prefixed(Buffer.from(username)),
    prefixed(Buffer.from(password)),
  ]);

const request = ({ host, port }: Endpoint): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(VERSION, CONNECT, 0, DOMAINNAME),
    prefixed(Buffer.from(host)),
    Uint8Array.of(port >> 8, port & 0xff),
  ]);

type Nothing = Record<never, never>;
const DONE: Nothing = {};

function* authenticate(credentials: Credentials): Negotiation<Nothing> {
  const [version, status] = yield { send: login(credentials), bytes: 2 };
  if (version !== AUTH_VERSION) return protocolError(`version ${version} in the answer to the password`);
  if (status !== SUCCEEDED) return { code: 'ERR_DIAL_PROXY_AUTH', facts: { status: hexByte(status) } };
  return DONE;
}

/** Negotiates the authentication method; credentials are sent only to a proxy that requires them. */
function* greet(credentials?: Credentials): Negotiation<Nothing> {
  const [version, method] = yield { send: greeting(credentials), bytes: 2 };
  if (version !== VERSION) return protocolError(`SOCKS version ${version}`);
  if (method === NO_AUTHENTICATION) return DONE;
  if (method === USER_PASSWORD && credentials) return yield* authenticate(credentials);
  return method === NO_ACCEPTABLE_METHOD
    ? { code: 'ERR_DIAL_PROXY_AUTH', facts: { method: hexByte(method) } }
    : protocolError(`authentication method ${hexByte(method)}, which was not offered`);
}

/** Skips the address that the proxy is bound to: it is not needed. */
function* skipBound(): Negotiation<Nothing> {
  const [reserved, type = 0] = yield { bytes: 2 };
  if (reserved !== 0) return protocolError(`reserved byte ${hexByte(reserved)}`);
  let length = ADDRESS_LENGTH[type];
  if (type === DOMAINNAME) [length] = yield { bytes: 1 };
  if (length === undefined) return protocolError(`address type ${hexByte(type)}`);
  yield { bytes: length + 2 };
  return DONE;
}

/** The client side of one CONNECT. */
export function* socks5(to: Endpoint, credentials?: Credentials): Negotiation<Nothing> {
  const greeted = yield* greet(credentials);
  if (isFailure(greeted)) return greeted;
  const [version, reply = 0] = yield { send: request(to), bytes: 2 };
  if (version !== VERSION) return protocolError(`SOCKS version ${version} in the reply`);
  if (reply === SUCCEEDED) return yield* skipBound();
  return { code: SOCKS5_REPLIES[reply] ?? 'ERR_DIAL_PROXY_FAILURE', facts: { reply: hexByte(reply) } };
}

/**
 * Returns a function with new credentials at each call, as for Core's `-proxyrandomize`: `prefix`, by default random, and a
 * counter. Tor uses different circuits for connections with different credentials.
 */
export function isolatingCredentials(prefix: string = randomBytes(8).toString('hex')): () => Credentials {
  let count = 0;
  return () => {
    const name = `${prefix}-${count++}`;
    return { username: name, password: name };
  };
}

/**
 * Returns a function with the same credentials at each call.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when user name or password do not have 1 to 255 bytes
 */
export function fixedCredentials(credentials: Credentials): () => Credentials {
  for (const [value, text] of Object.entries(credentials) as [string, string][]) {
    const { length } = Buffer.from(text);
    const why = `it has ${length} bytes; a SOCKS5 proxy accepts 1 to ${MAX_LENGTH}`;
    if (length === 0 || length > MAX_LENGTH) throw new VerackError('ERR_LOCAL_ARGUMENT', { value, why });
  }
  return () => credentials;
}

/** Adds the target and the proxy to the facts of a failure. */
const factsOf = (facts: Facts, { host, port }: Endpoint, proxy: Endpoint): Facts => ({
  ...facts,
  host,
  port,
  proxy: formatEndpoint(proxy),
});

/**
 * Dials through the proxy. `to.host` is an address or a name; nothing is resolved on this computer. The link's `remote` is `to`,
 * its `local` our end of the connection to the proxy. The facts of a failure are `host`, `port`, `proxy` and one of
 * `reply` (`0xf4`), `syscode`, `status`, `method`, `end`, `why`.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export function socks5Net(options: Socks5Options): Pick<Net, 'dial'> {
  checkOptionNames(options, OPTION_NAMES);
  const { net, proxy, credentials } = options;
  const dial = (to: Endpoint, handler: DialHandler): (() => void) => {
    const fail = ({ code, facts }: Failure): Failure => ({ code, facts: factsOf(facts, to, proxy) });
    if (Buffer.byteLength(to.host) > MAX_LENGTH) {
      return failLater(handler, fail({ code: 'ERR_DIAL_DNS', facts: { syscode: 'ENAMETOOLONG' } }));
    }
    return negotiate({ net, proxy }, socks5(to, credentials?.()), {
      opened: (link) => handler.opened(link.between({ remote: to })),
      failed: (failure) => {
        const { code, facts } = fail(failure);
        handler.failed(code, facts);
      },
    });
  };
  return { dial };
}
