/** The 12-byte command field of v1 headers and of BIP324 messages without a short id. */
import { VerackError } from '../reasons.js';
import { MESSAGES } from './message-definitions.js';

/** Size of the field: ASCII, padded with NUL. */
export const COMMAND_SIZE = 12;

const FIRST = 0x20;

/** A command of the table and its field as three 32-bit numbers, so that it is found without creating a string for every message. */
interface Known {
  readonly command: string;
  readonly words: readonly [number, number, number];
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** A hash without collisions between the commands of the table. `knownCommand` then compares the whole field. */
const keyOf = (a: number, b: number, c: number): number => a ^ Math.imul(b, 31) ^ Math.imul(c, 17);

const known = new Map<number, Known>(
  Object.keys(MESSAGES).map((command) => {
    const field = new TextEncoder().encode(command.padEnd(COMMAND_SIZE, '\0'));
    const words = [wordAt(field, 0), wordAt(field, 4), wordAt(field, 8)] as const;
    return [keyOf(...words), { command, words }];
  }),
);

function knownCommand(bytes: Uint8Array, at: number): string | undefined {
  const [a, b, c] = [wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8)];
  const found = known.get(keyOf(a, b, c));
  const isIt = found?.words[0] === a && found.words[1] === b && found.words[2] === c;
  return isIt ? found.command : undefined;
}

/**
 * The command in the 12 bytes at offset `at`; undefined if a byte before the first NUL is outside 0x20..`last`, or a byte after
 * it is not NUL. 12 characters without NUL and the empty command are valid. Core: `CMessageHeader::IsMessageTypeValid`
 * for v1 (`last` 0x7e), `GetMessageType` in the v2 transport (0x7f).
 */
export function readCommand(bytes: Uint8Array, at: number, last = 0x7e): string | undefined {
  return knownCommand(bytes, at) ?? readUnknown(bytes, at, last);
}

function readUnknown(bytes: Uint8Array, at: number, last: number): string | undefined {
  let text = '';
  let i = 0;
  for (; i < COMMAND_SIZE; i++) {
    const byte = bytes[at + i]!;
    if (byte === 0) break;
    if (byte < FIRST || byte > last) return undefined;
    text += String.fromCharCode(byte);
  }
  for (; i < COMMAND_SIZE; i++) if (bytes[at + i] !== 0) return undefined;
  return text;
}

/**
 * Writes the command at offset `at`, one byte per character; the field must be zeroed. Characters outside 0x20..0x7e are
 * written too, because test tools have to send invalid commands.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for more than 12 characters, or a character above 0xff.
 */
export function writeCommand(bytes: Uint8Array, at: number, command: string): void {
  if (command.length > COMMAND_SIZE || /[\u0100-\uffff]/.test(command)) {
    throw new VerackError('ERR_LOCAL_ARGUMENT', {
      expected: 'a command of at most 12 bytes',
      value: command,
    });
  }
  for (let i = 0; i < command.length; i++) bytes[at + i] = command.charCodeAt(i);
}
