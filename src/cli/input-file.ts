/** Reads the files that are given to a verb, without blocking on a pipe that has no writer. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { VerackError } from '../index.js';
import { openInputFile, readInputFile } from '../net/index.js';
import { Usage } from './exit-codes.js';
import { systemCodeText } from './system-codes.js';

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

/** The contents of a file or device that an option or operand names. Throws `Usage` for a pipe, for more than `limit` bytes, and when it cannot be read. */
export const readNamedFile = (path: string, limit = LARGEST): Buffer =>
  orUsage(path, () => readInputFile(path, limit));

/** Whether such a file begins with this byte. Throws `Usage` as {@link readNamedFile} does. */
export const beginsWith = (path: string, byte: number): boolean =>
  orUsage(path, () => {
    const fd = openInputFile(path);
    try {
      const start = Buffer.alloc(1);
      return readSync(fd, start) === 1 && start[0] === byte;
    } finally {
      closeSync(fd);
    }
  });

function orUsage<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    const why = error instanceof VerackError ? String(error.facts.why) : systemCodeText(code);
    throw new Usage(`"${path}" cannot be read: ${why}`);
  }
}

/** The contents of a file as UTF-8 text without a byte order mark; limit and errors as {@link readNamedFile}. */
export const readTextFile = (path: string, limit?: number): string =>
  readNamedFile(path, limit)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
