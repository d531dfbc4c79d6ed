/**
 * The output of a verb: results go to stdout, diagnostics to stderr in the format of `--log`. With `--json`, stdout has
 * only NDJSON; with `--quiet`, stderr has only failures. The status line appears only on a terminal.
 */
import { styleText } from 'node:util';
import { type Entry, type Level, lineOf, logLine, type LogForm } from './log-formats.js';
import { MAX_PENDING, type OutputStreamSettings } from './output-stream.js';
import { jsonLine, withoutControls } from './terminal-text.js';

/** When output is coloured. */
export type When = 'auto' | 'always' | 'never';

/** A style of `util.styleText`, such as `bold` or `red`. */
export type Style = Parameters<typeof styleText>[0];

/** The part of a stream that is needed here. */
export interface TextOutput {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  write(text: string): unknown;
  /** Lines that could not be written since the start. */
  readonly dropped?: number;
  /** Sets how lines that cannot be written are handled; see {@link OutputStreamSettings}. */
  configure?(settings: OutputStreamSettings): void;
  /** Resolves when the reader has read everything. */
  drain?(): Promise<void>;
}

/** The streams, and the shared output options. */
export interface OutputOptions {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: number;
  readonly color: When;
  /** Default `pretty`. */
  readonly log?: LogForm;
  /** Whether the verb ends by itself. If so, no output is dropped for a slow reader. Default false. */
  readonly isFinite?: boolean;
}

/** Milliseconds between two lines of progress when there is no status line. */
const PROGRESS_INTERVAL = 5_000;

const CLEAR = '\r\u001b[2K';

/** Whether to use colours on a stream: decided by the flag, then FORCE_COLOR, then NO_COLOR, then whether it is a terminal. */
export function isColoured(stream: TextOutput, env: NodeJS.ProcessEnv, when: When): boolean {
  if (when !== 'auto') return when === 'always';
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Styles text, or returns it unchanged. */
export type Paint = (style: Style, text: string) => string;

/** Escapes other than the colours of {@link Paint}. */
// eslint-disable-next-line no-control-regex
const OTHER_ESCAPES = /\u001b(?!\[[\d;]*m)/g;

/** Replaces control characters, so that the names of files and hosts cannot move the cursor, begin another line or reorder text. */
const harmless = (line: string, isPainted: boolean): string =>
  isPainted ? withoutControls(line.replace(OTHER_ESCAPES, '?'), '\u001b') : withoutControls(line);

const painter = (isOn: boolean): Paint =>
  isOn ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;

/** Writes the output of one verb. */
export class Output {
  readonly json: boolean;
  readonly verbose: number;
  readonly log: LogForm;
  /** Styles text for stdout; `paintLog` for stderr. */
  readonly paint: Paint;
  readonly paintLog: Paint;
  /** Whether a status line may be shown. */
  readonly isLive: boolean;
  readonly #options: OutputOptions;
  readonly #endings: (() => void)[] = [];
  readonly #isPainted: { readonly stdout: boolean; readonly stderr: boolean };
  #status = '';
  #progressAt = 0;
  #isIncomplete = false;

  constructor(options: OutputOptions) {
    const { stdout, stderr, env, json, quiet, verbose, color, log = 'pretty' } = options;
    this.#options = options;
    this.json = json;
    this.verbose = verbose;
    this.log = log;
    this.#isPainted = {
      stdout: isColoured(stdout, env, color),
      stderr: log === 'pretty' && isColoured(stderr, env, color),
    };
    this.paint = painter(this.#isPainted.stdout);
    this.paintLog = painter(this.#isPainted.stderr);
    this.#configure();
    this.isLive = stderr.isTTY === true && env.TERM !== 'dumb' && !json && !quiet && log === 'pretty';
  }

  /** The width for tables in characters; undefined when stdout is not a terminal, and with `-v`, which shows all columns. */
  get columns(): number | undefined {
    const { stdout } = this.#options;
    return stdout.isTTY && this.verbose === 0 ? stdout.columns : undefined;
  }

  /** Lines that could not be written since the start. */
  get linesDropped(): number {
    const { stdout, stderr } = this.#options;
    return (stdout.dropped ?? 0) + (stderr.dropped ?? 0);
  }

  /** Whether a file that was asked for is incomplete: the exit code is then not 0. */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Writes a line of the result for people; nothing with `--json`. */
  answer(line: string): void {
    if (!this.json) this.#print(this.#options.stdout, harmless(line, this.#isPainted.stdout));
  }

  /** Writes an event as NDJSON, with `--json` only; `t` is UNIX time in milliseconds. */
  event(event: string, facts: object): void {
    if (this.json) this.object({ t: Date.now(), event, ...facts });
  }

  /** Writes an object as a line of NDJSON, with `--json` only. */
  object(value: object): void {
    if (this.json) this.#print(this.#options.stdout, jsonLine(value));
  }

  /** Writes a text that is the whole result, unchanged except for white space at its end. */
  raw(text: string): void {
    this.#print(this.#options.stdout, text.trimEnd());
  }

  /** Writes a diagnostic of level `info`. */
  info(line: string): void {
    this.#log('info', logLine(this.log, 'info', line, new Date()));
  }

  /** Writes a diagnostic of level `warn`: a failure. */
  failure(line: string): void {
    this.#log('warn', logLine(this.log, 'warn', line, new Date()));
  }

  /** Reports that a file that was asked for cannot be written. */
  unwritten(line: string): void {
    this.#isIncomplete = true;
    this.failure(line);
  }

  /** Writes an event to the log, unless the log has the format for people. */
  entry(entry: Entry): void {
    const line = this.log === 'pretty' ? undefined : lineOf(this.log, entry, new Date());
    if (line !== undefined) this.#log(entry.level, line);
  }

  /** Resolves when the reader of stdout has read everything. */
  async drain(): Promise<void> {
    await this.#options.stdout.drain?.();
  }

  /** Calls `action` once when the verb has ended; it may still write lines. */
  atEnd(action: () => void): void {
    this.#endings.push(action);
  }

  /** Call this when the verb has ended: runs the actions of `atEnd`. */
  end(): void {
    for (const action of this.#endings.splice(0)) action();
  }

  /** Replaces the status line; an empty text removes it. */
  status(line: string): void {
    if (!this.isLive || line === this.#status) return;
    this.#status = line;
    this.#options.stderr.write(CLEAR + this.#fitted());
  }

  /** Shows the progress of the verb in the status line; without one, in a diagnostic of level `info` every few seconds. */
  progress(line: string): void {
    if (this.isLive) return this.status(line);
    const now = Date.now();
    if (now - this.#progressAt < PROGRESS_INTERVAL) return;
    this.#progressAt = now;
    this.info(line);
  }

  #configure(): void {
    const { stdout, stderr, isFinite = false } = this.#options;
    const limit = isFinite ? Infinity : MAX_PENDING;
    const lost = (lines: number, fault: string): string => `${lines} lines could not be written (${fault})`;
    const event = 'lost';
    stdout.configure?.({
      limit,
      notice: (lines, fault) =>
        this.json ? JSON.stringify({ t: Date.now(), event, lines, fault }) : lost(lines, fault),
    });
    stderr.configure?.({
      limit,
      notice: (lines, fault) => logLine(this.log, 'warn', lost(lines, fault), new Date()),
    });
  }

  #log(level: Level, line: string): void {
    if (!this.#options.quiet || level === 'warn')
      this.#print(this.#options.stderr, harmless(line, this.#isPainted.stderr));
  }

  #fitted(): string {
    const { columns = 80 } = this.#options.stderr;
    return this.paintLog('dim', harmless(this.#status, false).slice(0, columns - 1));
  }

  /** Writes a line, and the status line again below it. */
  #print(stream: TextOutput, line: string): void {
    const { stderr } = this.#options;
    if (this.#status !== '') stderr.write(CLEAR);
    stream.write(`${line}\n`);
    if (this.#status !== '') stderr.write(this.#fitted());
  }
}
