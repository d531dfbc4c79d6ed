/** Notices that the reader of our output has closed its pipe while there is nothing to write: `connect | head -1`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';

/** Milliseconds before the watch starts: most verbs are done by then. */
const DELAY = 1_000;

/**
 * Calls `closed` once the pipe `fd` has no reader any more. Node.js cannot poll a pipe that it only writes to, and GNU tail
 * does: `tail -f` on the same pipe ends by SIGPIPE when the reader has closed. Where stdout is no pipe, or tail is not GNU's,
 * nothing happens: there the next write fails with EPIPE. Does not keep the program running, and tail ends with it.
 */
export function whenReaderIsGone(fd: number, closed: () => void): void {
  if (isPipe(fd)) setTimeout(() => watch(fd, closed), DELAY).unref();
}

function watch(fd: number, closed: () => void): void {
  const tail = startTail(fd);
  if (!tail) return;
  tail.unref();
  tail.on('error', () => undefined);
  tail.on('exit', (_, signal) => {
    if (signal === 'SIGPIPE') closed();
  });
  process.once('exit', () => tail.kill());
}

/** Undefined where the permission model of Node.js forbids to start programs. */
function startTail(fd: number): ChildProcess | undefined {
  try {
    return spawn('tail', ['-f', `--pid=${process.pid}`, '/dev/null'], { stdio: ['ignore', fd, 'ignore'] });
  } catch {
    return undefined;
  }
}

function isPipe(fd: number): boolean {
  try {
    return fstatSync(fd).isFIFO();
  } catch {
    return false;
  }
}
