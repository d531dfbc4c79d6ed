/**
 * The contents of an application packet (BIP324, "Application layer specification"): either a one-byte id of the command and
 * the payload, or a zero byte, the command in 12 bytes and the payload. Both forms are accepted; commands with a short id are
 * sent in the short form. The short ids are in the message table.
 */
import { COMMAND_SIZE, readCommand, writeCommand } from '../command.js';
import { commandOfShortId, shortIdOf } from '../messages.js';
import { sanitize } from '../display-text.js';

/** Bytes before the payload in the long form: the zero byte and the command. */
export const LONG_HEAD = 1 + COMMAND_SIZE;
/** The highest character that Core accepts in a command on v2; on v1 it is 0x7e. */
const LAST_CHARACTER = 0x7f;

/** The result of {@link decodeContents}. `payload` is a view of the input; the `command` of invalid contents is for display only. */
export type Contents =
  | { readonly valid: true; readonly command: string; readonly payload: Uint8Array }
  | { readonly valid: false; readonly command: string };

/**
 * Encodes a message. The long form is used for commands without a short id, and for all commands if `long` is set.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a command of more than 12 bytes.
 */
export function encodeContents(command: string, payload: Uint8Array, long = false): Uint8Array {
  const id = long ? undefined : shortIdOf(command);
  const head = id === undefined ? LONG_HEAD : 1;
  const contents = new Uint8Array(head + payload.length);
  if (id === undefined) writeCommand(contents, 1, command);
  else contents[0] = id;
  contents.set(payload, head);
  return contents;
}

/**
 * Decodes contents. Never throws. As in Core, these are invalid: empty contents, a short id that no command has, a long form that is too
 * short or has an invalid command. `command` is then empty, `#` and the id, or the command's bytes made printable.
 */
export function decodeContents(contents: Uint8Array): Contents {
  const [id] = contents;
  if (id === undefined) return { valid: false, command: '' };
  if (id === 0) return decodeLong(contents);
  const command = commandOfShortId(id);
  if (command === undefined) return { valid: false, command: `#${id}` };
  return { valid: true, command, payload: contents.subarray(1) };
}

function decodeLong(contents: Uint8Array): Contents {
  const command = contents.length < LONG_HEAD ? undefined : readCommand(contents, 1, LAST_CHARACTER);
  if (command !== undefined) return { valid: true, command, payload: contents.subarray(LONG_HEAD) };
  const field = contents.subarray(1, LONG_HEAD);
  const size = field.findLastIndex((byte) => byte !== 0) + 1;
  return { valid: false, command: sanitize(field.subarray(0, size)) };
}
