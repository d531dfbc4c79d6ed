/**
 * Reads whole files up to a size limit. They are read in pieces, because the size that the system reports is not reliable (devices),
 * and without waiting for the writer of a pipe.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { VerackError } from '../reasons.js';

/** Non-blocking, because opening a pipe would otherwise wait for a writer and the process could not end meanwhile. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
const CHUNK = 1024 * 1024;

/**
 * Opens a file for reading; the caller closes the descriptor.
 * @throws the system's error; an error with the code `ESPIPE` for a pipe
 */
export function openInputFile(path: string): number {
  const fd = openSync(path, FLAGS);
  if (!fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw Object.assign(new Error(`${path} is a pipe`), { code: 'ESPIPE', path });
}

/**
 * Reads a whole file or device.
 *
 * @param limit - bytes
 * @throws the system's error; `ESPIPE` for a pipe
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for more than `limit` bytes
 */
export function readInputFile(path: string, limit: number): Buffer {
  const fd = openInputFile(path);
  try {
    return readUpTo(fd, path, limit);
  } finally {
    closeSync(fd);
  }
}

function readUpTo(fd: number, path: string, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (let size = 0; ;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, limit + 1));
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(pieces);
    size += count;
    if (size > limit)
      throw new VerackError('ERR_LOCAL_ARGUMENT', { value: path, why: `it has more than ${limit} bytes` });
    pieces.push(chunk.subarray(0, count));
  }
}
