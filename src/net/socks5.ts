/**
 * Dials through a SOCKS5 proxy (RFC 1928) with or without user name and password (RFC 1929).
 *
 * As in Core (`netbase.cpp`, `Socks5`), the target is always sent as a host name, addresses included, so that the proxy
 * resolves names and Tor takes `.onion`. Tor's extended replies (socks-extensions, section 1.4) are distinguished.
 * There is no time limit here: the caller cancels the dial.
 */
import { randomBytes } from 'node:crypto';

import { type DialCode, type Facts, VerackError } from '../reasons.js';
import { formatEndpoint } from './endpoint.js';
import type { DialHandler, Endpoint, Net } from './link.js';
import { type Failure, failLater, isFailure, negotiate, type Negotiation } from './negotiation.js';

/** At most 255 bytes each (RFC 1929). */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The SOCKS5 server and its credentials. */
export interface Socks5Options {
  /** How the proxy itself is dialled. */
  readonly net: Pick<Net, 'dial'>;
  readonly proxy: Endpoint;
  /** Asked for each connection; a function that gives new ones each time isolates the streams of Tor. Default: none. */
  readonly credentials?: () => Credentials;
}

const VERSION = 5;
const AUTH_VERSION = 1;
const NO_AUTHENTICATION = 0;
const USER_PASSWORD = 2;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;
const DOMAINNAME = 3;
const SUCCEEDED = 0;
const MAX_LENGTH = 255;
/** Bytes of a bound address by its type (IPv4, IPv6). A host name says its own length. */
const ADDRESS_LENGTH: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

/** What each reply means. Any other is a general failure. */
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

const garbled = (why: string): Failure => ({ code: 'ERR_DIAL_PROXY_PROTOCOL', facts: { why } });

/** A length byte and the text. */
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
  if (version !== AUTH_VERSION) return garbled(`version ${version} in the answer to the password`);
  if (status !== SUCCEEDED) return { code: 'ERR_DIAL_PROXY_AUTH', facts: { status: hexByte(status) } };
  return DONE;
}

/** Agrees on a method; a user name is sent only to a proxy that requires it. */
function* greet(credentials?: Credentials): Negotiation<Nothing> {
  const [version, method] = yield { send: greeting(credentials), bytes: 2 };
  if (version !== VERSION) return garbled(`SOCKS version ${version}`);
  if (method === NO_AUTHENTICATION) return DONE;
  if (method === USER_PASSWORD && credentials) return yield* authenticate(credentials);
  return method === NO_ACCEPTABLE_METHOD
    ? { code: 'ERR_DIAL_PROXY_AUTH', facts: { method: hexByte(method) } }
    : garbled(`authentication method ${hexByte(method)}, which was not offered`);
}

/** Reads over the address that the proxy is bound to: it is not needed. */
function* skipBound(): Negotiation<Nothing> {
  const [reserved, type = 0] = yield { bytes: 2 };
  if (reserved !== 0) return garbled(`reserved byte ${hexByte(reserved)}`);
  let length = ADDRESS_LENGTH[type];
  if (type === DOMAINNAME) [length] = yield { bytes: 1 };
  if (length === undefined) return garbled(`address type ${hexByte(type)}`);
  yield { bytes: length + 2 };
  return DONE;
}

/** The client's side of one CONNECT. */
export function* socks5(to: Endpoint, credentials?: Credentials): Negotiation<Nothing> {
  const greeted = yield* greet(credentials);
  if (isFailure(greeted)) return greeted;
  const [version, reply = 0] = yield { send: request(to), bytes: 2 };
  if (version !== VERSION) return garbled(`SOCKS version ${version} in the reply`);
  if (reply === SUCCEEDED) return yield* skipBound();
  return { code: SOCKS5_REPLIES[reply] ?? 'ERR_DIAL_PROXY_FAILURE', facts: { reply: hexByte(reply) } };
}

/**
 * New credentials at each call, as Core's `-proxyrandomize`: a random prefix of this process and a counter. Tor gives
 * connections with different credentials different circuits.
 */
export function isolatingCredentials(prefix: string = randomBytes(8).toString('hex')): () => Credentials {
  let count = 0;
  return () => {
    const name = `${prefix}-${count++}`;
    return { username: name, password: name };
  };
}

/** @throws VerackError `ERR_LOCAL_ARGUMENT` when user name or password do not fit */
export function fixedCredentials(credentials: Credentials): () => Credentials {
  for (const [value, text] of Object.entries(credentials) as [string, string][]) {
    const { length } = Buffer.from(text);
    const why = `it has ${length} bytes; a SOCKS5 proxy takes 1 to ${MAX_LENGTH}`;
    if (length === 0 || length > MAX_LENGTH) throw new VerackError('ERR_LOCAL_ARGUMENT', { value, why });
  }
  return () => credentials;
}

/** The end of a proxied dial, with the target and the proxy among the facts. */
const factsOf = (facts: Facts, { host, port }: Endpoint, proxy: Endpoint): Facts => ({
  ...facts,
  host,
  port,
  proxy: formatEndpoint(proxy),
});

/**
 * Dials through the proxy. `to.host` is an address or a name; nothing is resolved on this side. The link's `remote` is `to`,
 * its `local` the near end of the connection to the proxy. The facts of a failure hold `host`, `port`, `proxy` and one of
 * `reply` (`0xf4`), `syscode`, `status`, `method`, `end`, `why`.
 */
export function socks5Net({ net, proxy, credentials }: Socks5Options): Pick<Net, 'dial'> {
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
