/** Payloads to typed messages and back. Everything here derives from the table; no command is named. */
import { compactSize, decode, encode, type Codec, type Cursor, type CodecFault } from './codec.js';
import { MESSAGES, type MessageFacts, type MessageRow } from './message-definitions.js';
import { sanitize } from './display-text.js';

type Table = typeof MESSAGES;

/** A command of the table. */
export type Command = keyof Table;

/** One known message, by its command: `MessageOf<'ping'>`. */
export type MessageOf<C extends Command> = { [K in C]: Table[K] extends MessageRow<infer T> ? T : never }[C];

/** Any known message; `command` says which. Absent tail fields are missing keys. */
export type Message = MessageOf<Command>;

/**
 * A message that the table does not know: data, not an error. `name` is its command, printable (anything else became
 * `?`) and at most 12 characters; `payload` is a view of the input.
 */
export interface UnknownMessage {
  readonly command: 'unknown';
  readonly name: string;
  readonly payload: Uint8Array;
}

/** `trailing`: bytes behind the last field, which Core ignores; a view of the input. */
export type Decoded =
  | { readonly ok: true; readonly message: Message | UnknownMessage; readonly trailing: Uint8Array }
  | { readonly ok: false; readonly fault: CodecFault };

/** Offset of the nonce in the payload of `version`, bytes: behind version, services, time and two addresses. */
export const VERSION_NONCE_OFFSET = 72;

/** What Core assumes for the fields that a `version` message may leave out (`ProcessMessage`, NetMsgType::VERSION). */
export const versionDefaults = {
  nonce: '0000000000000001',
  user_agent: new Uint8Array(0),
  start_height: -1,
  relay: true,
} as const;

/** Every command of the table, in its order. */
export const COMMANDS = Object.keys(MESSAGES) as readonly Command[];

// A Map, because a peer may well send the command `constructor`.
const rows: ReadonlyMap<string, MessageRow<Message>> = new Map(Object.entries(MESSAGES));
const byShortId = new Map(
  COMMANDS.flatMap((command) => {
    const id = rows.get(command)?.shortid;
    return id === undefined ? [] : [[id, command] as const];
  }),
);
const NOTHING = new Uint8Array(0);

/** Whether the table has this command. */
export function isKnownCommand(command: string): command is Command {
  return rows.has(command);
}

/** The row of a command without its codec; undefined when the table does not know it. */
export function factsOf(command: string): MessageFacts | undefined {
  return rows.get(command);
}

/** Whether a fault in this command's payload is a protocol violation rather than a reason to drop the message (BIP434). */
export function isStrict(command: string): boolean {
  return rows.get(command)?.strict === true;
}

/** Whether every payload of this command is valid, because this library does not look into it; false for unknown commands. */
export function isOpaque(command: string): boolean {
  return rows.get(command)?.isOpaque === true;
}

/** BIP324: the command of a one-byte message id; undefined when the id is not given out. */
export function commandOfShortId(id: number): Command | undefined {
  return byShortId.get(id);
}

/** BIP324: the one-byte id of a command; undefined when it travels with its 12-byte name. */
export function shortIdOf(command: string): number | undefined {
  return rows.get(command)?.shortid;
}

/** The command of a message as it goes on the wire. */
export function commandOf(message: Message | UnknownMessage): string {
  return message.command === 'unknown' ? message.name : message.command;
}

/**
 * Decodes a payload. Never throws. Byte fields are views of `payload`, valid as long as it is.
 *
 * A fault means: drop the message, keep the connection (Core's catch in `ProcessMessages`), except when
 * {@link isStrict} says that it is a protocol violation.
 */
export function decodeMessage(command: string, payload: Uint8Array): Decoded {
  const row = rows.get(command);
  if (row === undefined) {
    return {
      ok: true,
      message: { command: 'unknown', name: sanitize(command, 12), payload },
      trailing: NOTHING,
    };
  }
  const cursor: Cursor = { bytes: payload, offset: 0, code: '', at: 0, path: '' };
  const message = row.fields.read(cursor);
  const { code, path, at, offset } = cursor;
  if (code !== '') return { ok: false, fault: { code, path, offset: at } };
  if (offset === payload.length) return { ok: true, message, trailing: NOTHING };
  if (row.strict) return { ok: false, fault: { code: 'ERR_CODEC_RANGE', path: 'trailing', offset } };
  return { ok: true, message, trailing: payload.subarray(offset) };
}

/**
 * The payload of a message, without the header of a frame. Limits are not checked: a test tool may encode 1,001 addresses.
 *
 *   encodeMessage({ command: 'ping', nonce: '0123456789abcdef' }); // 8 bytes: ef cd ab 89 67 45 23 01
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when a value does not fit its field, or a tail field stands behind a gap.
 */
export function encodeMessage(message: Message | UnknownMessage): Uint8Array {
  if (message.command === 'unknown') return message.payload;
  return encode(MESSAGES[message.command].fields as Codec<Message>, message);
}

/** How many entries a payload claims, and how many a receiver takes. */
export interface EntryCount {
  readonly count: number;
  readonly limit: number;
}

/**
 * Reads only the count of a list that receivers limit, so that an excess is found without decoding a hostile list.
 * Undefined for commands without such a list, for an unreadable count, and for a payload too short to hold that many
 * entries: Core ignores what it cannot parse and punishes only what it can. (For `addrv2`, whose entries vary, "too
 * short" is decided by the smallest entry of 9 bytes.)
 */
export function countOf(command: string, payload: Uint8Array): EntryCount | undefined {
  const max = rows.get(command)?.max;
  if (max === undefined || payload.length < max.at) return undefined;
  const read = decode(compactSize, payload.subarray(max.at));
  if (!read.ok || read.rest.length < read.value * max.entry + max.after) return undefined;
  return { count: read.value, limit: max.entries };
}
