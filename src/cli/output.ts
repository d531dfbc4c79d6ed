/**
 * Where words go: the answer to stdout, talk to stderr (in the form that `--log` asks for). With `--json` stdout carries NDJSON and nothing else; with
 * `--quiet` only answers and failures remain; the status line exists on a terminal only and never gets in the way.
 */
import { styleText } from 'node:util';
import { type Entry, type Level, lineOf, type LogForm, sentence } from './log-formats.js';
import type { When } from './options.js';

export type Style = Parameters<typeof styleText>[0];

/** The part of a stream that is needed here. */
export interface Sheet {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly stdout: Sheet;
  readonly stderr: Sheet;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: number;
  readonly color: When;
  /** Default `pretty`. */
  readonly log?: LogForm;
}

const CLEAR = '\r\u001b[2K';

/** Whether a stream takes colours: the flag, then FORCE_COLOR, then NO_COLOR, then what the stream is. */
export function isColoured(sheet: Sheet, env: NodeJS.ProcessEnv, when: When): boolean {
  if (when !== 'auto') return when === 'always';
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return sheet.isTTY === true && env.TERM !== 'dumb';
}

/** Paints text, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

const painter = (isOn: boolean): Paint =>
  isOn ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;

export class Output {
  readonly json: boolean;
  readonly verbose: number;
  readonly log: LogForm;
  /** For stdout and for stderr. */
  readonly paint: Paint;
  readonly paintTalk: Paint;
  /** Whether a status line may be shown. */
  readonly isLive: boolean;
  readonly #options: OutputOptions;
  #status = '';

  constructor(options: OutputOptions) {
    const { stdout, stderr, env, json, quiet, verbose, color, log = 'pretty' } = options;
    this.#options = options;
    this.json = json;
    this.verbose = verbose;
    this.log = log;
    this.paint = painter(isColoured(stdout, env, color));
    this.paintTalk = painter(log === 'pretty' && isColoured(stderr, env, color));
    this.isLive = stderr.isTTY === true && env.TERM !== 'dumb' && !json && !quiet && log === 'pretty';
  }

  /** Columns to fill on stdout; undefined when it is no terminal, and nothing has to be cut. */
  get columns(): number | undefined {
    return this.#options.stdout.isTTY ? this.#options.stdout.columns : undefined;
  }

  /** A line of the answer, for people. */
  answer(line: string): void {
    if (!this.json) this.#print(this.#options.stdout, line);
  }

  /** A line of the answer, for programs; `t` is UNIX time in milliseconds. */
  event(event: string, facts: object): void {
    if (this.json) this.object({ t: Date.now(), event, ...facts });
  }

  /** Any object as a line of NDJSON. */
  object(value: object): void {
    if (this.json) this.#print(this.#options.stdout, JSON.stringify(value));
  }

  /** A text that is the whole answer in itself, as it stands. */
  raw(text: string): void {
    this.#print(this.#options.stdout, text.trimEnd());
  }

  /** What a person may like to know meanwhile. */
  talk(line: string): void {
    this.#tell('info', sentence(this.log, 'info', line, new Date()));
  }

  /** What went wrong. */
  failure(line: string): void {
    this.#tell('warn', sentence(this.log, 'warn', line, new Date()));
  }

  /** Something that happened, where the log is not for people. */
  entry(entry: Entry): void {
    const line = this.log === 'pretty' ? undefined : lineOf(this.log, entry, new Date());
    if (line !== undefined) this.#tell(entry.level, line);
  }

  /** Replaces the line at the bottom; empty takes it away. */
  status(line: string): void {
    if (!this.isLive || line === this.#status) return;
    this.#status = line;
    this.#options.stderr.write(CLEAR + this.#fitted());
  }

  #tell(level: Level, line: string): void {
    if (!this.#options.quiet || level === 'warn') this.#print(this.#options.stderr, line);
  }

  #fitted(): string {
    const { columns = 80 } = this.#options.stderr;
    return this.paintTalk('dim', this.#status.slice(0, columns - 1));
  }

  /** The status line makes room, and comes back below. */
  #print(sheet: Sheet, line: string): void {
    const { stderr } = this.#options;
    if (this.#status !== '') stderr.write(CLEAR);
    sheet.write(`${line}\n`);
    if (this.#status !== '') stderr.write(this.#fitted());
  }
}
