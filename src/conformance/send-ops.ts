/** The ops that send bytes, and open and close connections. */
import type { Sent, Step } from './case.js';
import { frameOf, rawBytes, short, messageText } from './message-bytes.js';
import { Deviation, CannotRun } from './deviation.js';
import type { CaseRun } from './case-run.js';

/** Executes an op. Throws or rejects with a {@link Deviation} when the node behaves differently from what is expected. */
export type Op = (run: CaseRun, step: Step) => Promise<void> | void;

const ACCEPT_MS = 10_000;
const SETTLE_MS = 100;

function send(run: CaseRun, step: Step): void {
  const connection = run.connection(step.conn);
  const messages = (step.messages ?? []) as readonly (string | Sent)[];
  const encoded = messages.map((message) => connection.encode(message, run));
  if (step.coalesce) return connection.write(encoded, messages.map(messageText).join(' + '));
  messages.forEach((message, n) => {
    if (step.bytewise) connection.writeBytewise(encoded[n]!, messageText(message));
    else connection.write([encoded[n]!], messageText(message));
  });
}

function sendRaw(run: CaseRun, { conn, hex, zeros, of, from = 0, to }: Step): void {
  const connection = run.connection(conn);
  if (of !== undefined) {
    const piece = frameOf(of, run).slice(from, to);
    connection.write([piece], `bytes ${from} to ${to ?? 'the end'} of ${messageText(of)}`);
  } else if (hex !== undefined) connection.write([rawBytes(hex, run.chain)], `bytes ${short(hex)}`);
  else connection.write([new Uint8Array(zeros ?? 0)], `${zeros ?? 0} zero bytes`);
}

async function accept(run: CaseRun, { conn = 'A', within_ms }: Step): Promise<void> {
  const ms = Math.max(within_ms ?? ACCEPT_MS, run.subject.dialler?.patience ?? 0);
  if (!(await run.accept(conn, ms))) throw new Deviation(`the node did not dial within ${ms} ms`);
}

async function expectNoAccept(run: CaseRun, { ms = 0 }: Step): Promise<void> {
  if (await run.accept('another', ms)) throw new Deviation('the node dialled again');
}

/** Moves only the clock of the node, after a pause in which the node receives what was sent before. */
async function moveClock(run: CaseRun, { seconds, unix }: Step): Promise<void> {
  const { clock } = run.subject;
  if (!clock) throw new CannotRun('the clock of the node cannot be controlled');
  await run.wait(SETTLE_MS);
  run.transcript.note('', 'both', unix === undefined ? `${seconds} s pass` : `the clock is set to ${unix}`);
  await (unix === undefined ? clock.advance(seconds ?? 0) : clock.set(unix));
}

export const SEND_OPS: Readonly<Record<string, Op>> = {
  send,
  send_raw: sendRaw,
  connect: (run, { conn }) => run.connect(conn),
  close: (run, { conn }) => run.connection(conn).close(),
  wait: (run, { ms = 0 }) => run.wait(ms),
  listen: (run) => run.listen(),
  trigger_connect: (run, { v2 = false }) => run.triggerDial(v2),
  accept,
  expect_no_accept: expectNoAccept,
  set_clock: moveClock,
  advance_clock: moveClock,
};
