/** `verack replay` for what Bitcoin Core's `-capturemessages` has written. */
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

/** The folder of captures that a path means; undefined when it means a recording. A file stands for its folder. */
export function captureFolder(path: string): string | undefined {
  if (Object.values(FILES).includes(basename(path))) return dirname(path);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}

/** Shows each peer of the folder, and compares. Whether all could be read, except where a file was cut off. */
export async function replayCaptures(folder: string, job: Invocation, attached: Observers): Promise<boolean> {
  const { flags, out, interrupted } = job;
  const folders = foldersIn(folder);
  if (folders.length === 0)
    throw new Usage(
      `"${folder}" holds no captures; give message_capture of Core's folder for that chain, or one peer's folder in it`,
    );
  const wanted = folders.filter((path) => isWanted(nameOf(path), flags.only));
  if (wanted.length === 0)
    throw new Usage(
      `"${folder}" holds no such peer; --only takes a folder's name, such as ${nameOf(folders[0]!)}`,
    );
  const verdicts: CaptureVerdict[] = [];
  for (const one of wanted) if (!interrupted.aborted) verdicts.push(await replayPeer(one, job, attached));
  await printSummary(verdicts, out);
  return verdicts.every(({ faults }) => faults.every(({ isCut }) => isCut));
}

const nameOf = (folder: string): string => basename(resolve(folder));

const has = (folder: string, direction: Direction): boolean => existsSync(join(folder, FILES[direction]));
const isPeer = (folder: string): boolean => has(folder, 'received') || has(folder, 'sent');

/** The folder itself, or those in it that are a peer's. */
const foldersIn = (folder: string): string[] =>
  isPeer(folder)
    ? [folder]
    : readdirSync(folder)
        .sort()
        .map((name) => join(folder, name))
        .filter(isPeer);

/** By the folder's name, or by the address that it was made of. */
const isWanted = (name: string, only: readonly string[] | undefined): boolean =>
  only === undefined || only.some((wanted) => wanted.replaceAll(':', '_') === name);

async function replayPeer(
  folder: string,
  { flags, out, interrupted }: Invocation,
  attached: Observers,
): Promise<CaptureVerdict> {
  const { mergedByTime, messagesIn } = await import('../recording/core-capture.js');
  const { compare, COMPARED } = await import('../recording/capture-comparison.js');
  const peer = nameOf(folder);
  const isWhole = has(folder, 'received') && has(folder, 'sent');
  const read = (direction: Direction): CapturedMessages =>
    messagesIn(bytesOf(folder, direction, interrupted), direction);
  const verdict = await compare(mergedByTime(read('received'), read('sent')), {
    peer,
    isWhole,
    signal: interrupted,
    node: { ...attached.options, compiled: flags.compiled ?? true },
    watch: (node) => attached.follow(node),
    session: (session) => show(peer, session, out),
    ...(out.json && { message: messagePrinter(peer, out) }),
  });
  printVerdict(folder, verdict, isWhole ? COMPARED : [], out);
  return verdict;
}

/** Nothing for a file that is not there: Core makes it with the first message. */
async function* bytesOf(
  folder: string,
  direction: Direction,
  interrupted: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (has(folder, direction))
    yield* openInput(join(folder, FILES[direction]), interrupted) as AsyncIterable<Buffer>;
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
  folder: string,
  verdict: CaptureVerdict,
  compared: readonly string[],
  out: Output,
): void {
  const { sessions, messages, differing, differences, faults } = verdict;
  out.event('verdict', { file: folder, same: compared.length > 0 && differing === 0, compared, ...verdict });
  for (const fault of faults) out.failure(faultLine(folder, fault, out));
  for (const difference of differences) out.answer(differenceLine(difference));
  if (differing > differences.length) out.answer(`… and ${differing - differences.length} more`);
  const what = `${counted(sessions, 'session')}, ${counted(messages, 'message')}`;
  out.answer(`${what}, ${compared.length > 0 ? resultOf(differing, out) : ALONE}`);
  out.answer('');
}

const ALONE = 'not compared: one direction is not there';

const resultOf = (differing: number, out: Output): string =>
  differing === 0
    ? out.paint('green', 'our node sends the same kinds as Core')
    : out.paint('yellow', `${counted(differing, 'difference')} in kind`);

/** What the results mean, once for all peers. */
async function printSummary(verdicts: readonly CaptureVerdict[], out: Output): Promise<void> {
  const { COMPARED } = await import('../recording/capture-comparison.js');
  const leftOut = [...new Set(verdicts.flatMap(({ left_out }) => left_out))].map((kind) => plain(kind));
  const lines = [
    `compared by kind, not byte for byte, since a capture has no random draws, no chunks and no encryption: ${COMPARED.join(', ')}`,
    `left out, since our node has no chain, no mempool and no address book: ${leftOut.join(', ') || 'nothing'}`,
  ];
  if (verdicts.length > 0) for (const line of lines) out.answer(out.paint('dim', line));
}

function faultLine(folder: string, { direction, offset, why, isCut }: CaptureFault, out: Output): string {
  const where = out.paintLog(isCut ? 'yellow' : 'red', plain(join(folder, FILES[direction])));
  const what = isCut ? 'breaks off in' : 'is damaged; it cannot be read on from';
  return `${where} ${what} the message at byte ${offset}: ${why}; nothing after it is compared`;
}

function differenceLine({ session, after, offset, captured, ours }: KindDifference): string {
  const where = offset < 0 ? after : `after their ${plain(after)} (byte ${offset} of ${FILES.received})`;
  const kinds = (list: readonly string[]): string => list.map((kind) => plain(kind)).join(', ') || 'nothing';
  return `session ${session}, ${where}: Core sent ${kinds(captured)}; ours sends ${kinds(ours)}`;
}
