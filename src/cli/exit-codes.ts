/** Exit codes, and the messages for an invalid command line and for a bug. */
import { NAME, type Reason, REASONS, VerackError, VERSION } from '../index.js';
import { withoutControls } from './terminal-text.js';

/** The exit codes, which scripts can rely on. `REASONS` assigns 4, 5, 6 or 7 to each reason code. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  some: 3,
  unreachable: 4,
  timeout: 5,
  violation: 6,
  policy: 7,
  output: 8,
  interrupted: 130,
} as const;

/** The meaning of each code, for the help. */
export const EXIT_HELP = {
  heading: 'Exit codes:',
  rows: [
    ['0', 'success; also the first Ctrl-C on connect and listen'],
    ['1', 'a bug in verack'],
    ['2', 'the command line is invalid'],
    ['3', 'some of several targets failed'],
    ['4', 'could not connect'],
    ['5', 'the handshake timed out, a ping stayed unanswered, or identify received no version'],
    ['6', 'the peer violated the protocol'],
    ['7', 'the peer does not meet a local requirement: version, services, slots'],
    ['8', 'the output could not be written, for example to a full disk'],
    ['130', 'interrupted: a one-shot verb, or the second Ctrl-C'],
  ],
} as const;

/** An invalid command line. The message is one sentence without a full stop. */
export class Usage extends Error {
  override readonly name = 'Usage';
}

/** The result for one target; `undefined` while it has none. */
export type Outcome = 'established' | Reason | undefined;

const codeOf = (outcome: Outcome): number => {
  if (outcome === 'established') return EXIT.ok;
  return outcome === undefined ? EXIT.timeout : REASONS[outcome.code].exit;
};

/** The exit code of all targets together. */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const codes = outcomes.map(codeOf);
  if (codes.every((code) => code === EXIT.ok)) return EXIT.ok;
  if (codes.length === 1) return codes[0]!;
  return codes.every((code) => code === EXIT.unreachable) ? EXIT.unreachable : EXIT.some;
}

/** Whether the error is about the command line. */
export const isUsage = (error: unknown): error is Usage | VerackError =>
  error instanceof Usage || (error instanceof VerackError && error.code === 'ERR_LOCAL_ARGUMENT');

/** The sentence for a usage error, without a full stop. */
export function usageSentence(error: Usage | VerackError): string {
  if (error instanceof Usage) return error.message;
  const { value = '', why, expected } = error.facts;
  return `"${value}" cannot be used: ${why ?? `expected ${expected ?? 'something else'}`}`;
}

/** The message about a bug. */
export function bugReport(error: unknown): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    `${NAME}: this is a bug in ${NAME}, not an error in the command line.`,
    'Please report it with the command you ran and the lines below.',
    `${NAME} ${VERSION}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
    withoutControls(what, '\n'),
  ].join('\n');
}
