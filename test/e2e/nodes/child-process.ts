/**
 * A child process that never outlives us: not after a failed test, nor after Ctrl-C, nor when we are killed outright.
 *
 * Beside each child runs a warden, a shell that waits at a pipe that only we hold. When we are gone, for whatever
 * reason, the pipe closes; the warden then kills the child and removes its folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';

const WARDEN = 'read -r _; kill -KILL "$1" 2>/dev/null; rm -rf -- "$2"';
const TAIL_BYTES = 6_000;

/** Makes an empty folder for one child. */
export function freshFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `verack-${name}-`));
}

/** A running program with a folder of its own, which is also its home and its working directory. */
export class Child {
  /** Where the program's output goes; a file, so that a chatty program costs us nothing. */
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #warden: ChildProcess;
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
    this.#warden = watch(this.#process.pid ?? 0, folder);
  }

  /** The process id; 0 when it could not even be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** How the program ended, as text for a person; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The end of what the program said, also after it was stopped. */
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
    this.#warden.kill('SIGKILL');
    this.#lastWords = this.tail();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Does what our own death would do: lets go of the warden's pipe. For the test of exactly that. */
  async abandon(): Promise<void> {
    this.#warden.stdin?.destroy();
    await Promise.all([this.#ended, endOf(this.#warden)]);
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

/** Settles once, with words: a program that cannot be started never says `exit`, only `error`. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
  });
}

/** Starts the warden in a session of its own, so that Ctrl-C at our terminal does not end it first. */
function watch(pid: number, folder: string): ChildProcess {
  const args = ['-c', WARDEN, 'warden', pid === 0 ? '' : String(pid), folder];
  const warden = spawn('sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  warden.unref();
  (warden.stdin as Socket).unref();
  return warden;
}

function tailOf(file: string): string {
  const fd = openSync(file, 'r');
  const start = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
  const bytes = Buffer.alloc(TAIL_BYTES);
  const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, TAIL_BYTES, start));
  closeSync(fd);
  return text;
}
