/** Files that a verb writes as a whole: without waiting for a reader that a pipe does not have. */
import { closeSync, constants, fstatSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';

/** To open a pipe would otherwise wait for a reader, and no signal would be handled meanwhile. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
const MODE = 0o666;

/** Replaces a file, or writes to the pipe or device of that name. Throws the system's error, with `path`. */
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
