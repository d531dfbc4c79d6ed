/** The ops that check what the node sends, in which order, and whether the connection stays open. */
import { hexOf } from '../wire/index.js';
import { rawBytes, short } from './message-bytes.js';
import type { Step, Wanted } from './case.js';
import { versionFields } from './version-message.js';
import type { TesterConnection } from './tester-connection.js';
import type { Op } from './send-ops.js';
import type { ReceivedItem } from './tester-transport.js';
import { Deviation, CannotRun } from './deviation.js';
import type { CaseRun } from './case-run.js';

/** Commands that a node may send at any time; steps that are not strict ignore them. */
export const UNSOLICITED: readonly string[] = [
  'sendcmpct',
  'ping',
  'getheaders',
  'sendheaders',
  'feefilter',
  'inv',
  'addr',
  'addrv2',
  'headers',
  'getdata',
  // Core does not send these to inbound peers; other implementations do, and no rule forbids it.
  'getaddr',
  'getblocks',
  'mempool',
  'reject',
];

const WITHIN_MS = 3_000;
const POLL_MS = 50;

const fail = (seen: string): never => {
  throw new Deviation(seen);
};

/** Whether the step ignores such a message. */
const isIgnored = ({ strict, ignore, allow = [] }: Step, command: string): boolean =>
  ignoredBy(ignore).includes(command) ||
  allow.includes(command) ||
  (strict !== true && UNSOLICITED.includes(command));

/** The commands that a step ignores. */
export const ignoredBy = (ignore: Step['ignore'] = []): readonly string[] =>
  typeof ignore === 'boolean' ? [] : ignore;

const named = (item: ReceivedItem): string => (item.kind === 'message' ? item.command : item.what);

/** A sentence about a message that was not received. */
export const missingText = (connection: TesterConnection, what: string, ms: number): string =>
  connection.ended ? `the node closed without ${what}` : `no ${what} within ${ms} ms`;

/** From this version on, a node sends both before its verack (BIP339, BIP155). */
const NEGOTIATED: readonly string[] = ['wtxidrelay', 'sendaddrv2'];
const NEGOTIATED_SINCE = 70016;

/** The messages that a step expects of this node; those that came with a later version than it announces are left out. */
function wantedOf(run: CaseRun, { messages = [] }: Step): Wanted[] {
  const isOld = (run.environment.nodeinfo?.version ?? NEGOTIATED_SINCE) < NEGOTIATED_SINCE;
  const all = (messages as readonly (string | Wanted)[]).map((m) => (typeof m === 'string' ? { msg: m } : m));
  return all.filter(({ msg }) => !isOld || !NEGOTIATED.includes(msg));
}

/**
 * Whether an item fails a step that expects silence or a close. A node that sends its version first fails only the cases about
 * that; in other cases the version is kept for the step that expects it.
 */
function isOutOfPlace(connection: TesterConnection, step: Step, item: ReceivedItem): boolean {
  if (item.kind === 'stray') return true;
  if (item.command !== 'version' || !connection.hasSent) return !isIgnored(step, item.command);
  return !connection.putAside(item);
}

/** The next item that the node sends before `until`. */
async function next(
  connection: TesterConnection,
  until: number,
  now: () => number,
): Promise<ReceivedItem | undefined> {
  for (;;) {
    const item = connection.take();
    if (item || connection.ended || now() >= until) return item;
    await connection.change(until);
  }
}

async function expect(run: CaseRun, step: Step): Promise<void> {
  const connection = run.connection(step.conn);
  const ms = step.within_ms ?? WITHIN_MS;
  const until = run.now + ms;
  if (wantedOf(run, step).some(({ msg }) => msg === 'version')) connection.takeBack();
  for (const wanted of wantedOf(run, step)) {
    await expectOne(run, step, connection, wanted, { until, ms });
  }
}

async function expectOne(
  run: CaseRun,
  step: Step,
  connection: TesterConnection,
  wanted: Wanted,
  { until, ms }: { until: number; ms: number },
): Promise<void> {
  for (;;) {
    const item = await next(connection, until, () => run.now);
    if (!item) return fail(missingText(connection, wanted.msg, ms));
    if (item.kind === 'message' && item.command === wanted.msg) {
      run.answers.add(connection.answerTime);
      return checkMessage(run, wanted, item.payload);
    }
    if (item.kind === 'stray' || !isIgnored(step, item.command))
      fail(`${named(item)} instead of ${wanted.msg}`);
  }
}

/** Compares the contents of a message that has the expected command. */
function checkMessage(run: CaseRun, wanted: Wanted, payload: Uint8Array): void {
  const { msg, payload_len, differs_from, capture } = wanted;
  const got = hexOf(payload);
  if (wanted.payload !== undefined && got !== wanted.payload)
    fail(`${msg} with ${short(got)} instead of ${short(wanted.payload)}`);
  if (payload_len !== undefined && payload.length !== payload_len)
    fail(`${msg} of ${payload.length} bytes instead of ${payload_len}`);
  checkFields(wanted, payload);
  const other = differs_from === undefined ? undefined : run.captured.get(differs_from);
  if (other && hexOf(other) === got) fail(`the same ${msg} as before`);
  if (capture !== undefined) run.captured.set(capture, payload);
}

function checkFields({ fields = {}, fields_nonzero = [] }: Wanted, payload: Uint8Array): void {
  const got = versionFields(payload);
  for (const [name, value] of Object.entries(fields)) {
    if (got[name] !== value) fail(`version with ${name} ${got[name] ?? 'missing'} instead of ${value}`);
  }
  for (const name of fields_nonzero) {
    if (/^0*$/.test(String(got[name] ?? ''))) fail(`version without ${name}`);
  }
}

async function expectQuiet(run: CaseRun, step: Step): Promise<void> {
  const connection = run.connection(step.conn);
  const until = run.now + run.answers.silence(step.ms ?? 0);
  for (;;) {
    const item = await next(connection, until, () => run.now);
    if (!item) break;
    if (isOutOfPlace(connection, step, item)) fail(`${named(item)} instead of silence`);
  }
  if (connection.ended) fail('the node closed');
  if (connection.pieces > 0) fail('bytes that are not a message instead of silence');
}

async function expectClose(run: CaseRun, step: Step): Promise<void> {
  const connection = run.connection(step.conn);
  const ms = step.within_ms ?? WITHIN_MS;
  const until = run.now + ms;
  for (;;) {
    const item = await next(connection, until, () => run.now);
    if (!item) break;
    if (isOutOfPlace(connection, step, item)) fail(`${named(item)} instead of closing`);
  }
  if (!connection.ended) fail(`still open after ${ms} ms`);
}

let pings = 0;

/** A nonce that is unique in this process. */
const freshNonce = (): string => (0x7e57000000000000n + BigInt(++pings)).toString(16);

async function pingPong(run: CaseRun, step: Step): Promise<void> {
  const connection = run.connection(step.conn);
  const payload = step.nonce ?? freshNonce();

  connection.write([connection.encode({ msg: 'ping', payload }, run)], `ping ${payload}`);
  const ms = step.within_ms ?? WITHIN_MS;
  await expectOne(run, step, connection, { msg: 'pong', payload }, { until: run.now + ms, ms });
}

/** Waits until at least `min` bytes have been received or the connection has ended. */
async function bytesCame(run: CaseRun, connection: TesterConnection, min: number): Promise<void> {
  const until = run.now + WITHIN_MS;
  while (connection.received < min && !connection.ended && run.now < until) await connection.change(until);
  if (connection.received < min) fail(`${connection.received} bytes instead of at least ${min}`);
}

async function expectBytes(run: CaseRun, { conn, min = 0, prefix, not_prefix }: Step): Promise<void> {
  const connection = run.connection(conn);
  await bytesCame(run, connection, min);
  const begins = (hex: string): boolean => hexOf(connection.head).startsWith(hexOf(rawBytes(hex, run.chain)));
  if (prefix !== undefined && !begins(prefix)) fail(`the first bytes are ${short(hexOf(connection.head))}`);
  if (not_prefix !== undefined && begins(not_prefix)) fail(`the first bytes are ${not_prefix}`);
}

/** Compares with `max` as soon as `min` bytes have been received; bytes that arrive later are not counted. */
async function expectBuffered(run: CaseRun, { conn, min = 0, max = Infinity }: Step): Promise<void> {
  const connection = run.connection(conn);
  await bytesCame(run, connection, min);
  if (connection.received > max) fail(`${connection.received} bytes instead of at most ${max}`);
}

async function expectRawOpen(run: CaseRun, { conn, ms = 0 }: Step): Promise<void> {
  const connection = run.connection(conn);
  const until = run.now + run.answers.silence(ms);
  while (!connection.ended && run.now < until) await connection.change(until);
  if (connection.ended) fail('the node closed');
}

async function expectRawClose(run: CaseRun, { conn, within_ms = WITHIN_MS }: Step): Promise<void> {
  const connection = run.connection(conn);
  const until = run.now + within_ms;
  while (!connection.ended && run.now < until) await connection.change(until);
  if (!connection.ended) fail(`still open after ${within_ms} ms`);
}

/** Counts the tester's connections in the node's own list of peers. */
async function expectPeers(run: CaseRun, { count = 0 }: Step): Promise<void> {
  const { peers } = run.subject;
  if (!peers) throw new CannotRun("the node's list of peers is not available");
  const until = run.now + WITHIN_MS;
  for (;;) {
    const theirs = await peers();
    const ours = run.addresses.filter((address) => theirs.includes(address)).length;
    if (ours === count) return;
    if (run.now >= until) fail(`the node has ${ours} of the tester's connections instead of ${count}`);
    await run.wait(POLL_MS);
  }
}

export const EXPECT_OPS: Readonly<Record<string, Op>> = {
  expect,
  expect_quiet: expectQuiet,
  expect_close: expectClose,
  ping_pong: pingPong,
  expect_bytes: expectBytes,
  expect_buffered: expectBuffered,
  expect_raw_open: expectRawOpen,
  expect_raw_close: expectRawClose,
  expect_peers: expectPeers,
};
