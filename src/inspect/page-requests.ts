/** Reads what a page says. Whatever is not a request of the right shape is not heard. */
import type { LabCommand, Request } from './page/feed-messages.js';

/** Rows that can be in sight, and the longest key, name or token. */
const VIEW = 100;
const TEXT = 64;
/** The longest leap of the lab's clock, milliseconds: half an hour. */
const LEAP = 1_800_000;

type Plain = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= TEXT;
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** Undefined for anything else than a {@link Request}. */
export function requestOf(text: string): Request | undefined {
  const value = parsed(text);
  if (!isPlain(value)) return undefined;
  const { view, choose, token, lab } = value;
  if (Array.isArray(view) && view.length <= VIEW && view.every(isText)) return { view };
  if (isText(choose)) return { choose };
  return isText(token) && isCommand(lab) ? { token, lab } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** By verb, what must go with it. */
const SHAPES: Readonly<Record<LabCommand['do'], (command: Plain) => boolean>> = {
  start: ({ actor, dialled }) => isText(actor) && typeof dialled === 'boolean',
  send: ({ n, message }) => isCount(n) && isText(message),
  close: ({ n }) => isCount(n),
  disconnect: ({ n }) => isCount(n),
  pause: ({ n }) => isCount(n),
  resume: ({ n }) => isCount(n),
  hold: () => true,
  run: () => true,
  step: () => true,
  skip: ({ ms }) => isCount(ms) && ms <= LEAP,
};

function isCommand(value: unknown): value is LabCommand {
  if (!isPlain(value) || typeof value.do !== 'string' || !Object.hasOwn(SHAPES, value.do)) return false;
  return SHAPES[value.do as LabCommand['do']](value);
}
