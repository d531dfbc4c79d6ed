/**
 * What an application packet holds (BIP324, "Application layer specification"): one byte that stands for a command
 * and then the payload, or a zero byte, the command in 12 bytes, and then the payload. Both are accepted; the short
 * form is sent. The short ids come from the message table.
 */
import { COMMAND_SIZE, readCommand, writeCommand } from '../command.js';
import { commandOfShortId, shortIdOf } from '../messages.js';
import { sanitize } from '../display-text.js';

/** Size of the long form's head: the zero byte and the command. */
export const LONG_HEAD = 1 + COMMAND_SIZE;
/** The last character that Core takes in a command on v2; on v1 it is 0x7e. */
const LAST_CHARACTER = 0x7f;

/** `known`: what the command is, or for display what it seems to be. `payload` is a view. */
export type Contents =
  | { readonly valid: true; readonly command: string; readonly payload: Uint8Array }
  | { readonly valid: false; readonly command: string };

/**
 * Contents of a message. The long form for commands without short id, and for all when `long` is set.
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
 * Reads contents. Not valid, as in Core: none at all, a short id without command, a long form cut short or with a
 * bad command. Then `command` is for display: empty, `#` and the id, or the 12 bytes printable.
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
