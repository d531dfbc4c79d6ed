/** Reads the files that are given to a verb, without blocking on a pipe that has no writer. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { Usage } from './exit-codes.js';

/** Without O_NONBLOCK, opening a pipe waits for a writer, and the process cannot exit while it waits. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A stream of the bytes of a file or a pipe; `signal` destroys it. Throws the system's error when the file cannot be opened. */
export function openInput(path: string, signal: AbortSignal): Readable {
  const fd = openSync(path, FLAGS);
  const isPipe = fstatSync(fd).isFIFO();
  const stream = isPipe
    ? new Socket({ fd, readable: true, writable: false })
    : createReadStream(path, { fd });
  return addAbortSignal(signal, stream);
}

/** Default limit for a file that is read as a whole, in bytes. */
const LARGEST = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/**
 * The contents of a file or a device, which is read in pieces, since a device does not report its size. Throws `Usage` for
 * a pipe and for more than `limit` bytes, and the system's error when it cannot be read.
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

/** The contents of a file as UTF-8 text; limit and errors as `readInputFile`. */
export const readTextFile = (path: string, limit?: number): string =>
  readInputFile(path, limit).toString('utf8');
