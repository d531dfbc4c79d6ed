/** `verack replay`: runs a recording through the machines offline, and compares the effects with the recorded ones. */
import { Argument } from 'commander';
import { VerackError } from '../index.js';
import type { Difference } from '../recording/replay-difference.js';
import type { ReplayVerdict } from '../recording/record-and-replay.js';
import type { RecordedSession, SessionTranscripts } from '../recording/transcripts.js';
import { captureDirectory, replayCaptures } from './replay-captures.js';
import { counted, transcriptLines } from './transcript.js';
import { EXIT, Usage } from './exit-codes.js';
import { openInput } from './input-file.js';
import { type Observers, observers } from './inspect-and-metrics.js';
import { compiledOptions, inspectOption, outputOptions, valued } from './options.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import { commaSeparated } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';

export const replayCommand: CliCommand = {
  name: 'replay',
  about: 'replay a recording offline and compare every byte',
  details:
    'Runs a file of --record through the machines, without a network and without waiting, and compares every byte sent, ' +
    'every timer, every change of state and every reason with the recorded ones. Exit code 0 when all are the same, else 3 ' +
    'with the first differences.\n\n' +
    "It also reads a directory that Bitcoin Core's -capturemessages has written (message_capture, or one peer's directory " +
    'in it, or its msgs_recv.dat). A node of verack receives the messages that Core received, and the kinds of messages ' +
    'that it sends in the handshake, and its pings and pongs, are compared with those that Core sent. The bytes are not ' +
    'compared, and a difference is not a failure: exit code 0 when all files were read, 3 when one is damaged.',
  examples: [
    ['verack replay one.ndjson', 'print each session as a transcript, then the result'],
    [
      'verack connect --regtest --once --record one.ndjson 127.0.0.1 && verack replay one.ndjson',
      'record a handshake and replay it',
    ],
    ['verack replay one.ndjson --only 3 -v', 'only peer 3, with all fields of each message'],
    ['verack replay one.ndjson --inspect', 'show its machines in a browser'],
    ['verack replay ~/.bitcoin/message_capture', "the files of Core's -capturemessages=1, peer by peer"],
  ],
  operands: [new Argument('<files...>', "recordings, or Core's captures: a directory, or msgs_recv.dat")],
  options: [
    valued(
      '--only <peer>',
      'show only this peer, given by its id or address (for a capture: by its directory); repeatable',
      commaSeparated(String),
    ),
    ...outputOptions(),
    inspectOption(),
    ...compiledOptions(),
  ],
  isOneShot: ({ inspect }) => inspect === undefined,
  run,
};

async function run(job: Invocation): Promise<number> {
  const { flags, out, operands, interrupted } = job;
  const attached = await observers(flags, out);
  let isSame = true;
  for (const file of new Set(operands.map((path) => captureDirectory(path) ?? path)))
    isSame = (await replayAny(file, job, attached)) && isSame;
  if (flags.inspect !== undefined && !interrupted.aborted) await stay(attached, job);
  await attached.close();
  return isSame ? EXIT.ok : EXIT.some;
}

const replayAny = (file: string, job: Invocation, attached: Observers): Promise<boolean> =>
  captureDirectory(file) === undefined
    ? replay(file, job, attached)
    : withFileErrors(file, () => replayCaptures(file, job, attached));

/** Replays one recording and prints the result; resolves to whether everything was the same. */
async function replay(
  file: string,
  { flags, out, interrupted }: Invocation,
  attached: Observers,
): Promise<boolean> {
  const { play } = await import('../recording/record-and-replay.js');
  const { SessionTranscripts } = await import('../recording/transcripts.js');
  const transcripts: SessionTranscripts[] = [];
  const verdict = await withFileErrors(file, () =>
    play(openInput(file, interrupted), {
      signal: interrupted,
      node: { ...attached.options, compiled: flags.compiled ?? true },
      watch: (node, clock) => {
        attached.follow(node);
        transcripts.push(
          new SessionTranscripts(
            node,
            clock,
            (session) => isWanted(session, flags.only) && show(session, out),
          ),
        );
      },
    }),
  );
  for (const transcript of transcripts) transcript.rest();
  printVerdict(file, verdict, out);
  return verdict.differing === 0;
}

/** Runs `run`, and reports a file that is invalid or cannot be read as a usage error. */
async function withFileErrors<T>(file: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof VerackError && error.code === 'ERR_LOCAL_ARGUMENT')
      throw new Usage(
        `"${file}" cannot be replayed: ${String(error.facts.value)}: ${String(error.facts.why)}`,
      );
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new Usage(
      `"${file}" cannot be read (${code}); give a file of --record, or a directory of Core's captures`,
    );
  }
}

function stay(attached: Observers, { out, interrupted }: Invocation): Promise<void> {
  out.info('the replay has ended; the page stays open until Ctrl-C');
  attached.printPage();
  return new Promise((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
}

const isWanted = ({ peer }: RecordedSession, only: readonly string[] | undefined): boolean =>
  only === undefined || only.includes(String(peer.id)) || only.includes(peer.addr);

function show(session: RecordedSession, out: Output): void {
  out.event('session', session);
  for (const line of linesOf(session, out)) out.answer(line);
}

/** The title and the transcript of a session. */
function linesOf({ peer, entries, left }: RecordedSession, out: Output): string[] {
  const direction = peer.inbound ? '→ us' : 'us →';
  const title = `${direction} peer=${peer.id} ${plain(peer.addr)} ${peer.connection_type} ${peer.transport_protocol_type}`;
  return transcriptLines({ title, entries, left, us: 'us' }, out);
}

const ENDINGS: Readonly<Record<ReplayVerdict['ending'], string>> = {
  stopped: '',
  limit: '; the recording reached its size limit',
  cut: '; the recording is incomplete: the program was killed, or is still writing',
};

function printVerdict(file: string, verdict: ReplayVerdict, out: Output): void {
  const { sessions, events, differing, differences, ending } = verdict;
  out.event('verdict', { file, same: differing === 0, ...verdict });
  for (const difference of differences) out.failure(differenceLine(file, difference, out));
  if (differing > differences.length) out.failure(`… and ${differing - differences.length} more`);
  const what = `${counted(sessions, 'session')}, ${counted(events, 'event')}`;
  const same = differing === 0 ? 'the same effects byte for byte' : counted(differing, 'difference');
  const colour = differing === 0 ? 'green' : 'red';
  out.answer(`${what}, ${out.paint(colour, same)}${ENDINGS[ending]}`);
}

const differenceLine = (file: string, { line, what, recorded, got }: Difference, out: Output): string =>
  `${out.paintLog('red', `${plain(file)}:${line}`)} ${what}: recorded ${plain(recorded, 220)}, got ${plain(got, 220)}`;
