/**
 * The tester's end of a v2 connection (BIP324): keys, garbage and packets, correct or deliberately wrong.
 *
 * It sends nothing itself. Each op encodes the next bytes, so that a case can omit, cut or change any of them. Received bytes
 * are decoded strictly.
 */
import { systemRandom } from '../net/index.js';
import {
  createHandshakeParser,
  createPacketDecoder,
  createPacketEncoder,
  createV2Key,
  encodeContents,
  type HandshakeParserEvent,
  type PacketDecoder,
  type PacketEncoder,
  TERMINATOR_SIZE,
  type V2Event,
  type V2Key,
  type V2Keys,
} from '../wire/index.js';
import { payloadFor, type Reference } from './message-bytes.js';
import type { Sent, Step } from './case.js';
import { CannotRun } from './deviation.js';
import { type TransportEvent, type ReceivedItem, messageOf, type Transport } from './tester-transport.js';

/** Fields of a message that exist only in a v1 header. */
const V1_ONLY = ['magic', 'length', 'checksum'] as const;
const LENGTH_SIZE = 3;
const DECOY = 0x80;

const transportEvent = (what: string): TransportEvent => ({ kind: 'transport', what });
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

/** Options of the tester's end. */
export interface V2EndpointOptions {
  /** Whether to derive the keys of the initiator, which is the side that dialled. */
  readonly initiating: boolean;
  /** The 4 bytes of the network magic. */
  readonly magic: Uint8Array;
  /** The garbage that follows the key. */
  readonly garbage: Uint8Array;
}

/** The transport of a v2 connection, from the key exchange on. */
export class V2Endpoint implements Transport {
  readonly #key: V2Key;
  /** Reads any first bytes as a key, in both roles, since the case selects the transport. */
  readonly #opening;
  #keys: V2Keys | undefined;
  #sender: PacketEncoder | undefined;
  #receiver: PacketDecoder | undefined;
  /** The number of bytes after the key of the node that are not decoded yet. */
  #unread = 0;
  /** Whether the version packet of the node has been received. */
  isSettled = false;
  /** The fault after which nothing more can be decoded. */
  broken: string | undefined;

  constructor(private readonly options: V2EndpointOptions) {
    this.#key = drawnKey(options.magic);
    this.#opening = createHandshakeParser({ initiating: true, takesAnyKey: true, magic: options.magic });
  }

  /** Whether the key of the node has been received. */
  get isAgreed(): boolean {
    return this.#keys !== undefined;
  }

  get pieces(): number {
    return this.#unread;
  }

  /** The bytes `from` to `to` of the tester's key and garbage. */
  opening(from: number, to?: number): Uint8Array {
    return Buffer.concat([this.#key.ellswift, this.options.garbage]).subarray(from, to);
  }

  /** The bytes after the key exchange: terminator, decoys, version packet, and messages. */
  closing(step: Step, reference: Reference): Uint8Array {
    const { decoys = [], version_contents = '', append_messages = [] } = step;
    const sender = this.#begin(step.wrong_aad === true);
    return Buffer.concat([
      ...(step.omit_terminator ? [] : [sender.terminator]),
      ...decoys.map((size) => sender.decoy(size)),
      ...(step.omit_version_packet ? [] : [sender.version(bytesOf(version_contents))]),
      ...append_messages.map((message) => this.encode(message, reference)),
    ]);
  }

  encode(message: string | Sent, reference: Reference): Uint8Array {
    const sent = typeof message === 'string' ? { msg: message } : message;
    const unexpected = V1_ONLY.find((field) => sent[field] !== undefined);
    if (unexpected !== undefined)
      throw new CannotRun(`${unexpected} is a field of v1, but the connection speaks v2`);
    const isLong = sent.encoding === 'long' || sent.command_hex !== undefined;
    const contents = encodeContents(sent.msg, payloadFor(sent, reference), isLong);
    if (sent.command_hex !== undefined) contents.set(bytesOf(sent.command_hex), 1);
    return this.#sending().packet(contents);
  }

  /** One packet with the contents of the step. */
  packet({ contents = '', header = '00', ignore, corrupt_tag }: Step): Uint8Array {
    const first = bytesOf(header)[0]! | (ignore === true ? DECOY : 0);
    const packet = this.#sending().packet(bytesOf(contents), first);
    if (corrupt_tag) packet[packet.length - 1]! ^= 1;
    return packet;
  }

  /** The encrypted length of a packet, without the rest. */
  packetLength(length: number): Uint8Array {
    return this.#sending().packet(new Uint8Array(length)).subarray(0, LENGTH_SIZE);
  }

  feed(chunk: Uint8Array): readonly (ReceivedItem | TransportEvent)[] {
    if (this.#receiver) {
      this.#unread += chunk.length;
      return this.#receiver.feed(chunk).map((event) => this.#itemOf(event));
    }
    return this.#opening.feed(chunk).flatMap((event) => this.#opened(event));
  }

  #opened(event: HandshakeParserEvent): readonly (ReceivedItem | TransportEvent)[] {
    // With `takesAnyKey` the parser emits no other event.
    if (event.kind !== 'key') return [];
    const { initiating, magic } = this.options;
    this.#keys = this.#key.agree(event.ellswift, initiating, magic);
    this.#receiver = createPacketDecoder(this.#keys.receive);
    return [transportEvent('its key'), ...this.feed(event.rest)];
  }

  #itemOf(event: V2Event): ReceivedItem | TransportEvent {
    if ('size' in event) this.#unread -= event.size;
    switch (event.kind) {
      case 'garbage':
        this.#unread -= TERMINATOR_SIZE;
        return transportEvent(`${event.size} bytes of garbage, terminator`);
      case 'version':
        this.isSettled = true;
        return transportEvent('version packet');
      case 'decoy':
        return transportEvent('a decoy');
      case 'frame':
        return messageOf(event.command, event.payload);
      case 'dropped':
        return { kind: 'stray', what: `${event.command} (not a message type)` };
      case 'broken':
        this.broken = BROKEN[event.code];
        return { kind: 'stray', what: this.broken };
    }
  }

  /** If `isWrong`, authenticates the garbage with an additional byte. */
  #begin(isWrong: boolean): PacketEncoder {
    if (!this.#keys) throw new CannotRun('the key of the node has not been received (v2_keys is missing)');
    const { garbage } = this.options;
    this.#sender = createPacketEncoder(
      this.#keys.send,
      isWrong ? Buffer.concat([garbage, Uint8Array.of(0)]) : garbage,
    );
    return this.#sender;
  }

  #sending(): PacketEncoder {
    if (!this.#sender) throw new CannotRun('no packet can be sent before v2_finish');
    return this.#sender;
  }
}

const BROKEN = {
  ERR_V2_GARBAGE: 'garbage without a terminator',
  ERR_V2_LENGTH: 'a packet that is too long',
  ERR_V2_AUTH: 'a packet that cannot be decrypted',
  ERR_V2_OTHER_NETWORK: 'bytes of another network',
} as const;

/** A key whose first byte differs from that of the magic, since a case may send only this byte and expect an answer. */
function drawnKey(magic: Uint8Array): V2Key {
  for (;;) {
    const key = createV2Key(systemRandom);
    if (key.ellswift[0] !== magic[0]) return key;
  }
}
