/**
 * The client's side of SAM 3.1, the protocol of an I2P router (https://i2p.net/en/docs/api/samv3), as Core uses it (`i2p.cpp`):
 * one negotiation per task, and a reason for each result.
 */
import type { DialCode } from '../reasons.js';
import { decodeI2pBase64, encodeI2pBase64, i2pAddressOf } from './i2p-key.js';
import { type Failure, isFailure, type Negotiation } from './negotiation.js';

/** Bytes of the longest reply that is read (Core: `MAX_MSG_SIZE`). */
const MAX_REPLY = 65_536;
const MAX_MESSAGE = 200;
/** Ed25519, in the form that old routers know too. */
const SIGNATURE_TYPE = 7;

/** What each RESULT means; any other is a failure of the router. */
export const SAM_RESULTS: Readonly<Record<string, DialCode>> = {
  NOVERSION: 'ERR_DIAL_I2P_VERSION',
  KEY_NOT_FOUND: 'ERR_DIAL_I2P_NOT_FOUND',
  PEER_NOT_FOUND: 'ERR_DIAL_I2P_NOT_FOUND',
  CANT_REACH_PEER: 'ERR_DIAL_I2P_UNREACHABLE',
  TIMEOUT: 'ERR_DIAL_I2P_TIMEOUT',
  INVALID_KEY: 'ERR_DIAL_I2P_KEY',
  INVALID_ID: 'ERR_DIAL_I2P_SESSION',
  DUPLICATED_ID: 'ERR_DIAL_I2P_DUPLICATE_SESSION',
  DUPLICATED_DEST: 'ERR_DIAL_I2P_DUPLICATE_KEY',
  ALREADY_ACCEPTING: 'ERR_DIAL_I2P_ACCEPTING',
  I2P_ERROR: 'ERR_DIAL_I2P_ROUTER',
};

/** `NAME=VALUE` pairs of a reply, quotes around a value taken off. Words without a value are left out. */
export type Reply = ReadonlyMap<string, string>;

/** Printable ASCII only: a router's text ends up on terminals. */
const readable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_MESSAGE);

export function parseReply(line: Uint8Array): Reply {
  const text = Buffer.from(line).toString('latin1').replace(/\r$/, '');
  const pairs = text.matchAll(/(?:^| )([A-Z0-9_]+)=(?:"([^"]*)"|(\S*))/g);
  return new Map([...pairs].map(([, name = '', quoted, bare = '']) => [name, quoted ?? bare]));
}

const garbled = (task: string, why: string): Failure => ({
  code: 'ERR_DIAL_PROXY_PROTOCOL',
  facts: { task, why: readable(why) },
});

/** `task` is the request without its arguments: those can hold a private key. */
function failureOf(task: string, reply: Reply): Failure | undefined {
  const result = reply.get('RESULT');
  if (result === undefined) return garbled(task, 'no RESULT in the reply');
  if (result === 'OK') return undefined;
  const message = reply.get('MESSAGE');
  return {
    code: SAM_RESULTS[result] ?? 'ERR_DIAL_I2P_ROUTER',
    facts: { task, result: readable(result), ...(message !== undefined && { message: readable(message) }) },
  };
}

/** One request and its reply. `task` is what the request begins with. */
function* ask(task: string, args: string): Negotiation<Reply> {
  const line = yield { send: Buffer.from(`${task} ${args}\n`, 'latin1'), line: MAX_REPLY };
  return parseReply(line);
}

/** The same, where the reply must say that all is well. */
function* request(task: string, args: string): Negotiation<Reply> {
  const reply = yield* ask(task, args);
  return isFailure(reply) ? reply : (failureOf(task, reply) ?? reply);
}

const hello = (): Negotiation<Reply> => request('HELLO VERSION', 'MIN=3.1 MAX=3.1');

/** The private key that the reply holds under `name`. */
function keyIn(task: string, reply: Reply, name: string): { key: Uint8Array } | Failure {
  const key = decodeI2pBase64(reply.get(name) ?? '');
  if (!key || i2pAddressOf(key) === undefined) return garbled(task, `no usable ${name} in the reply`);
  return { key };
}

/** HELLO, DEST GENERATE: a new private key. */
export function* generateKey(): Negotiation<{ key: Uint8Array }> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const task = 'DEST GENERATE';
  const reply = yield* ask(task, `SIGNATURE_TYPE=${SIGNATURE_TYPE}`);
  if (isFailure(reply)) return reply;
  // This reply has a RESULT only where it failed.
  const failure = reply.has('RESULT') ? failureOf(task, reply) : undefined;
  return failure ?? keyIn(task, reply, 'PRIV');
}

/** Tunnels of a session in each direction, as Core requests them. */
const tunnels = (count: number): string =>
  `i2cp.leaseSetEncType=4,0 inbound.quantity=${count} outbound.quantity=${count}`;

/**
 * HELLO, SESSION CREATE: the session lives as long as the link. With `key` it is persistent: our address is that of the key.
 * Without, it is transient: the router makes a key, which the value holds.
 */
export function* createSession(id: string, key?: Uint8Array): Negotiation<{ key: Uint8Array }> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const task = 'SESSION CREATE';
  const destination = key ? encodeI2pBase64(key) : `TRANSIENT SIGNATURE_TYPE=${SIGNATURE_TYPE}`;
  const args = `STYLE=STREAM ID=${id} DESTINATION=${destination} ${tunnels(key ? 3 : 1)}`;
  const reply = yield* request(task, args);
  if (isFailure(reply)) return reply;
  return key ? { key } : keyIn(task, reply, 'DESTINATION');
}

/** HELLO, NAMING LOOKUP, STREAM CONNECT: afterwards the link is the stream. `host` is any `.i2p` name. */
export function* connectStream(id: string, host: string): Negotiation<Reply> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const found = yield* request('NAMING LOOKUP', `NAME=${host}`);
  if (isFailure(found)) return found;
  const destination = found.get('VALUE') ?? '';
  if (!decodeI2pBase64(destination)) return garbled('NAMING LOOKUP', 'no usable VALUE in the reply');
  return yield* request('STREAM CONNECT', `ID=${id} DESTINATION=${destination} SILENT=false`);
}

/** HELLO, STREAM ACCEPT, and then, after any time, the destination of the dialling side: afterwards the link is the stream. */
export function* acceptStream(id: string): Negotiation<{ host: string }> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const task = 'STREAM ACCEPT';
  const waiting = yield* request(task, `ID=${id} SILENT=false`);
  if (isFailure(waiting)) return waiting;
  const line = yield { line: MAX_REPLY };
  // A router that closes the session says so in place of a destination.
  const reply = parseReply(line);
  if (reply.has('RESULT')) return failureOf(task, reply) ?? garbled(task, 'RESULT in place of a destination');
  const [destination = ''] = Buffer.from(line).toString('latin1').trimEnd().split(' ');
  const host = i2pAddressOf(decodeI2pBase64(destination) ?? new Uint8Array());
  return host === undefined ? garbled(task, 'no destination of the peer') : { host };
}
