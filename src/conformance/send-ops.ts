/** The ops that say something or open and close connections. */
import type { Sent, Step } from './case.js';
import { frameOf, rawBytes, short, spelled } from './message-bytes.js';
import { Deviation, Obstacle } from './deviation.js';
import type { CaseRun } from './case-run.js';

/** What an op does. Throws {@link Deviation} when the node does something else than expected. */
export type Op = (trial: CaseRun, step: Step) => Promise<void> | void;

const ACCEPT_MS = 10_000;
const SETTLE_MS = 100;

function send(trial: CaseRun, step: Step): void {
  const line = trial.line(step.conn);
  const messages = (step.messages ?? []) as readonly (string | Sent)[];
  const encoded = messages.map((message) => line.encode(message, trial));
  if (step.coalesce) return line.write(encoded, messages.map(spelled).join(' + '));
  messages.forEach((message, n) => {
    if (step.bytewise) line.writeBytewise(encoded[n]!, spelled(message));
    else line.write([encoded[n]!], spelled(message));
  });
}

function sendRaw(trial: CaseRun, { conn, hex, zeros, of, from = 0, to }: Step): void {
  const line = trial.line(conn);
  if (of !== undefined) {
    const piece = frameOf(of, trial).slice(from, to);
    line.write([piece], `bytes ${from} to ${to ?? 'the end'} of ${spelled(of)}`);
  } else if (hex !== undefined) line.write([rawBytes(hex, trial.chain)], `bytes ${short(hex)}`);
  else line.write([new Uint8Array(zeros ?? 0)], `${zeros ?? 0} zero bytes`);
}

async function accept(trial: CaseRun, { conn = 'A', within_ms }: Step): Promise<void> {
  const ms = Math.max(within_ms ?? ACCEPT_MS, trial.subject.dialler?.patience ?? 0);
  if (!(await trial.accept(conn, ms))) throw new Deviation(`the node did not dial within ${ms} ms`);
}

async function expectNoAccept(trial: CaseRun, { ms = 0 }: Step): Promise<void> {
  if (await trial.accept('another', ms)) throw new Deviation('the node dialled once more');
}

/** Time passes for the node alone, once it has heard what was sent before. */
async function moveClock(trial: CaseRun, { seconds, unix }: Step): Promise<void> {
  const { clock } = trial.subject;
  if (!clock) throw new Obstacle('the clock of the node is out of reach');
  await trial.wait(SETTLE_MS);
  trial.minutes.note('', 'both', unix === undefined ? `${seconds} s pass` : `the clock is set to ${unix}`);
  await (unix === undefined ? clock.advance(seconds ?? 0) : clock.set(unix));
}

export const SEND_OPS: Readonly<Record<string, Op>> = {
  send,
  send_raw: sendRaw,
  connect: (trial, { conn }) => trial.connect(conn),
  close: (trial, { conn }) => trial.line(conn).close(),
  wait: (trial, { ms = 0 }) => trial.wait(ms),
  listen: (trial) => trial.listen(),
  trigger_connect: (trial, { v2 = false }) => trial.beDialled(v2),
  accept,
  expect_no_accept: expectNoAccept,
  set_clock: moveClock,
  advance_clock: moveClock,
};
