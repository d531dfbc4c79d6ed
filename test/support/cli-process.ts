/** The built program as a child process, as a user runs it. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = 'dist/src/cli/main.js';
const BUILT = 'dist/.tsbuildinfo';

function newest(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => statSync(join(directory, file)).mtimeMs));
}

/** Compiles the program unless what is there is newer than its sources. Types are judged elsewhere. */
export function build(): void {
  const isFresh =
    existsSync(MAIN) &&
    existsSync(BUILT) &&
    statSync(BUILT).mtimeMs > Math.max(newest('src'), newest('machines'));
  if (isFresh) return;
  try {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  } catch (error) {
    if (!existsSync(MAIN)) throw error;
  }
}

const running = new Set<Program>();

/** Ends what a test left behind, with the child processes of a shell. */
export function endAll(): void {
  for (const program of running) program.killGroup();
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export class Program {
  stdout = '';
  stderr = '';
  /** The exit code, or the name of the signal that ended it, once all output is here. */
  readonly exit: Promise<number | string | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  #isOver = false;
  readonly #watchers = new Set<() => void>();

  constructor(
    args: readonly string[],
    { env = {}, input }: ProgramOptions = {},
    command: readonly string[] = [process.execPath, MAIN],
  ) {
    const [file = '', ...first] = command;
    this.#child = spawn(file, [...first, ...args], { env: { ...clean(), ...env }, detached: true });
    running.add(this);
    this.#child.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => this.#update(() => (this.stdout += text)));
    this.#child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => this.#update(() => (this.stderr += text)));
    this.#child.stdin.end(input);
    this.exit = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        running.delete(this);
        this.#update(() => (this.#isOver = true));
        resolve(code ?? signal);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves once the program has the file open (Linux: /proc/PID/fd). */
  async hasOpened(path: string): Promise<void> {
    while (!this.#isOver && !openFilesOf(this.#child.pid).includes(path))
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Does not read stdout any more, so that the pipe fills up. */
  stopReading(): void {
    this.#child.stdout.pause();
  }

  /** Reads stdout again. */
  readOn(): void {
    this.#child.stdout.resume();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills the program and its child processes. */
  killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  }

  /** Resolves with the match once the output has it; rejects with all output when the program ends without. */
  until(where: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this[where]);
        if (!found && !this.#isOver) return;
        this.#watchers.delete(look);
        if (found) resolve(found);
        else reject(new Error(`${String(pattern)} was never said:\n${this.stdout}\n${this.stderr}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Every line of stdout as JSON; throws when one is not. */
  get events(): Record<string, unknown>[] {
    return this.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #update(change: () => void): void {
    change();
    for (const look of [...this.#watchers]) look();
  }
}

/** Paths of the open files of a process; none when it has exited. */
function openFilesOf(pid: number | undefined): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((fd) => readlinkSync(join(folder, fd)));
  } catch {
    return [];
  }
}

/** Our own environment, without what would change the program's output. */
function clean(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => !/^(VERACK_|NO_COLOR|FORCE_COLOR|NODE_)/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
