/** `verack replay` for the files that Bitcoin Core writes with `-capturemessages`. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { CapturedMessages, CaptureFault, Direction } from '../recording/core-capture.js';
import type {
  CapturedSession,
  CaptureVerdict,
  CompareOptions,
  KindDifference,
} from '../recording/capture-comparison.js';
import { counted, transcriptLines } from './transcript.js';
import { Usage } from './exit-codes.js';
import { openInput } from './input-file.js';
import type { Observers } from './inspect-and-metrics.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import type { Invocation } from './command.js';

const FILES: Readonly<Record<Direction, string>> = { received: 'msgs_recv.dat', sent: 'msgs_sent.dat' };

/** The directory of captures for a path, which may be a file in it; undefined when the path is a recording. */
export function captureDirectory(path: string): string | undefined {
  if (Object.values(FILES).includes(basename(path))) return dirname(path);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}

/**
 * Prints the sessions of each peer in the directory and compares them with a node of this project. Resolves to whether all
 * files could be read; a file that ends inside a message counts as read.
 *
 * @throws Usage when the directory contains no captures, or no peer of `--only`
 */
export async function replayCaptures(
  directory: string,
  job: Invocation,
  attached: Observers,
): Promise<boolean> {
  const { flags, out, interrupted } = job;
  const directories = directoriesIn(directory);
  if (directories.length === 0)
    throw new Usage(
      `"${directory}" contains no captures; give the directory message_capture of Core's data directory, or one peer's directory in it`,
    );
  const wanted = directories.filter((path) => isWanted(nameOf(path), flags.only));
  if (wanted.length === 0)
    throw new Usage(
      `"${directory}" contains no such peer; --only takes the name of a directory, such as ${nameOf(directories[0]!)}`,
    );
  const verdicts: CaptureVerdict[] = [];
  for (const one of wanted) if (!interrupted.aborted) verdicts.push(await replayPeer(one, job, attached));
  await printSummary(verdicts, out);
  return verdicts.every(({ faults }) => faults.every(({ isCut }) => isCut));
}

const nameOf = (directory: string): string => basename(resolve(directory));

const has = (directory: string, direction: Direction): boolean =>
  existsSync(join(directory, FILES[direction]));
const isPeer = (directory: string): boolean => has(directory, 'received') || has(directory, 'sent');

/** The directories of peers: the directory itself, or those in it. */
const directoriesIn = (directory: string): string[] =>
  isPeer(directory)
    ? [directory]
    : readdirSync(directory)
        .sort()
        .map((name) => join(directory, name))
        .filter(isPeer);

/** Whether `--only` selects a peer, by the name of its directory or by its address, in which Core replaces `:` by `_`. */
const isWanted = (name: string, only: readonly string[] | undefined): boolean =>
  only === undefined || only.some((wanted) => wanted.replaceAll(':', '_') === name);

async function replayPeer(
  directory: string,
  { flags, out, interrupted }: Invocation,
  attached: Observers,
): Promise<CaptureVerdict> {
  const { mergedByTime, messagesIn } = await import('../recording/core-capture.js');
  const { compare, COMPARED } = await import('../recording/capture-comparison.js');
  const peer = nameOf(directory);
  const isWhole = has(directory, 'received') && has(directory, 'sent');
  const read = (direction: Direction): CapturedMessages =>
    messagesIn(bytesOf(directory, direction, interrupted), direction);
  const verdict = await compare(mergedByTime(read('received'), read('sent')), {
    peer,
    isWhole,
    signal: interrupted,
    node: { ...attached.options, compiled: flags.compiled ?? true },
    watch: (node) => attached.follow(node),
    session: (session) => show(peer, session, out),
    ...(out.json && { message: messagePrinter(peer, out) }),
  });
  printVerdict(directory, verdict, isWhole ? COMPARED : [], out);
  return verdict;
}

/** The bytes of a capture; none when the file does not exist, since Core creates it with the first message. */
async function* bytesOf(
  directory: string,
  direction: Direction,
  interrupted: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (has(directory, direction))
    yield* openInput(join(directory, FILES[direction]), interrupted) as AsyncIterable<Buffer>;
}

const messagePrinter =
  (peer: string, out: Output): NonNullable<CompareOptions['message']> =>
  ({ at, direction, command, offset }, { size, fields }, session) =>
    out.event('message', { peer, session, at: at / 1_000, direction, command, offset, size, fields });

function show(peer: string, { number, inbound, at, entries, left }: CapturedSession, out: Output): void {
  const [direction, role] = inbound ? ['→ Core', 'inbound'] : ['Core →', 'outbound'];
  const title = `${direction} ${plain(peer)} session=${number} ${role} ${new Date(at / 1_000).toISOString()}`;
  for (const line of transcriptLines({ title, entries, left, us: 'Core' }, out)) out.answer(line);
}

function printVerdict(
  directory: string,
  verdict: CaptureVerdict,
  compared: readonly string[],
  out: Output,
): void {
  const { sessions, messages, differing, differences, faults } = verdict;
  out.event('verdict', {
    file: directory,
    same: compared.length > 0 && differing === 0,
    compared,
    ...verdict,
  });
  for (const fault of faults) out.failure(faultLine(directory, fault, out));
  for (const difference of differences) out.answer(differenceLine(difference));
  if (differing > differences.length) out.answer(`… and ${differing - differences.length} more`);
  const what = `${counted(sessions, 'session')}, ${counted(messages, 'message')}`;
  out.answer(`${what}, ${compared.length > 0 ? resultOf(differing, out) : INCOMPLETE}`);
  out.answer('');
}

const INCOMPLETE = 'not compared: the file of one direction is missing';

const resultOf = (differing: number, out: Output): string =>
  differing === 0
    ? out.paint('green', 'verack sends the same kinds of messages as Core')
    : out.paint('yellow', `${counted(differing, 'difference')} in kind`);

/** Prints what was compared, once for all peers. */
async function printSummary(verdicts: readonly CaptureVerdict[], out: Output): Promise<void> {
  const { COMPARED } = await import('../recording/capture-comparison.js');
  const leftOut = [...new Set(verdicts.flatMap(({ left_out }) => left_out))].map((kind) => plain(kind));
  const lines = [
    `compared by kind of message, not by bytes, since a capture contains no random values, no chunks and no encryption: ${COMPARED.join(', ')}`,
    `not compared, since verack has no chain and no mempool, and here no address book: ${leftOut.join(', ') || 'nothing'}`,
  ];
  if (verdicts.length > 0) for (const line of lines) out.answer(out.paint('dim', line));
}

function faultLine(directory: string, { direction, offset, why, isCut }: CaptureFault, out: Output): string {
  const where = out.paintLog(isCut ? 'yellow' : 'red', plain(join(directory, FILES[direction])));
  const what = isCut ? 'ends inside the message' : 'is damaged in the message';
  return `${where} ${what} at byte ${offset}: ${why}; nothing after it is compared`;
}

function differenceLine({ session, after, offset, captured, ours }: KindDifference): string {
  const where = offset < 0 ? after : `after their ${plain(after)} (byte ${offset} of ${FILES.received})`;
  const kinds = (list: readonly string[]): string => list.map((kind) => plain(kind)).join(', ') || 'nothing';
  return `session ${session}, ${where}: Core sent ${kinds(captured)}; verack sends ${kinds(ours)}`;
}
