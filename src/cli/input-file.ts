/** Files that a verb reads: without blocking on a pipe that has no writer. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
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

/** The largest file that is read as a whole, unless a caller has a limit of its own; bytes. */
const LARGEST = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/**
 * A whole file or device, in pieces, since the size of a device is not known before. Throws `Usage` for a pipe and for more
 * than `limit` bytes, the system's error for what cannot be read.
 */
export function readInputFile(path: string, limit = LARGEST): Buffer {
  const fd = openSync(path, FLAGS);
  try {
    if (fstatSync(fd).isFIFO()) throw new Usage(`"${path}" is a pipe, not a file`);
    return readUpTo(fd, path, limit);
  } finally {
    closeSync(fd);
  }
}

function readUpTo(fd: number, path: string, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (let size = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(pieces);
    size += count;
    if (size > limit) throw new Usage(`"${path}" is larger than ${limit} bytes`);
    pieces.push(chunk.subarray(0, count));
  }
}

/** The same as text. */
export const readTextFile = (path: string, limit?: number): string =>
  readInputFile(path, limit).toString('utf8');
