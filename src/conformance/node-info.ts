/** The probe before a run: is the node there, what does it say of itself, and does it listen for BIP324? */
import { sanitize, servicesnames } from '../wire/index.js';
import { frameOf } from './message-bytes.js';
import type { Case } from './case.js';
import { Deviation } from './deviation.js';
import { versionFields } from './version-message.js';
import type { TesterConnection } from './tester-connection.js';
import type { NodeInfo } from './node-under-test.js';
import { type CaseEnvironment, CaseRun } from './case-run.js';

/** From this version on, BIP434 is spoken. */
const FEATURE_SINCE = 70017;
const ANSWER_MS = 5_000;
/** How long a listener may think about a byte that begins no v1 message, beside four times its first answer. */
const KEY_MS = 300;
/** A BIP324 key. */
const KEY_BYTES = 64;

const NOTHING: Case = {
  id: 'probe',
  name: 'probe',
  rule: '',
  grade: 'must',
  role: 'inbound',
  transport: 'v1',
  dialects: [],
  tags: [],
  source: '',
  verified: [],
  steps: [],
};

/** Rejects with a {@link Deviation} when the node cannot be reached or does not answer a version. */
export async function portray(circumstances: CaseEnvironment): Promise<NodeInfo> {
  const begin = circumstances.clock.now();
  const greeting = await withTrial(circumstances, greet);
  const patience = KEY_MS + 4 * (circumstances.clock.now() - begin);
  const reaction = await withTrial(circumstances, (trial) => reactionOf(trial, patience));
  return { ...greeting, ...reaction };
}

async function withTrial<T>(
  circumstances: CaseEnvironment,
  look: (trial: CaseRun) => Promise<T>,
): Promise<T> {
  const trial = new CaseRun(NOTHING, circumstances);
  try {
    await trial.connect();
    return await look(trial);
  } finally {
    await trial.end();
  }
}

async function greet(trial: CaseRun): Promise<Omit<NodeInfo, 'listener' | 'speaksfirst'>> {
  const line = trial.line();
  line.write([frameOf('version', trial)], 'version');
  const answer = await answerOf(line, () => trial.now);
  const payload = answer.get('version');
  if (!payload)
    throw new Deviation(line.ended ? 'it closed after our version' : 'it did not answer our version');
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

/** Different commands before verack that are noted. */
const MAX_COMMANDS = 64;

/** Everything up to verack, by command. */
async function answerOf(line: TesterConnection, now: () => number): Promise<Map<string, Uint8Array>> {
  const answer = new Map<string, Uint8Array>();
  const until = now() + ANSWER_MS;
  while (!answer.has('verack') && answer.size < MAX_COMMANDS) {
    const heard = line.take();
    if (heard?.kind === 'message') answer.set(heard.command, heard.payload);
    else if (!heard && (line.ended || now() >= until)) break;
    else if (!heard) await line.change(until);
  }
  return answer;
}

/** One byte that no v1 message begins with: a v2 listener answers with its key, a v1 listener waits for a header. */
async function reactionOf(
  trial: CaseRun,
  patience: number,
): Promise<Pick<NodeInfo, 'listener' | 'speaksfirst'>> {
  const line = trial.line();
  const first = trial.chain.magic[0] === 0 ? 1 : 0;
  line.write([Uint8Array.of(first)], 'one byte');
  const until = trial.now + patience;
  while (line.received < KEY_BYTES && !line.ended && trial.now < until) await line.change(until);
  const { magic } = trial.chain;
  const speaksfirst = line.received > 0 && line.head[0] === magic[0] && line.head[1] === magic[1];
  return { speaksfirst, listener: line.received >= KEY_BYTES && !speaksfirst ? 'v2-capable' : 'v1-only' };
}
