/** Compares an effect of a replay with the recorded effect. */
import { short } from '../conformance/message-bytes.js';
import type { Effect } from './recording-format.js';
import type { Line } from './recording-reader.js';

/** A difference between a replay and its recording. */
export interface Difference {
  /** The line of the recording, from 1. */
  readonly line: number;
  /** `write.bytes[12]`: the effect, its field and the first different byte; `order` when another effect was recorded. */
  readonly what: string;
  /** The recorded and the actual value as text, each at most {@link SHOWN} characters. */
  readonly recorded: string;
  readonly got: string;
}

/** Most characters of a value that are shown. */
export const SHOWN = 200;

/** How an effect differs from the recorded one; `undefined` when it does not. Fields that were not recorded are ignored. */
export function difference({ line, entry }: Line, got: Effect): Difference | undefined {
  // Both sides of the comparison go through JSON, which has no `undefined` and no -0.
  const found = firstOf(entry, JSON.parse(JSON.stringify(got)), got.out);
  return found && { line, ...found };
}

type Found = Omit<Difference, 'line'>;

function firstOf(recorded: unknown, got: unknown, what: string): Found | undefined {
  if (recorded === got) return undefined;
  if (isObject(recorded) && isObject(got)) return inside(recorded, got, what);
  if (typeof recorded === 'string' && typeof got === 'string' && what.endsWith('.bytes'))
    return inBytes(recorded, got, what);
  return { what, recorded: shown(recorded), got: shown(got) };
}

function inside(recorded: object, got: object, what: string): Found | undefined {
  for (const [name, value] of Object.entries(recorded)) {
    const found = firstOf(value, (got as Record<string, unknown>)[name], `${what}.${name}`);
    if (found) return found;
  }
  return undefined;
}

/** A difference in bytes, shown as hex from the first byte that differs. */
function inBytes(recorded: string, got: string, what: string): Found {
  let at = 0;
  while (recorded.slice(2 * at, 2 * at + 2) === got.slice(2 * at, 2 * at + 2)) at++;
  const rest = (hex: string): string => short(hex.slice(2 * at), 32) || '(nothing)';
  return { what: `${what}[${at}]`, recorded: rest(recorded), got: rest(got) };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A value as text, cut to {@link SHOWN} characters. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return short(text, SHOWN);
}
