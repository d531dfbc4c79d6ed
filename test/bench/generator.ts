/** The load generator, `generator.c`, compiled when it is needed; the same in Node where there is no C compiler. */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pinned } from './machine.js';

const SOURCE = fileURLToPath(new URL('../../../test/bench/generator.c', import.meta.url));
const TWIN = fileURLToPath(new URL('./generator-node.js', import.meta.url));
/** One address has 28,000 ports, and a closed connection keeps its own for a minute. */
const SOURCES = 200;

/** The result of a run of handshakes; times in milliseconds. */
export interface Handshakes {
  readonly done: number;
  readonly failed: number;
  /** Of those kept open: ended by the other side, and still open. */
  readonly lost: number;
  readonly open: number;
  readonly persecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** The result of a round of pings. */
export interface Pings {
  readonly pings: number;
  readonly pongs: number;
  readonly p50: number;
  readonly max: number;
}

export interface Dialling {
  readonly port: number;
  readonly total: number;
  readonly inflight: number;
  /** How many of the latest stay open. Default none. */
  readonly keep?: number;
  /** The longest it may take. Default 60. */
  readonly seconds?: number;
}

/** A generator at work. Ends with `stop`, and with this process. */
export class Run {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string, undefined>;

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => this.#child.stdout.destroy());
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Its next report; rejects when it has ended instead. */
  async nextReport(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done) throw new Error('the generator ended early');
    return JSON.parse(line.value) as unknown;
  }

  /** Pings every connection that is kept. */
  async ping(): Promise<Pings> {
    this.#child.stdin.write('ping\n');
    return (await this.nextReport()) as Pings;
  }

  /** Does more handshakes; the oldest connections that are kept make room for the new ones. */
  async more(total: number): Promise<Handshakes> {
    this.#child.stdin.write(`more ${total}\n`);
    return (await this.nextReport()) as Handshakes;
  }

  /** Closes what is open. Idempotent. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export class Generator {
  readonly #folder = mkdtempSync(join(tmpdir(), 'verack-bench-'));
  readonly #command: readonly string[];
  readonly #runs = new Set<Run>();
  /** What it is, for the top of the table. */
  readonly about: string;

  /** Compiles it with `cc`. */
  constructor(private readonly core: number | undefined) {
    const program = join(this.#folder, 'generator');
    const compiled = spawnSync('cc', ['-O2', '-o', program, SOURCE], { encoding: 'utf8' });
    this.#command = compiled.status === 0 ? [program] : [execPath, TWIN];
    this.about =
      compiled.status === 0
        ? 'C, compiled now from test/bench/generator.c'
        : `Node, because cc cannot compile here (${(compiled.error?.message ?? compiled.stderr).trim()}): it is slower than what it measures, so ratios come out too high`;
  }

  /** Handshakes that are all closed in the end. */
  async handshakes(dialling: Dialling): Promise<Handshakes> {
    const { handshakes, run } = await this.hold(dialling);
    await this.#end(run);
    return handshakes;
  }

  /** Handshakes of which the latest stay open until the run is stopped. */
  async hold(dialling: Dialling): Promise<{ handshakes: Handshakes; run: Run; stop: () => Promise<void> }> {
    const { port, total, inflight, keep = 0, seconds = 60 } = dialling;
    const numbers = { port, total, inflight, keep, sources: SOURCES, seconds };
    const run = this.#start('dial', numbers);
    const handshakes = (await run.nextReport()) as Handshakes;
    return { handshakes, run, stop: () => this.#end(run) };
  }

  /** Answers connections to 127.0.0.1 and the `addresses` - 1 that follow, until stopped. */
  async respond(port: number, addresses: number): Promise<() => Promise<void>> {
    const run = this.#start('respond', { port, addresses, inflight: 16 * addresses });
    await run.nextReport();
    return () => this.#end(run);
  }

  /** Ends all that is under way. */
  async clear(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => this.#end(run)));
  }

  /** Removes the program. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(mode: string, numbers: Readonly<Record<string, number>>): Run {
    const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const run = new Run(...pinned(this.core, [...this.#command, mode, ...args]));
    this.#runs.add(run);
    return run;
  }

  async #end(run: Run): Promise<void> {
    await run.stop();
    this.#runs.delete(run);
  }
}
