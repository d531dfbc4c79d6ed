/** Correct and incorrect messages that a lab peer can send at any time, as v1 frames of regtest. */
import { NETWORKS } from '../index.js';
import { versionMessage } from '../connection/index.js';
import {
  CHECKSUM_AT,
  encodeFrame,
  encodeMessage,
  LENGTH_AT,
  type Message,
  servicesOf,
} from '../wire/index.js';

/** A message that can be sent by its name. */
export interface CannedMessage {
  readonly name: string;
  /** A sentence for the tooltip. */
  readonly about: string;
  readonly frame: () => Uint8Array;
}

const { magic } = NETWORKS.regtest;
const NONCE = '00000000c0ffee00';
const FULL_NODE = servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED');

const version = (number: number): Message =>
  versionMessage(
    {
      version: number,
      services: FULL_NODE,
      user_agent: new TextEncoder().encode('/by hand/'),
      start_height: 0,
    },
    { nonce: NONCE, timestamp: Math.floor(Date.now() / 1_000), relay: true },
  );

const framed = (command: string, payload: Uint8Array): Uint8Array => encodeFrame(magic, command, payload);
const frameOf = (message: Message): Uint8Array => framed(message.command, encodeMessage(message));

/** A frame with some bytes of its header replaced. */
function withBytes(frame: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy.set(bytes, at);
  return copy;
}

const verack = (): Uint8Array => frameOf({ command: 'verack' });
const MAGIC_AT = 0;

const canned = (name: string, about: string, frame: () => Uint8Array): CannedMessage => ({
  name,
  about,
  frame,
});

/** The messages, in the order of the page. */
export const CANNED_MESSAGES: readonly CannedMessage[] = [
  canned('version', 'protocol 70017, a full node', () => frameOf(version(70_017))),
  canned('version 209', 'a protocol version below the minimum of 31800', () => frameOf(version(209))),
  canned('verack', 'the version message was accepted', verack),
  canned('wtxidrelay', 'BIP339: only between version and verack', () => frameOf({ command: 'wtxidrelay' })),
  canned('sendaddrv2', 'BIP155: only between version and verack', () => frameOf({ command: 'sendaddrv2' })),
  canned('feature', 'BIP434: a feature with an empty id', () => framed('feature', Uint8Array.of(0, 0))),
  canned('sendcmpct 2', 'BIP152: announce is 0 or 1, here it is 2', () =>
    framed('sendcmpct', Uint8Array.of(2, 2, 0, 0, 0, 0, 0, 0, 0)),
  ),
  canned('sendheaders', 'BIP130', () => frameOf({ command: 'sendheaders' })),
  canned('feefilter', 'BIP133: 0.00001 BTC per 1,000 virtual bytes', () =>
    frameOf({ command: 'feefilter', feerate: '00000000000003e8' }),
  ),
  canned('ping', 'BIP31: with a nonce', () => frameOf({ command: 'ping', nonce: NONCE })),
  canned('pong', 'with a nonce that no ping had', () => frameOf({ command: 'pong', nonce: NONCE })),
  canned('getaddr', 'requests addresses of nodes', () => frameOf({ command: 'getaddr' })),
  canned('addr 1001', '1,001 addresses: one more than the limit', () =>
    framed('addr', Buffer.concat([Uint8Array.of(0xfd, 0xe9, 0x03), new Uint8Array(1_001 * 30)])),
  ),
  canned('mempool', 'BIP35: needs a service that this node does not offer', () =>
    framed('mempool', new Uint8Array(0)),
  ),
  canned('unknown', 'a command that is not in the message table', () =>
    framed('unknown', Uint8Array.of(1, 2, 3)),
  ),
  canned('wrong checksum', 'a verack with a wrong checksum: the message is dropped', () =>
    withBytes(verack(), CHECKSUM_AT, [0, 0, 0, 0]),
  ),
  canned('wrong magic', 'a verack with the magic of mainnet', () =>
    withBytes(verack(), MAGIC_AT, [0xf9, 0xbe, 0xb4, 0xd9]),
  ),
  canned('oversize', 'a header that claims 5,000,000 bytes', () =>
    withBytes(verack(), LENGTH_AT, [0x40, 0x4b, 0x4c, 0x00]),
  ),
];

/** The message with this name. */
export const cannedMessageOf = (name: string): CannedMessage | undefined =>
  CANNED_MESSAGES.find((message) => message.name === name);
