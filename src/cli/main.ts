#!/usr/bin/env node
/** The executable `verack`: runs the command line with the streams and signals of this process. */
import { bugReport, EXIT } from './exit-codes.js';
import { graceAfter, interruptions } from './signals.js';
import { OutputStream } from './output-stream.js';
import { whenReaderIsGone } from './pipe-reader.js';
import { run } from './program.js';
import { CLI_COMMANDS } from './commands.js';
import { systemCodeText } from './system-codes.js';

const stderr = new OutputStream(process.stderr);
const stdout = new OutputStream(process.stdout, { failed: stdoutFailed });

/** Exits with 0 when the reader closes the pipe, as `head` does; reports any other failure to write. */
function stdoutFailed(fault: string): void {
  if (fault === 'EPIPE') process.exit(EXIT.ok);
  const why = fault === 'stalled' ? 'the reader does not read' : systemCodeText(fault);
  stderr.write(`verack: standard output cannot be written: ${why}; lines are lost.\n`);
}

/** Exits once the last lines are written, without waiting for sockets that are still closing. */
async function exit(code: number): Promise<void> {
  const drained = Promise.all([stdout.drain(), stderr.drain()]);
  await Promise.race([drained, graceAfter(interrupted)]);
  const isLost = (stdout.writeError ?? stderr.writeError) !== undefined;
  process.exit(code === EXIT.ok && isLost ? EXIT.output : code);
}

function reportBug(error: unknown): void {
  stderr.write(`${bugReport(error)}\n`);
  void exit(EXIT.bug);
}

process.once('uncaughtException', reportBug);
whenReaderIsGone(process.stdout.fd, () => process.exit(EXIT.ok));
const reopen = (): boolean => [stdout.reopen(), stderr.reopen()].includes(true);
const interrupted = interruptions(process, () => process.exit(EXIT.interrupted), undefined, reopen);
await exit(await run(process.argv.slice(2), CLI_COMMANDS, { stdout, stderr, env: process.env, interrupted }));
