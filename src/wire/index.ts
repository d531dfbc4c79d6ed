/**
 * `verack/wire`: Bitcoin's messages and frames, as pure functions over bytes. No I/O, no clock, no randomness.
 *
 * {@link decodeMessage} converts a payload to a message, {@link encodeMessage} does the reverse. {@link createV1Framer} splits a
 * byte stream into frames, {@link encodeFrame} builds one. Decoding returns a value or a fault; only encoding throws (for
 * values that do not fit their fields). The encrypted transport (BIP324): {@link createV2Key}, {@link createHandshakeParser},
 * {@link createPacketDecoder}, {@link createPacketEncoder}; `bip324/transport.ts` describes how they are used together.
 *
 * @module
 */
export { compactSize, encode, hex64, MAX_SIZE, signedOf } from './codec.js';
export type {
  Codec,
  CodecCode,
  CodecFault,
  Cursor,
  Hex64,
  ListCodec,
  RefinedCodec,
  VarBytesCodec,
} from './codec.js';
export { MESSAGES } from './message-definitions.js';
export type { StructCodec } from './struct.js';
export type { EntryLimit, MessageFacts, MessageRow } from './message-definitions.js';
export {
  COMMANDS,
  commandOf,
  commandOfShortId,
  countOf,
  decodeMessage,
  encodeMessage,
  factsOf,
  isKnownCommand,
  isOpaque,
  isStrict,
  shortIdOf,
  VERSION_NONCE_OFFSET,
  versionDefaults,
} from './messages.js';
export type { Command, Decoded, EntryCount, Message, MessageOf, UnknownMessage } from './messages.js';
export { COMMAND_SIZE, readCommand, writeCommand } from './command.js';
export {
  CHECKSUM_AT,
  COMMAND_AT,
  createV1Framer,
  encodeFrame,
  HEADER_SIZE,
  LENGTH_AT,
  MAX_PAYLOAD,
} from './v1-framing.js';
export type { FrameEvent, KnownMagic, SkippedFrame, V1Framer, V1FramerOptions } from './v1-framing.js';
export {
  createHandshakeParser,
  isV1OfAnyNetwork,
  transportOf,
  V1_PREFIX_SIZE,
} from './bip324/handshake-parser.js';
export type { HandshakeParserOptions } from './bip324/handshake-parser.js';
export { createV2Key, deriveV2Keys, TERMINATOR_SIZE } from './bip324/keys.js';
export type { DirectionKeys, V2Key, V2Keys } from './bip324/keys.js';
export { createPacketDecoder, GARBAGE_LIMIT } from './bip324/packet-decoder.js';
export { createPacketEncoder } from './bip324/packet-encoder.js';
export { decodeContents, encodeContents } from './bip324/packet-contents.js';
export type { Contents } from './bip324/packet-contents.js';
export { decodeEllswift, ELLSWIFT_SIZE, encodeEllswift, sharedSecret } from './bip324/ellswift.js';
export type { RandomBytes } from './bip324/ellswift.js';
export { MAX_CONTENTS, MAX_GARBAGE } from './bip324/transport.js';
export type {
  HandshakeParserEvent,
  V2Broken,
  V2Event,
  HandshakeParser,
  PacketDecoder,
  PacketEncoder,
} from './bip324/transport.js';
export { BIP155, bip155NetworkName } from './bip155.js';
export type { Bip155Network, Bip155Row } from './bip155.js';
export {
  formatAddress,
  fromLegacy,
  networkOfAddress,
  networkOfNetAddress,
  parseAddress,
  toLegacy,
} from './addresses.js';
export type { AddressFault, AddressNetwork, AddressParse, NetAddress } from './addresses.js';
export { isRoutable } from './address-ranges.js';
export { hasServices, SERVICE_BITS, servicesLetters, servicesnames, servicesOf } from './services.js';
export type { ServiceName } from './services.js';
export { hexOf, sanitize } from './display-text.js';
export { hash256, sha256 } from './hash.js';
