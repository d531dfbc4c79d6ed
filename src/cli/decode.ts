/** `verack decode`: prints the fields of messages that are given as bytes. */
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
    'Reads one or more complete v1 frames of any network, or with --command one payload without a header. The input is hex ' +
    'digits (spaces, colons, commas, 0x and \\x are ignored), the output of xxd or hexdump -C, or, on standard input, the ' +
    `bytes themselves; at most ${MAX_INPUT / 1e6} MB. The exit code is 6 when Bitcoin Core would not accept one of the messages.`,
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
    // Waits for a slow reader, so that the output does not accumulate in memory.
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
    'the bytes do not begin with the magic of a known network; for a payload without a header give --command NAME',
  );
}

function nameOf(command: string): string {
  if (isKnownCommand(command)) return command;
  throw new Usage(`no such command: "${command}"; the commands are ${COMMANDS.join(', ')}`);
}
