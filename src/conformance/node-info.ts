/** Probes the node before a run: whether it answers, what it announces, and whether it accepts BIP324. */
import { sanitize, servicesnames } from '../wire/index.js';
import { frameOf } from './message-bytes.js';
import { bareCase } from './case.js';
import { Deviation } from './deviation.js';
import { versionFields } from './version-message.js';
import type { TesterConnection } from './tester-connection.js';
import type { NodeInfo } from './node-under-test.js';
import { type CaseEnvironment, CaseRun } from './case-run.js';

/** From this version on, BIP434 is supported. */
const FEATURE_SINCE = 70017;
const ANSWER_MS = 5_000;
/** Milliseconds that a listener may take to answer with its key, in addition to four times its first response time. */
const KEY_MS = 300;
/** Size of a BIP324 key. */
const KEY_BYTES = 64;

/** Rejects with a {@link Deviation} when the node cannot be reached or does not answer a version. */
export async function probeNode(environment: CaseEnvironment): Promise<NodeInfo> {
  const begin = environment.clock.now();
  const announced = await withRun(environment, versionOf);
  const patience = KEY_MS + 4 * (environment.clock.now() - begin);
  const reaction = await withRun(environment, (run) => reactionOf(run, patience));
  return { ...announced, ...reaction };
}

async function withRun<T>(environment: CaseEnvironment, look: (run: CaseRun) => Promise<T>): Promise<T> {
  const run = new CaseRun(bareCase([]), environment);
  try {
    await run.connect();
    return await look(run);
  } finally {
    await run.end();
  }
}

async function versionOf(run: CaseRun): Promise<Omit<NodeInfo, 'listener' | 'speaksfirst'>> {
  const connection = run.connection();
  connection.write([frameOf('version', run)], 'version');
  const answer = await answerOf(connection, () => run.now);
  const payload = answer.get('version');
  if (!payload)
    throw new Deviation(
      connection.ended ? 'it closed the connection after our version' : 'it did not answer our version',
    );
  const fields = versionFields(payload);
  const version = Number(fields.version ?? 0);
  const services = servicesnames(
    BigInt(fields.services ?? 0)
      .toString(16)
      .padStart(16, '0'),
  );
  return {
    version,
    subver: sanitize(String(fields.user_agent ?? '')),
    services,
    relay: fields.relay === 0 ? 0 : 1,
    sends: [...answer.keys()],
    dialect: version >= FEATURE_SINCE ? 'd70017' : 'd70016',
  };
}

/** Most different commands before verack that are recorded. */
const MAX_COMMANDS = 64;

/** The messages up to verack, by command. */
async function answerOf(connection: TesterConnection, now: () => number): Promise<Map<string, Uint8Array>> {
  const answer = new Map<string, Uint8Array>();
  const until = now() + ANSWER_MS;
  while (!answer.has('verack') && answer.size < MAX_COMMANDS) {
    const item = connection.take();
    if (item?.kind === 'message') answer.set(item.command, item.payload);
    else if (!item && (connection.ended || now() >= until)) break;
    else if (!item) await connection.change(until);
  }
  return answer;
}

/** Sends one byte that differs from the magic: a v2 listener answers with its key, a v1 listener waits for a complete header. */
async function reactionOf(
  run: CaseRun,
  patience: number,
): Promise<Pick<NodeInfo, 'listener' | 'speaksfirst'>> {
  const connection = run.connection();
  const first = run.chain.magic[0] === 0 ? 1 : 0;
  connection.write([Uint8Array.of(first)], 'one byte');
  const until = run.now + patience;
  while (connection.received < KEY_BYTES && !connection.ended && run.now < until)
    await connection.change(until);
  const { magic } = run.chain;
  const speaksfirst =
    connection.received > 0 && connection.head[0] === magic[0] && connection.head[1] === magic[1];
  return {
    speaksfirst,
    listener: connection.received >= KEY_BYTES && !speaksfirst ? 'v2-capable' : 'v1-only',
  };
}
