/**
 * The forms of the diagnostics on stderr: `pretty` for people, `json` with one object per line, and `core`, lines as in
 * the debug.log of Bitcoin Core. This file has the formats, not the events.
 */
export type LogForm = 'pretty' | 'json' | 'core';
export type Level = 'debug' | 'info' | 'warn';

/** Something that happened, for a log. */
export interface Entry {
  readonly level: Level;
  /** The word for it, as on stdout with `--json`. */
  readonly event: string;
  readonly facts: object;
  /** The same as Core would say it; absent where it would say nothing. */
  readonly core?: string | undefined;
}

/** The entry as a line of that form; undefined where the form has none. */
export function lineOf(form: Exclude<LogForm, 'pretty'>, entry: Entry, at: Date): string | undefined {
  if (form === 'json') return jsonLine(entry, at);
  return entry.core === undefined ? undefined : `${secondOf(at)} ${entry.core}`;
}

/** A text as a line of that form. */
export function logLine(form: LogForm, level: Level, text: string, at: Date): string {
  if (form === 'pretty') return text;
  const entry = { level, event: 'notice', facts: { text }, core: printable(text) };
  return lineOf(form, entry, at) ?? text;
}

const jsonLine = ({ level, event, facts }: Entry, at: Date): string =>
  escaped(JSON.stringify({ time: at.toISOString(), level, event, ...facts }));

/** As Core without `-logtimemicros`. */
const secondOf = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;

/** JSON does not escape these characters, and a terminal interprets some of them. */
const escaped = (json: string): string =>
  json.replace(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);

// eslint-disable-next-line no-control-regex
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
