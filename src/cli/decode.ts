/** `verack decode`: explains the bytes of messages. */
import { Argument } from 'commander';
import { addAbortSignal } from 'node:stream';
import { annotatePayload, type Annotation, eachFrame, looksFramed } from '../decode/annotate.js';
import { COMMANDS, isKnownCommand } from '../wire/index.js';
import { annotationLines } from './hex-dump.js';
import { EXIT, Usage } from './exit-codes.js';
import { bytesOfInput, MAX_INPUT, readInput } from './hex-input.js';
import { withChoices, outputOptions, valued } from './options.js';
import type { Invocation, CliCommand } from './command.js';

export const decodeCommand: CliCommand = {
  name: 'decode',
  about: 'explain the bytes of messages, field by field',
  details:
    'Takes whole v1 frames of any network, one after the other, or with --command one bare payload. The input is hex digits ' +
    '(blanks, colons, commas, 0x and \\x do not matter), the output of xxd or hexdump -C, or on standard input the bytes ' +
    `themselves; at most ${MAX_INPUT / 1e6} MB. The exit code is 6 when a message is one that Bitcoin Core would not take.`,
  examples: [
    ['verack decode f9beb4d976657261636b000000000000000000005df6e0e2', 'a whole frame'],
    ['verack decode --command ping 0807060504030201', 'a payload'],
    ['verack decode - --json < capture.bin', 'frames from a file, as JSON'],
  ],
  operands: [new Argument('<hex...>', 'hex digits, or - for standard input')],
  options: [
    withChoices(valued('--command <name>', 'the bytes are a payload of this command', String), ...COMMANDS),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run,
};

async function run({ operands, flags, out, interrupted }: Invocation): Promise<number> {
  const bytes = bytesOfInput(await inputOf(operands, interrupted));
  let isGood = true;
  for (const annotation of annotationsOf(bytes, flags.command)) {
    out.object(annotation);
    for (const line of annotationLines(annotation, out.paint)) out.answer(line);
    isGood &&= annotation.ok;
    // A reader that is slower than this does not fill the memory.
    await out.drain();
  }
  return isGood ? EXIT.ok : EXIT.violation;
}

const inputOf = (operands: readonly string[], interrupted: AbortSignal): Promise<Uint8Array> | Uint8Array =>
  operands.length === 1 && operands[0] === '-'
    ? readInput(addAbortSignal(interrupted, process.stdin))
    : Buffer.from(operands.join(' '));

function annotationsOf(bytes: Uint8Array, command: string | undefined): Iterable<Annotation> {
  if (command !== undefined) return [annotatePayload(nameOf(command), bytes)];
  if (looksFramed(bytes)) return eachFrame(bytes);
  throw new Usage(
    'these bytes do not begin with the magic of a known network; for a bare payload say --command NAME',
  );
}

function nameOf(command: string): string {
  if (isKnownCommand(command)) return command;
  throw new Usage(`no such command: "${command}"; the commands are ${COMMANDS.join(', ')}`);
}
