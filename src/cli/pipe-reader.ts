/** Detects that the reader of stdout has closed the pipe although nothing is being written: `connect | head -1`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';

/** Milliseconds before `tail` is started, so that short verbs do not start it. */
const DELAY = 1_000;

/**
 * Calls `closed` when the pipe `fd` has no reader any more. Node.js cannot poll a pipe that it only writes to, but GNU tail
 * can: `tail -f` with the same pipe as stdout ends by SIGPIPE when the reader has closed it. If `fd` is not a pipe, or tail
 * is not GNU's, `closed` is never called, and the next write fails with EPIPE. Does not keep the process running; tail ends
 * with the process.
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

/** Undefined where the permission model of Node.js does not permit child processes. */
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
