/**
 * A child process that ends with this process: after a failed test, after Ctrl-C, and even when this process is killed.
 *
 * For each child there is a watchdog: a shell that reads from a pipe to which only this process can write. When this process ends, for any
 * reason, the pipe is closed, and the watchdog kills the child and removes its directory.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';

const WATCHDOG = 'read -r _; kill -KILL "$1" 2>/dev/null; rm -rf -- "$2"';
const TAIL_BYTES = 6_000;

/** Makes an empty folder for one child. */
export function freshFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `verack-${name}-`));
}

/** A running program with its own directory, which is also its home and its working directory. */
export class Child {
  /** The file that receives the output of the program, so that much output uses no memory here. */
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #watchdog: ChildProcess;
  readonly #ended: Promise<string>;
  #end: string | undefined;
  #lastWords = '';

  /** Starts the program. `folder` is removed when it stops. */
  constructor(
    program: string,
    args: readonly string[],
    readonly folder: string,
  ) {
    this.logFile = join(folder, 'output.log');
    this.#process = start(program, args, folder, this.logFile);
    this.#ended = endOf(this.#process).then((end) => (this.#end = end));
    this.#watchdog = watch(this.#process.pid ?? 0, folder);
  }

  /** The process id; 0 when it could not even be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** How the program ended, as text for people; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The end of the output of the program, also after it was stopped. */
  tail(): string {
    return existsSync(this.logFile) ? tailOf(this.logFile) : this.#lastWords;
  }

  /** Asks the program to end, as Ctrl-C does, and waits until it has. Its folder stays until `stop`. */
  async interrupt(): Promise<void> {
    this.#process.kill('SIGINT');
    await this.#ended;
  }

  /** Kills the program and cleans up; there is nothing in its folder that a graceful end would save. Idempotent. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    this.#watchdog.kill('SIGKILL');
    this.#lastWords = this.tail();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Closes the pipe of the watchdog, as the end of this process would: for the test of the watchdog. */
  async abandon(): Promise<void> {
    this.#watchdog.stdin?.destroy();
    await Promise.all([this.#ended, endOf(this.#watchdog)]);
  }
}

function start(program: string, args: readonly string[], folder: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const env = { ...process.env, HOME: folder };
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  return child;
}

/** Resolves with a text once the program has ended. A program that cannot be started emits `error`, not `exit`. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
  });
}

/** Starts the watchdog in a separate session, so that Ctrl-C does not end it first. */
function watch(pid: number, folder: string): ChildProcess {
  const args = ['-c', WATCHDOG, 'watchdog', pid === 0 ? '' : String(pid), folder];
  const watchdog = spawn('sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
  return watchdog;
}

function tailOf(file: string): string {
  const fd = openSync(file, 'r');
  const start = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
  const bytes = Buffer.alloc(TAIL_BYTES);
  const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, TAIL_BYTES, start));
  closeSync(fd);
  return text;
}
