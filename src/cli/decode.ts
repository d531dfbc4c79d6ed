/** `verack decode`: what are these bytes? */
import { Argument } from 'commander';
import { addAbortSignal } from 'node:stream';
import { annotateFrames, annotatePayload, looksFramed } from '../decode/annotate.js';
import { COMMANDS, isKnownCommand } from '../wire/index.js';
import { annotated } from './hex-dump.js';
import { EXIT, Usage } from './exit-codes.js';
import { offering, outputOptions, valued } from './options.js';
import type { Invocation, CliCommand } from './command.js';

export const decodeCommand: CliCommand = {
  name: 'decode',
  about: 'explain the bytes of messages, field by field',
  details:
    'Takes whole v1 frames of any network, one after the other, or with --command one bare payload. Blanks and line breaks ' +
    'in the hex do not matter. The exit code is 6 when a message is one that Bitcoin Core would not take.',
  examples: [
    ['verack decode f9beb4d976657261636b000000000000000000005df6e0e2', 'a whole frame'],
    ['verack decode --command ping 0807060504030201', 'a payload'],
    ['xxd -p -c0 capture.bin | verack decode - --json', 'frames from a file, as JSON'],
  ],
  operands: [new Argument('<hex...>', 'hex digits, or - to read them from standard input')],
  options: [
    offering(valued('--command <name>', 'the bytes are a payload of this command', String), ...COMMANDS),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run,
};

async function run({ operands, flags, out, interrupted }: Invocation): Promise<number> {
  const text =
    operands.length === 1 && operands[0] === '-' ? await everything(interrupted) : operands.join(' ');
  const bytes = bytesOf(text);
  const { command } = flags;
  if (command === undefined && !looksFramed(bytes)) {
    throw new Usage(
      'these bytes do not begin with the magic of a known network; for a bare payload say --command NAME',
    );
  }
  const annotations =
    command === undefined ? annotateFrames(bytes) : [annotatePayload(nameOf(command), bytes)];
  for (const annotation of annotations) {
    out.object(annotation);
    for (const line of annotated(annotation, out.paint)) out.answer(line);
  }
  return annotations.every(({ ok }) => ok) ? EXIT.ok : EXIT.violation;
}

function nameOf(command: string): string {
  if (isKnownCommand(command)) return command;
  throw new Usage(`no such command: "${command}"; the commands are ${COMMANDS.join(', ')}`);
}

/** Standard input to its end. */
async function everything(interrupted: AbortSignal): Promise<string> {
  let text = '';
  process.stdin.setEncoding('latin1');
  for await (const chunk of addAbortSignal(interrupted, process.stdin)) text += chunk as string;
  return text;
}

/** Hex to bytes; a fault is named by its character, counted from 1. */
function bytesOf(text: string): Uint8Array {
  const at = text.search(/[^\da-f\s]/i);
  if (at >= 0) throw new Usage(`character ${at + 1} is "${text[at]}", which is no hex digit`);
  const hex = text.replace(/\s/g, '');
  if (hex === '') throw new Usage('there is no hex in the input');
  if (hex.length % 2 === 1)
    throw new Usage(`${hex.length} hex digits are not a whole number of bytes; is the last one missing?`);
  return Buffer.from(hex, 'hex');
}
