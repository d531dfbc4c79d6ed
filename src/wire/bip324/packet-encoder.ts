/**
 * Encodes the packets of a v2 connection, which are sent after our key and garbage (BIP324, "Transport layer
 * specification").
 */
import { VerackError } from '../../reasons.js';
import { encodeContents } from './packet-contents.js';
import { DECOY_BIT, PACKET_OVERHEAD, type PacketEncoder } from './transport.js';
import { FSChaCha20, FSChaCha20Poly1305, LENGTH_SIZE } from './fschacha20.js';
import type { DirectionKeys } from './keys.js';

/** The contents of a packet must be shorter, because the length has 3 bytes. */
const LENGTH_LIMIT = 2 ** 24;
const EMPTY = new Uint8Array(0);

/**
 * An encoder for our direction. It copies the keys, so the caller can clear them. `garbage` is what we sent after our key;
 * the first packet authenticates it.
 */
export function createPacketEncoder(keys: DirectionKeys, garbage: Uint8Array): PacketEncoder {
  return new Encoder(keys, garbage);
}

class Encoder implements PacketEncoder {
  readonly terminator: Uint8Array;
  readonly #lengths: FSChaCha20;
  readonly #packets: FSChaCha20Poly1305;
  #aad: Uint8Array;
  #wiped = false;

  constructor(keys: DirectionKeys, garbage: Uint8Array) {
    this.terminator = Uint8Array.from(keys.terminator);
    this.#lengths = new FSChaCha20(keys.lengths);
    this.#packets = new FSChaCha20Poly1305(keys.packets);
    this.#aad = Uint8Array.from(garbage);
  }

  version(contents: Uint8Array = EMPTY): Uint8Array {
    return this.packet(contents);
  }

  message(command: string, payload: Uint8Array): Uint8Array {
    return this.packet(encodeContents(command, payload));
  }

  decoy(size: number): Uint8Array {
    return this.packet(new Uint8Array(size), DECOY_BIT);
  }

  packet(contents: Uint8Array, header = 0): Uint8Array {
    this.#check(!this.#wiped, 'an encoder whose keys have not been wiped');
    this.#check(contents.length < LENGTH_LIMIT, 'contents of less than 2^24 bytes');
    const packet = new Uint8Array(PACKET_OVERHEAD + contents.length);
    this.#putLength(packet, contents.length);
    this.#packets.seal(this.#aad, [Uint8Array.of(header), contents], packet, LENGTH_SIZE);
    this.#aad = EMPTY;
    return packet;
  }

  #putLength(packet: Uint8Array, length: number): void {
    const plain = Uint8Array.of(length, length >> 8, length >> 16);
    const hidden = this.#lengths.crypt(plain);
    for (let i = 0; i < LENGTH_SIZE; i++) packet[i] = hidden >> (8 * i);
  }

  #check(right: boolean, expected: string): void {
    if (!right) throw new VerackError('ERR_LOCAL_ARGUMENT', { expected });
  }

  wipe(): void {
    this.#wiped = true;
    this.#lengths.wipe();
    this.#packets.wipe();
  }
}
