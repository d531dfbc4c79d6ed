/**
 * The sending half of a v2 connection, from behind our key and garbage on (BIP324, "Transport layer
 * specification").
 */
import { VerackError } from '../../reasons.js';
import { encodeContents } from './packet-contents.js';
import { DECOY_BIT, PACKET_OVERHEAD, type PacketEncoder } from './transport.js';
import { FSChaCha20, FSChaCha20Poly1305, LENGTH_SIZE } from './fschacha20.js';
import type { DirectionKeys } from './keys.js';

/** A length has 3 bytes. */
const LENGTH_LIMIT = 2 ** 24;
const NOTHING = new Uint8Array(0);

/**
 * A sender for the keys of our direction, of which it keeps its own copy. `garbage` is what we sent behind our key:
 * the first packet authenticates it.
 */
export function createPacketEncoder(keys: DirectionKeys, garbage: Uint8Array): PacketEncoder {
  return new Sender(keys, garbage);
}

class Sender implements PacketEncoder {
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

  version(contents: Uint8Array = NOTHING): Uint8Array {
    return this.packet(contents);
  }

  message(command: string, payload: Uint8Array): Uint8Array {
    return this.packet(encodeContents(command, payload));
  }

  decoy(size: number): Uint8Array {
    return this.packet(new Uint8Array(size), DECOY_BIT);
  }

  packet(contents: Uint8Array, header = 0): Uint8Array {
    this.#demand(!this.#wiped, 'a sender that still has its keys');
    this.#demand(contents.length < LENGTH_LIMIT, 'contents of less than 2^24 bytes');
    const packet = new Uint8Array(PACKET_OVERHEAD + contents.length);
    this.#putLength(packet, contents.length);
    this.#packets.seal(this.#aad, [Uint8Array.of(header), contents], packet, LENGTH_SIZE);
    this.#aad = NOTHING;
    return packet;
  }

  #putLength(packet: Uint8Array, length: number): void {
    const plain = Uint8Array.of(length, length >> 8, length >> 16);
    const hidden = this.#lengths.crypt(plain);
    for (let i = 0; i < LENGTH_SIZE; i++) packet[i] = hidden >> (8 * i);
  }

  #demand(right: boolean, expected: string): void {
    if (!right) throw new VerackError('ERR_LOCAL_ARGUMENT', { expected });
  }

  wipe(): void {
    this.#wiped = true;
    this.#lengths.wipe();
    this.#packets.wipe();
  }
}
