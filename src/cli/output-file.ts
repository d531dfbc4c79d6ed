/** Writes whole files, without blocking on a pipe that has no reader. */
import { closeSync, constants, fstatSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';

/** Without O_NONBLOCK, opening a pipe waits for a reader, and no signal is handled while it waits. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
const MODE = 0o666;

/** Replaces a file, or writes to a pipe or device. Throws the system's error, with `path`. */
export async function writeNamedFile(
  path: string,
  content: string | Uint8Array,
  interrupted: AbortSignal,
): Promise<void> {
  try {
    const fd = openSync(path, FLAGS, MODE);
    if (fstatSync(fd).isFIFO()) await writeToPipe(fd, content, interrupted);
    else writeToFile(fd, content);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

function writeToFile(fd: number, content: string | Uint8Array): void {
  try {
    writeFileSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

async function writeToPipe(fd: number, content: string | Uint8Array, signal: AbortSignal): Promise<void> {
  const pipe = new Socket({ fd, readable: false, writable: true });
  pipe.end(content);
  await finished(pipe, { signal, readable: false });
}
