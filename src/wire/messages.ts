/** Decodes payloads to typed messages and encodes them. Everything is derived from the message table. */
import { compactSize, decode, encode, type Codec, type Cursor, type CodecFault } from './codec.js';
import { MESSAGES, type MessageFacts, type MessageRow } from './message-definitions.js';
import { sanitize } from './display-text.js';

type Table = typeof MESSAGES;

/** A command of the table. */
export type Command = keyof Table;

/** One known message, by its command: `MessageOf<'ping'>`. */
export type MessageOf<C extends Command> = { [K in C]: Table[K] extends MessageRow<infer T> ? T : never }[C];

/** Any known message, discriminated by `command`. A tail field that is absent on the wire is a missing key. */
export type Message = MessageOf<Command>;

/**
 * A message whose command is not in the table; this is not an error. `name` is its command, with `?` for bytes that are not
 * printable and at most 12 characters; `payload` is a view of the input.
 */
export interface UnknownMessage {
  readonly command: 'unknown';
  readonly name: string;
  readonly payload: Uint8Array;
}

/** The result of {@link decodeMessage}. `trailing`: the bytes after the last field, which Core ignores; a view of the input. */
export type Decoded =
  | { readonly ok: true; readonly message: Message | UnknownMessage; readonly trailing: Uint8Array }
  | { readonly ok: false; readonly fault: CodecFault };

/** Offset in bytes of the nonce in the payload of `version`: after version, services, time and two addresses. */
export const VERSION_NONCE_OFFSET = 72;

/** The values that Core assumes for fields absent from a `version` message (`ProcessMessage`, NetMsgType::VERSION). */
export const versionDefaults = {
  nonce: '0000000000000001',
  user_agent: new Uint8Array(0),
  start_height: -1,
  relay: true,
} as const;

/** Every command of the table, in its order. */
export const COMMANDS = Object.keys(MESSAGES) as readonly Command[];

// A Map, because a peer may send the command `constructor`, which every object has.
const rows: ReadonlyMap<string, MessageRow<Message>> = new Map(Object.entries(MESSAGES));
const byShortId = new Map(
  COMMANDS.flatMap((command) => {
    const id = rows.get(command)?.shortid;
    return id === undefined ? [] : [[id, command] as const];
  }),
);
const EMPTY = new Uint8Array(0);

/** Whether the table has this command. */
export function isKnownCommand(command: string): command is Command {
  return rows.has(command);
}

/** The properties of a command; undefined if it is not in the table. */
export function factsOf(command: string): MessageFacts | undefined {
  return rows.get(command);
}

/** Whether a fault in this command's payload is a protocol violation rather than a reason to drop the message (BIP434). */
export function isStrict(command: string): boolean {
  return rows.get(command)?.strict === true;
}

/** Whether every payload of this command is valid, because this library does not decode it; false for unknown commands. */
export function isOpaque(command: string): boolean {
  return rows.get(command)?.isOpaque === true;
}

/** BIP324: the command of a one-byte message id; undefined if no command has that id. */
export function commandOfShortId(id: number): Command | undefined {
  return byShortId.get(id);
}

/** BIP324: the one-byte id of a command; undefined if it has none and is sent with its 12-byte name. */
export function shortIdOf(command: string): number | undefined {
  return rows.get(command)?.shortid;
}

/** The command of a message as it is sent. */
export function commandOf(message: Message | UnknownMessage): string {
  return message.command === 'unknown' ? message.name : message.command;
}

/**
 * Decodes a payload. Never throws. Byte fields are views of `payload`, valid as long as it is.
 *
 * After a fault the message is to be dropped and the connection kept (Core's catch in `ProcessMessages`), except where
 * {@link isStrict} makes it a protocol violation.
 */
export function decodeMessage(command: string, payload: Uint8Array): Decoded {
  const row = rows.get(command);
  if (row === undefined) {
    return {
      ok: true,
      message: { command: 'unknown', name: sanitize(command, 12), payload },
      trailing: EMPTY,
    };
  }
  const cursor: Cursor = { bytes: payload, offset: 0, code: '', at: 0, path: '' };
  const message = row.fields.read(cursor);
  const { code, path, at, offset } = cursor;
  if (code !== '') return { ok: false, fault: { code, path, offset: at } };
  if (offset === payload.length) return { ok: true, message, trailing: EMPTY };
  if (row.strict) return { ok: false, fault: { code: 'ERR_CODEC_RANGE', path: 'trailing', offset } };
  return { ok: true, message, trailing: payload.subarray(offset) };
}

/**
 * The payload of a message, without the header of a frame. Protocol limits are not checked, so that a test tool can encode 1,001 addresses.
 *
 *   encodeMessage({ command: 'ping', nonce: '0123456789abcdef' }); // 8 bytes: ef cd ab 89 67 45 23 01
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` if a value does not fit its field, or a tail field is set while an earlier one is absent.
 */
export function encodeMessage(message: Message | UnknownMessage): Uint8Array {
  if (message.command === 'unknown') return message.payload;
  return encode(MESSAGES[message.command].fields as Codec<Message>, message);
}

/** The number of entries that a payload announces, and the most that a receiver accepts. */
export interface EntryCount {
  readonly count: number;
  readonly limit: number;
}

/**
 * Reads only the count of a list that receivers limit, so that an excessive count is found without decoding the list.
 * Undefined for commands without such a list, for an invalid count, and for a payload too short for that many
 * entries, because Core punishes only messages that it can parse. (The entries of `addrv2` vary in size; there "too
 * short" is computed with the smallest entry, 9 bytes.)
 */
export function countOf(command: string, payload: Uint8Array): EntryCount | undefined {
  const max = rows.get(command)?.max;
  if (max === undefined || payload.length < max.at) return undefined;
  const read = decode(compactSize, payload.subarray(max.at));
  if (!read.ok || read.rest.length < read.value * max.entry + max.after) return undefined;
  return { count: read.value, limit: max.entries };
}
