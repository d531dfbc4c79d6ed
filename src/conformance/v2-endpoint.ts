/**
 * The tester's end of a v2 connection (BIP324): keys, garbage, packets, right or wrong as the steps want them.
 *
 * It sends nothing by itself: each op makes the next bytes, so that a case can leave out, cut or change any of them. What the
 * node sends is read strictly: a byte out of place is no message.
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

/** Fields of a message that are about the header of v1. */
const V1_ONLY = ['magic', 'length', 'checksum'] as const;
const LENGTH_SIZE = 3;
const DECOY = 0x80;

const transportEvent = (what: string): TransportEvent => ({ kind: 'transport', what });
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

export interface V2EndpointOptions {
  /** Whether the keys are derived as the initiator's: we dialled. */
  readonly initiating: boolean;
  readonly magic: Uint8Array;
  /** What follows our key. */
  readonly garbage: Uint8Array;
}

export class V2Endpoint implements Transport {
  readonly #key: V2Key;
  /** Reads any first bytes as a key, in both roles: the case decides which transport is used. */
  readonly #opening;
  #keys: V2Keys | undefined;
  #sender: PacketEncoder | undefined;
  #receiver: PacketDecoder | undefined;
  /** Bytes after the key of the node that no event covers yet. */
  #unread = 0;
  /** The version packet of the node was read. */
  isSettled = false;
  /** Why nothing more can be read. */
  broken: string | undefined;

  constructor(private readonly options: V2EndpointOptions) {
    this.#key = drawnKey(options.magic);
    this.#opening = createHandshakeParser({ initiating: true, takesAnyKey: true, magic: options.magic });
  }

  /** The key of the node is there. */
  get isAgreed(): boolean {
    return this.#keys !== undefined;
  }

  get pieces(): number {
    return this.#unread;
  }

  /** Our key and garbage, from one byte to another. */
  opening(from: number, to?: number): Uint8Array {
    return Buffer.concat([this.#key.ellswift, this.options.garbage]).subarray(from, to);
  }

  /** What follows once the keys are known: terminator, decoys, version packet, and messages right behind it. */
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
      throw new CannotRun(`${unexpected} is a field of v1, the connection speaks v2`);
    const isLong = sent.encoding === 'long' || sent.command_hex !== undefined;
    const contents = encodeContents(sent.msg, payloadFor(sent, reference), isLong);
    if (sent.command_hex !== undefined) contents.set(bytesOf(sent.command_hex), 1);
    return this.#sending().packet(contents);
  }

  /** One packet of these contents. */
  packet({ contents = '', header = '00', ignore, corrupt_tag }: Step): Uint8Array {
    const first = bytesOf(header)[0]! | (ignore === true ? DECOY : 0);
    const packet = this.#sending().packet(bytesOf(contents), first);
    if (corrupt_tag) packet[packet.length - 1]! ^= 1;
    return packet;
  }

  /** Only what a packet of that length begins with. */
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
        return { kind: 'stray', what: `${event.command} (no type of a message)` };
      case 'broken':
        this.broken = BROKEN[event.code];
        return { kind: 'stray', what: this.broken };
    }
  }

  /** The wrong garbage to authenticate is the right one and a byte. */
  #begin(isWrong: boolean): PacketEncoder {
    if (!this.#keys) throw new CannotRun('the key of the node was not waited for (v2_keys)');
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

/** A key whose first byte differs from the magic: a case may send that byte alone and expect an answer. */
function drawnKey(magic: Uint8Array): V2Key {
  for (;;) {
    const key = createV2Key(systemRandom);
    if (key.ellswift[0] !== magic[0]) return key;
  }
}
