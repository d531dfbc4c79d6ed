/** Records how a node reacts to a boundary, to obtain a verdict. */
import { hexOf } from '../../wire/index.js';
import { bareCase, type Step, type Wanted } from '../case.js';
import { type CaseEnvironment, CaseRun } from '../case-run.js';
import { takeStep } from '../conform.js';
import { UNSOLICITED } from '../expect-ops.js';
import { type Boundary, LAST_NONCE, messagesAfter, stepsBefore } from './boundaries.js';
import type { End, Outcome } from './outcomes.js';

const WITHIN_MS = 1_500;

/** Messages that repeat received bytes, so their payload is part of the outcome. */
const ECHOING = ['pong'];

/**
 * Runs one boundary. If the node closes, it runs again without any message after the tested one, since a TCP reset could
 * discard what the node sent before. Rejects with a `Deviation` when the steps before the message fail.
 */
export async function observe(it: Boundary, environment: CaseEnvironment): Promise<Outcome> {
  const after: Step = { op: 'send', messages: messagesAfter(it), coalesce: true };
  const outcome = await withRun(it, environment, [after]);
  return outcome.end === 'close' ? await withRun(it, environment, []) : outcome;
}

async function withRun(it: Boundary, environment: CaseEnvironment, after: readonly Step[]): Promise<Outcome> {
  const steps = [...stepsBefore(it), { op: 'send', messages: [it.sent] }, ...after];
  const run = new CaseRun(bareCase(steps, it.transport), environment);
  try {
    await run.connect();
    for (const [n, step] of steps.entries()) await takeStep(run, n, step);
    return await outcomeOf(run);
  } finally {
    await run.end();
  }
}

async function outcomeOf(run: CaseRun): Promise<Outcome> {
  const connection = run.connection();
  const until = run.now + WITHIN_MS;
  const received: Wanted[] = [];
  const ended = (end: End): Outcome => ({ received, end });
  for (;;) {
    const item = connection.take();
    if (!item && connection.ended) return ended('close');
    if (!item && run.now >= until) return ended('open');
    if (!item) await connection.change(until);
    else if (item.kind === 'stray') received.push({ msg: 'stray' });
    else if (item.command === 'pong' && hexOf(item.payload) === LAST_NONCE) return ended('pong');
    else if (!UNSOLICITED.includes(item.command)) received.push(wantedOf(item.command, item.payload));
  }
}

const wantedOf = (msg: string, payload: Uint8Array): Wanted =>
  ECHOING.includes(msg) ? { msg, payload: hexOf(payload) } : { msg };
