/** `verack replay`: plays a recording again, offline, and says whether the same came of it. */
import { Argument } from 'commander';
import { createReadStream } from 'node:fs';
import { VerackError } from '../reasons.js';
import { sequenceOf } from '../tools/conform/explain.js';
import type { Difference } from '../tools/recording/difference.js';
import type { Verdict } from '../tools/recording/play.js';
import type { Session, Story } from '../tools/recording/story.js';
import { EXIT, Usage } from './exit.js';
import { type Observers, observers } from './observers.js';
import { compiledOptions, inspectOption, outputOptions, valued } from './options.js';
import type { Output } from './output.js';
import { plain } from './render.js';
import { listed } from './values.js';
import type { Job, Verb } from './verb.js';

export const replayCommand: Verb = {
  name: 'replay',
  about: 'play a recording again, offline: the same, byte for byte?',
  details:
    'Plays what --record has written through the machines, without a net and without waiting, and compares every byte ' +
    'sent, every timer, every change of state and every reason with what was recorded. Exit code 0 when all is the same, ' +
    'else 3 with the first differences.',
  examples: [
    ['verack replay one.ndjson', 'every session as a dialogue, then the verdict'],
    [
      'verack connect --regtest --once --record one.ndjson 127.0.0.1 && verack replay one.ndjson',
      'record a handshake, and play it again',
    ],
    ['verack replay one.ndjson --only 3 -v', 'one of them, with every field of every message'],
    ['verack replay one.ndjson --inspect', 'look at its machines in a browser'],
  ],
  operands: [new Argument('<files...>', 'recordings')],
  options: [
    valued('--only <peer>', 'show only this peer, by its id or its address; repeatable', listed(String)),
    ...outputOptions(),
    inspectOption(),
    ...compiledOptions(),
  ],
  isOneShot: ({ inspect }) => inspect === undefined,
  run,
};

async function run(job: Job): Promise<number> {
  const { flags, out, operands, interrupted } = job;
  const watchers = await observers(flags, out);
  let isSame = true;
  for (const file of operands) isSame = (await replay(file, job, watchers)) && isSame;
  if (flags.inspect !== undefined && !interrupted.aborted) await stay(job);
  await watchers.close();
  return isSame ? EXIT.ok : EXIT.some;
}

/** Whether all was the same. */
async function replay(file: string, { flags, out, interrupted }: Job, watchers: Observers): Promise<boolean> {
  const { play } = await import('../tools/recording/play.js');
  const { Story } = await import('../tools/recording/story.js');
  const stories: Story[] = [];
  const verdict = await readable(file, () =>
    play(createReadStream(file), {
      signal: interrupted,
      node: { ...watchers.options, compiled: flags.compiled ?? true },
      watch: (node, clock) => {
        watchers.follow(node);
        stories.push(
          new Story(node, clock, (session) => isWanted(session, flags.only) && show(session, out)),
        );
      },
    }),
  );
  for (const story of stories) story.rest();
  tell(file, verdict, out);
  return verdict.differing === 0;
}

/** What is wrong with the file is the caller's to mend. */
async function readable(file: string, run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof VerackError && error.code === 'ERR_LOCAL_ARGUMENT')
      throw new Usage(`"${file}" cannot be played: ${String(error.facts.value)}: ${String(error.facts.why)}`);
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new Usage(`"${file}" cannot be read (${code}); give the file that --record has written`);
  }
}

function stay({ out, interrupted }: Job): Promise<void> {
  out.talk('all played; the page stays until Ctrl-C');
  return new Promise((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
}

const isWanted = ({ peer }: Session, only: readonly string[] | undefined): boolean =>
  only === undefined || only.includes(String(peer.id)) || only.includes(peer.addr);

function show(session: Session, out: Output): void {
  out.event('session', session);
  for (const line of linesOf(session, out)) out.answer(line);
}

/** A head, the dialogue with its times, and with `-v` the fields of each message. */
function linesOf({ peer, scenes, left }: Session, out: Output): string[] {
  const [head = '', ...lines] = sequenceOf(scenes, 'us', 'peer');
  const way = peer.inbound ? '→ us' : 'us →';
  const title = `${way} peer=${peer.id} ${plain(peer.addr)} ${peer.connection_type} ${peer.transport_protocol_type}`;
  const time = (ms: number): string => `${ms.toFixed(1)} ms`.padStart(12);
  return [
    out.paint('bold', title),
    `${' '.repeat(12)}  ${out.paint('dim', head)}`,
    ...scenes.flatMap((scene, n) => [
      `${out.paint('dim', time(scene.at))}  ${lines[n] ?? ''}`.trimEnd(),
      ...(out.verbose > 0 ? fieldLines(scene, out) : []),
    ]),
    ...(left > 0 ? [`${' '.repeat(12)}  … and ${left} more`] : []),
    '',
  ];
}

function fieldLines({ side, fields = [] }: Session['scenes'][number], out: Output): string[] {
  const indent = ' '.repeat(side === 'node' ? 63 : 16);
  return fields.map(({ name, value, hex }) => out.paint('dim', `${indent}${name} ${value || short(hex)}`));
}

const short = (hex: string): string => (hex.length > 64 ? `${hex.slice(0, 64)}…` : hex);

const ENDINGS: Readonly<Record<Verdict['ending'], string>> = {
  stopped: '',
  limit: '; the recording ends at its limit of size',
  cut: '; the recording breaks off there: the program was ended, or is still writing',
};

function tell(file: string, verdict: Verdict, out: Output): void {
  const { sessions, events, differing, differences, ending } = verdict;
  out.event('verdict', { file, same: differing === 0, ...verdict });
  for (const difference of differences) out.failure(differenceLine(file, difference, out));
  if (differing > differences.length) out.failure(`… and ${differing - differences.length} more`);
  const what = `${counted(sessions, 'session')}, ${counted(events, 'event')}`;
  const same = differing === 0 ? 'the same effects byte for byte' : counted(differing, 'difference');
  const colour = differing === 0 ? 'green' : 'red';
  out.answer(`${what}, ${out.paint(colour, same)}${ENDINGS[ending]}`);
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const differenceLine = (file: string, { line, what, recorded, got }: Difference, out: Output): string =>
  `${out.paintTalk('red', `${file}:${line}`)} ${what}: recorded ${plain(recorded, 220)}, got ${plain(got, 220)}`;
