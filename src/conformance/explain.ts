/** Formats a transcript in two columns, the tester on the left and the node on the right: as expected by a case, or as recorded. */
import { messageText } from './message-bytes.js';
import type { Case, Sent, Step, Wanted } from './case.js';
import type { Transcript, TranscriptLine } from './transcript.js';
import { ignoredBy } from './expect-ops.js';

const LEFT = 44;

/** A line of the sequence; it names the connection if there are several. */
function sequenceLine({ side, text, conn }: Omit<TranscriptLine, 'at'>, isOne: boolean): string {
  const line = isOne || conn === '' ? text : `${conn}: ${text}`;
  if (side === 'both') return `${' '.repeat(6)}· ${line} ·`;
  if (side === 'tester') return `${line.padEnd(LEFT)} ──►`;
  return `${' '.repeat(LEFT)} ◄── ${line}`;
}

/** The lines of a transcript, with a heading; `left` and `right` are the names of the sides. */
export function sequenceOf(transcript: Transcript, left = 'tester', right = 'node'): string[] {
  const isOne = new Set(transcript.map(({ conn }) => conn).filter((conn) => conn !== '')).size < 2;
  const head = `${left.padEnd(LEFT)}     ${right}`;
  return [head, ...transcript.map((lineOf) => sequenceLine(lineOf, isOne))];
}

const within = ({ within_ms }: Step): string => (within_ms === undefined ? '' : ` within ${within_ms} ms`);

function wantedText(message: string | Wanted): string {
  if (typeof message === 'string') return message;
  const { msg, ...rest } = message;
  const facts = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return facts.length === 0 ? msg : `${msg} with ${facts.join(', ')}`;
}

/** The texts of the ops in which the node acts. */
const EXPECTED: Readonly<Record<string, (step: Step) => readonly string[]>> = {
  expect: (step) =>
    (step.messages ?? []).map((m) => `${wantedText(m)}${within(step)}${step.strict ? ', next' : ''}`),
  expect_quiet: ({ ms = 0, strict, ignore }) => [
    `${strict ? 'nothing' : 'nothing but unsolicited messages'} for ${ms} ms${ignoredBy(ignore).length > 0 ? `, except ${ignoredBy(ignore).join(', ')}` : ''}`,
  ],
  expect_close: (step) => [`closes${within(step)}`],
  expect_raw_open: ({ ms = 0 }) => [`stays open for ${ms} ms`],
  expect_raw_close: (step) => [`closes${within(step)}`],
  expect_bytes: ({ min = 0, prefix, not_prefix }) => [
    `at least ${min} bytes${prefix === undefined ? '' : `, first ${prefix}`}${not_prefix === undefined ? '' : `, first not ${not_prefix}`}`,
  ],
  expect_buffered: ({ min = 0, max = 0 }) => [`${min} to ${max} bytes so far`],
  expect_no_accept: ({ ms = 0 }) => [`does not connect for ${ms} ms`],
  expect_peers: ({ count = 0 }) => [`has ${count} of the tester's connections`],
  accept: (step) => [`connects${within(step)}`],
  v2_keys: () => ['its key'],
};

/** The transcript that a case expects. */
export function scriptOf(it: Case): Transcript {
  const lineOf = (conn: string, side: TranscriptLine['side'], text: string): TranscriptLine => ({
    at: 0,
    conn,
    side,
    text,
  });
  const begin = it.role === 'inbound' ? [lineOf('A', 'tester', 'connects')] : [];
  return [...begin, ...it.steps.flatMap((step) => linesOfStep(step, lineOf))];
}

function linesOfStep(
  step: Step,
  lineOf: (conn: string, side: TranscriptLine['side'], text: string) => TranscriptLine,
): TranscriptLine[] {
  const { op, conn = 'A' } = step;
  const expected = EXPECTED[op]?.(step);
  if (expected) return expected.map((text) => lineOf(conn, 'node', text));
  if (op === 'ping_pong') {
    const nonce = step.nonce ?? 'with a nonce';
    return [lineOf(conn, 'tester', `ping ${nonce}`), lineOf(conn, 'node', 'pong with the same nonce')];
  }
  if (op === 'send') return sentTexts(step).map((text) => lineOf(conn, 'tester', text));
  const rest = Object.entries(step).filter(([name]) => name !== 'op' && name !== 'conn');
  const facts = rest.map(
    ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  return [lineOf(conn, TESTER_OPS.has(op) ? 'tester' : 'both', [op, ...facts].join(' '))];
}

/** Ops in which only the tester acts. */
const TESTER_OPS = new Set([
  ...['send_raw', 'connect', 'close', 'listen'],
  ...['v2_start', 'v2_send_rest_of_key', 'v2_finish', 'v2_packet', 'v2_packet_length'],
]);

function sentTexts({ messages = [], coalesce, bytewise }: Step): string[] {
  const texts = messages.map((message) => messageText(message as string | Sent));
  if (coalesce) return [texts.join(' + ')];
  return bytewise ? texts.map((text) => `${text}, byte by byte`) : texts;
}
