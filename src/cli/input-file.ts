/** Files that a verb reads: without blocking on a pipe that has no writer. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { Usage } from './exit-codes.js';

/** To open a pipe would otherwise wait for a writer, in a thread that the end of the process waits for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** The bytes of a file or a pipe, until `signal` aborts. Throws the system's error when the file cannot be opened. */
export function openInput(path: string, signal: AbortSignal): Readable {
  const fd = openSync(path, FLAGS);
  const isPipe = fstatSync(fd).isFIFO();
  const stream = isPipe
    ? new Socket({ fd, readable: true, writable: false })
    : createReadStream(path, { fd });
  return addAbortSignal(signal, stream);
}

/** A whole text file. Throws `Usage` for a pipe, the system's error for what cannot be read. */
export function readTextFile(path: string): string {
  const fd = openSync(path, FLAGS);
  try {
    if (fstatSync(fd).isFIFO()) throw new Usage(`"${path}" is a pipe, not a file`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
