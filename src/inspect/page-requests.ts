/** Parses and validates the requests of a page. Invalid requests are ignored. */
import type { LabCommand, Request } from './page/feed-messages.js';

/** Most rows that can be visible, and the length of the longest key, name or token. */
const MAX_VISIBLE = 100;
const MAX_TEXT = 64;
/** The longest time by which the clock of the lab can be set forward, milliseconds: half an hour. */
const MAX_SKIP = 1_800_000;

type Plain = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT;
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** The request in a text; undefined if it is not a valid {@link Request}. */
export function requestOf(text: string): Request | undefined {
  const value = parsed(text);
  if (!isPlain(value)) return undefined;
  const { visible, select, token, lab } = value;
  if (Array.isArray(visible) && visible.length <= MAX_VISIBLE && visible.every(isText)) return { visible };
  if (isText(select)) return { select };
  return isText(token) && isCommand(lab) ? { token, lab } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Validates the members of each command. */
const SHAPES: Readonly<Record<LabCommand['do'], (command: Plain) => boolean>> = {
  start: ({ behaviour, dialled, held }) =>
    isText(behaviour) && typeof dialled === 'boolean' && typeof held === 'boolean',
  send: ({ n, message }) => isCount(n) && isText(message),
  close: ({ n }) => isCount(n),
  disconnect: ({ n }) => isCount(n),
  pause: ({ n }) => isCount(n),
  resume: ({ n }) => isCount(n),
  hold: () => true,
  run: () => true,
  step: () => true,
  skip: ({ ms }) => isCount(ms) && ms <= MAX_SKIP,
};

function isCommand(value: unknown): value is LabCommand {
  if (!isPlain(value) || typeof value.do !== 'string' || !Object.hasOwn(SHAPES, value.do)) return false;
  return SHAPES[value.do as LabCommand['do']](value);
}
