/**
 * The formats of the diagnostics on stderr: `pretty` for people, `json` with one object per line, and `core` with lines as
 * in the debug.log of Bitcoin Core. `event-log.ts` produces the entries.
 */
export type LogForm = 'pretty' | 'json' | 'core';
export type Level = 'debug' | 'info' | 'warn';

/** A log entry. */
export interface Entry {
  readonly level: Level;
  /** The name of the event, the same as on stdout with `--json`. */
  readonly event: string;
  readonly facts: object;
  /** The text of the line in Core's format; absent for events that Core does not log. */
  readonly core?: string | undefined;
}

/** The entry as a line without a line break; undefined where the format has no line for it. */
export function lineOf(form: Exclude<LogForm, 'pretty'>, entry: Entry, at: Date): string | undefined {
  if (form === 'json') return jsonLine(entry, at);
  return entry.core === undefined ? undefined : `${secondOf(at)} ${entry.core}`;
}

/** A text as a line; in `json` as the event `notice`. */
export function logLine(form: LogForm, level: Level, text: string, at: Date): string {
  if (form === 'pretty') return text;
  const entry = { level, event: 'notice', facts: { text }, core: printable(text) };
  return lineOf(form, entry, at) ?? text;
}

const jsonLine = ({ level, event, facts }: Entry, at: Date): string =>
  escaped(JSON.stringify({ time: at.toISOString(), level, event, ...facts }));

/** UTC to the second, as Core without `-logtimemicros`. */
const secondOf = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;

/** Escapes DEL and the C1 control characters: JSON does not, and a terminal may interpret them. */
const escaped = (json: string): string =>
  json.replace(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);

// eslint-disable-next-line no-control-regex
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
