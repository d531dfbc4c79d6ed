/** Messages that a lab peer can send at any time, right or wrong, as v1 frames of regtest. */
import { NETWORKS } from '../networks.js';
import { versionMessage } from '../connection/outgoing-messages.js';
import { encodeFrame, encodeMessage, type Message, servicesOf } from '../wire/index.js';

/** One of them. */
export interface CannedMessage {
  readonly name: string;
  /** One line for a person. */
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
const said = (message: Message): Uint8Array => framed(message.command, encodeMessage(message));

/** A frame with some bytes of its header replaced. */
function spoilt(frame: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy.set(bytes, at);
  return copy;
}

const verack = (): Uint8Array => said({ command: 'verack' });
const MAGIC_AT = 0;
const LENGTH_AT = 16;
const CHECKSUM_AT = 20;

const word = (name: string, about: string, frame: () => Uint8Array): CannedMessage => ({
  name,
  about,
  frame,
});

export const CANNED_MESSAGES: readonly CannedMessage[] = [
  word('version', 'protocol 70017, a full node', () => said(version(70_017))),
  word('version 209', 'a protocol version that nobody accepts any more', () => said(version(209))),
  word('verack', 'your version is accepted', verack),
  word('wtxidrelay', 'BIP339: only between version and verack', () => said({ command: 'wtxidrelay' })),
  word('sendaddrv2', 'BIP155: only between version and verack', () => said({ command: 'sendaddrv2' })),
  word('feature', 'BIP434: a feature without a name', () => framed('feature', Uint8Array.of(0, 0))),
  word('sendcmpct 2', 'BIP152: announce is 0 or 1, and this says 2', () =>
    framed('sendcmpct', Uint8Array.of(2, 2, 0, 0, 0, 0, 0, 0, 0)),
  ),
  word('sendheaders', 'BIP130', () => said({ command: 'sendheaders' })),
  word('feefilter', 'BIP133: 0.00001 BTC per 1,000 virtual bytes', () =>
    said({ command: 'feefilter', feerate: '00000000000003e8' }),
  ),
  word('ping', 'BIP31: with a nonce', () => said({ command: 'ping', nonce: NONCE })),
  word('pong', 'with a nonce that nobody sent', () => said({ command: 'pong', nonce: NONCE })),
  word('getaddr', 'which nodes do you know?', () => said({ command: 'getaddr' })),
  word('addr 1001', 'a list of addresses that is one too long', () =>
    framed('addr', Buffer.concat([Uint8Array.of(0xfd, 0xe9, 0x03), new Uint8Array(1_001 * 30)])),
  ),
  word('mempool', 'BIP35: needs a service that we do not offer', () => framed('mempool', new Uint8Array(0))),
  word('hello', 'a command that nobody knows', () => framed('hello', Uint8Array.of(1, 2, 3))),
  word('wrong checksum', 'a verack that was damaged on the way', () =>
    spoilt(verack(), CHECKSUM_AT, [0, 0, 0, 0]),
  ),
  word('wrong magic', 'a verack of another network', () =>
    spoilt(verack(), MAGIC_AT, [0xf9, 0xbe, 0xb4, 0xd9]),
  ),
  word('oversize', 'a header that claims 5,000,000 bytes', () =>
    spoilt(verack(), LENGTH_AT, [0x40, 0x4b, 0x4c, 0x00]),
  ),
];

/** The one of that name. */
export const cannedMessageOf = (name: string): CannedMessage | undefined =>
  CANNED_MESSAGES.find((missive) => missive.name === name);
