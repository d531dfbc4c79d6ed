/**
 * The client side of SAM 3.1, the protocol of an I2P router (https://i2p.net/en/docs/api/samv3), as Core uses it (`i2p.cpp`):
 * one negotiation per task, and a reason code for each result.
 */
import type { DialCode } from '../reasons.js';
import { decodeI2pBase64, encodeI2pBase64, i2pAddressOf } from './i2p-key.js';
import { type Failure, isFailure, type Negotiation } from './negotiation.js';

/** Longest reply that is read, bytes (Core: `MAX_MSG_SIZE`). */
const MAX_REPLY = 65_536;
const MAX_MESSAGE = 200;
/** Ed25519, as a number, which old routers accept too. */
const SIGNATURE_TYPE = 7;

/** The reason code of each RESULT; any other is `ERR_DIAL_I2P_ROUTER`. */
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

/** The `NAME=VALUE` pairs of a reply, without quotes around values. Words without a value are ignored. */
export type Reply = ReadonlyMap<string, string>;

/** Replaces everything but printable ASCII: a router's text is shown on terminals. */
const readable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_MESSAGE);

export function parseReply(line: Uint8Array): Reply {
  const text = Buffer.from(line).toString('latin1').replace(/\r$/, '');
  const pairs = text.matchAll(/(?:^| )([A-Z0-9_]+)=(?:"([^"]*)"|(\S*))/g);
  return new Map([...pairs].map(([, name = '', quoted, bare = '']) => [name, quoted ?? bare]));
}

const protocolError = (task: string, why: string): Failure => ({
  code: 'ERR_DIAL_PROXY_PROTOCOL',
  facts: { task, why: readable(why) },
});

/** The failure that a reply reports. `task` is the request without its arguments, which may contain a private key. */
function failureOf(task: string, reply: Reply): Failure | undefined {
  const result = reply.get('RESULT');
  if (result === undefined) return protocolError(task, 'no RESULT in the reply');
  if (result === 'OK') return undefined;
  const message = reply.get('MESSAGE');
  return {
    code: SAM_RESULTS[result] ?? 'ERR_DIAL_I2P_ROUTER',
    facts: { task, result: readable(result), ...(message !== undefined && { message: readable(message) }) },
  };
}

/** Sends one request and reads its reply. `task`: the first words of the request. */
function* ask(task: string, args: string): Negotiation<Reply> {
  const line = yield { send: Buffer.from(`${task} ${args}\n`, 'latin1'), line: MAX_REPLY };
  return parseReply(line);
}

/** As {@link ask}; fails unless the reply has RESULT=OK. */
function* request(task: string, args: string): Negotiation<Reply> {
  const reply = yield* ask(task, args);
  return isFailure(reply) ? reply : (failureOf(task, reply) ?? reply);
}

const hello = (): Negotiation<Reply> => request('HELLO VERSION', 'MIN=3.1 MAX=3.1');

/** The private key in the field `name` of a reply. */
function keyIn(task: string, reply: Reply, name: string): { key: Uint8Array } | Failure {
  const key = decodeI2pBase64(reply.get(name) ?? '');
  if (!key || i2pAddressOf(key) === undefined) return protocolError(task, `no usable ${name} in the reply`);
  return { key };
}

/** HELLO, DEST GENERATE: returns a new private key. */
export function* generateKey(): Negotiation<{ key: Uint8Array }> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const task = 'DEST GENERATE';
  const reply = yield* ask(task, `SIGNATURE_TYPE=${SIGNATURE_TYPE}`);
  if (isFailure(reply)) return reply;
  // This reply has a RESULT only when the request failed.
  const failure = reply.has('RESULT') ? failureOf(task, reply) : undefined;
  return failure ?? keyIn(task, reply, 'PRIV');
}

/** Options for `count` tunnels in each direction, as in Core. */
const tunnels = (count: number): string =>
  `i2cp.leaseSetEncType=4,0 inbound.quantity=${count} outbound.quantity=${count}`;

/**
 * HELLO, SESSION CREATE: creates a session, which ends with the link. With `key` it is persistent: our address is that of the
 * key. Without, it is transient: the router generates a key, which is returned.
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

/** HELLO, NAMING LOOKUP, STREAM CONNECT: afterwards the link is the stream to the peer. `host`: any `.i2p` name. */
export function* connectStream(id: string, host: string): Negotiation<Reply> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const found = yield* request('NAMING LOOKUP', `NAME=${host}`);
  if (isFailure(found)) return found;
  const destination = found.get('VALUE') ?? '';
  if (!decodeI2pBase64(destination)) return protocolError('NAMING LOOKUP', 'no usable VALUE in the reply');
  return yield* request('STREAM CONNECT', `ID=${id} DESTINATION=${destination} SILENT=false`);
}

/** HELLO, STREAM ACCEPT; when a peer dials, the router sends its destination, and the link is the stream to the peer. */
export function* acceptStream(id: string): Negotiation<{ host: string }> {
  const greeted = yield* hello();
  if (isFailure(greeted)) return greeted;
  const task = 'STREAM ACCEPT';
  const waiting = yield* request(task, `ID=${id} SILENT=false`);
  if (isFailure(waiting)) return waiting;
  const line = yield { line: MAX_REPLY };
  // When the router closes the session, it sends a result instead of a destination.
  const reply = parseReply(line);
  if (reply.has('RESULT'))
    return failureOf(task, reply) ?? protocolError(task, 'RESULT instead of a destination');
  const [destination = ''] = Buffer.from(line).toString('latin1').trimEnd().split(' ');
  const host = i2pAddressOf(decodeI2pBase64(destination) ?? new Uint8Array());
  return host === undefined ? protocolError(task, 'no destination of the peer') : { host };
}
