/** The ops that listen: what the node says, in which order, and whether it stays. */
import { hexOf } from '../wire/index.js';
import { rawBytes, short } from './message-bytes.js';
import type { Step, Wanted } from './case.js';
import { versionFields } from './version-message.js';
import type { TesterConnection } from './tester-connection.js';
import type { Op } from './send-ops.js';
import type { ReceivedItem } from './tester-transport.js';
import { Deviation, Obstacle } from './deviation.js';
import type { CaseRun } from './case-run.js';

/** What a node may say at any time; steps that are not strict do not look at it. */
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
  // Core says these to nobody who dials it; others do, and there is nothing wrong with it.
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

/** Whether the step looks away when such a message comes. */
const isIgnored = ({ strict, ignore, allow = [] }: Step, command: string): boolean =>
  ignoredBy(ignore).includes(command) ||
  allow.includes(command) ||
  (strict !== true && UNSOLICITED.includes(command));

/** The commands that a step passes over. */
export const ignoredBy = (ignore: Step['ignore'] = []): readonly string[] =>
  typeof ignore === 'boolean' ? [] : ignore;

const named = (heard: ReceivedItem): string => (heard.kind === 'message' ? heard.command : heard.what);

/** How the connection is, for a sentence about what did not come. */
export const silence = (line: TesterConnection, what: string, ms: number): string =>
  line.ended ? `the node closed, no ${what}` : `no ${what} within ${ms} ms`;

/** From this version on, both are part of the answer (BIP339, BIP155). */
const NEGOTIATED: readonly string[] = ['wtxidrelay', 'sendaddrv2'];
const NEGOTIATED_SINCE = 70016;

/** What a step wants of this node: one that announces an older version is not asked for what came later. */
function wantedOf(trial: CaseRun, { messages = [] }: Step): Wanted[] {
  const isOld = (trial.circumstances.portrait?.version ?? NEGOTIATED_SINCE) < NEGOTIATED_SINCE;
  const all = (messages as readonly (string | Wanted)[]).map((m) => (typeof m === 'string' ? { msg: m } : m));
  return all.filter(({ msg }) => !isOld || !NEGOTIATED.includes(msg));
}

/**
 * Where a step wants silence or an end. A node that speaks first fails the cases about exactly that; elsewhere its version
 * is put aside, for the step that asks for it.
 */
function isOutOfPlace(line: TesterConnection, step: Step, heard: ReceivedItem): boolean {
  if (heard.kind === 'stray') return true;
  if (heard.command !== 'version' || !line.hasSpoken) return !isIgnored(step, heard.command);
  return !line.putAside(heard);
}

/** The next thing that the node says before `until`. */
async function next(
  line: TesterConnection,
  until: number,
  now: () => number,
): Promise<ReceivedItem | undefined> {
  for (;;) {
    const heard = line.take();
    if (heard || line.ended || now() >= until) return heard;
    await line.change(until);
  }
}

async function expect(trial: CaseRun, step: Step): Promise<void> {
  const line = trial.line(step.conn);
  const ms = step.within_ms ?? WITHIN_MS;
  const until = trial.now + ms;
  if (wantedOf(trial, step).some(({ msg }) => msg === 'version')) line.takeBack();
  for (const wanted of wantedOf(trial, step)) {
    await expectOne(trial, step, line, wanted, { until, ms });
  }
}

async function expectOne(
  trial: CaseRun,
  step: Step,
  line: TesterConnection,
  wanted: Wanted,
  { until, ms }: { until: number; ms: number },
): Promise<void> {
  for (;;) {
    const heard = await next(line, until, () => trial.now);
    if (!heard) return fail(silence(line, wanted.msg, ms));
    if (heard.kind === 'message' && heard.command === wanted.msg) return judge(trial, wanted, heard.payload);
    if (heard.kind === 'stray' || !isIgnored(step, heard.command))
      fail(`${named(heard)} instead of ${wanted.msg}`);
  }
}

/** A message has the right command; now what is in it. */
function judge(trial: CaseRun, wanted: Wanted, payload: Uint8Array): void {
  const { msg, payload_len, differs_from, capture } = wanted;
  const got = hexOf(payload);
  if (wanted.payload !== undefined && got !== wanted.payload)
    fail(`${msg} with ${short(got)} instead of ${short(wanted.payload)}`);
  if (payload_len !== undefined && payload.length !== payload_len)
    fail(`${msg} of ${payload.length} bytes instead of ${payload_len}`);
  judgeFields(wanted, payload);
  const other = differs_from === undefined ? undefined : trial.captured.get(differs_from);
  if (other && hexOf(other) === got) fail(`the same ${msg} as before`);
  if (capture !== undefined) trial.captured.set(capture, payload);
}

function judgeFields({ fields = {}, fields_nonzero = [] }: Wanted, payload: Uint8Array): void {
  const got = versionFields(payload);
  for (const [name, value] of Object.entries(fields)) {
    if (got[name] !== value) fail(`version with ${name} ${got[name] ?? 'missing'} instead of ${value}`);
  }
  for (const name of fields_nonzero) {
    if (/^0*$/.test(String(got[name] ?? ''))) fail(`version without ${name}`);
  }
}

async function expectQuiet(trial: CaseRun, step: Step): Promise<void> {
  const line = trial.line(step.conn);
  const until = trial.now + (step.ms ?? 0);
  for (;;) {
    const heard = await next(line, until, () => trial.now);
    if (!heard) break;
    if (isOutOfPlace(line, step, heard)) fail(`${named(heard)} instead of silence`);
  }
  if (line.ended) fail('the node closed');
  if (line.pieces > 0) fail('bytes that are no message instead of silence');
}

async function expectClose(trial: CaseRun, step: Step): Promise<void> {
  const line = trial.line(step.conn);
  const ms = step.within_ms ?? WITHIN_MS;
  const until = trial.now + ms;
  for (;;) {
    const heard = await next(line, until, () => trial.now);
    if (!heard) break;
    if (isOutOfPlace(line, step, heard)) fail(`${named(heard)} instead of closing`);
  }
  if (!line.ended) fail(`still open after ${ms} ms`);
}

let pings = 0;

/** A nonce that no other ping of this process has. */
const freshNonce = (): string => (0x7e57000000000000n + BigInt(++pings)).toString(16);

async function pingPong(trial: CaseRun, step: Step): Promise<void> {
  const line = trial.line(step.conn);
  const payload = step.nonce ?? freshNonce();

  line.write([line.encode({ msg: 'ping', payload }, trial)], `ping ${payload}`);
  const ms = step.within_ms ?? WITHIN_MS;
  await expectOne(trial, step, line, { msg: 'pong', payload }, { until: trial.now + ms, ms });
}

/** Waits until so many bytes have come, or the end. */
async function bytesCame(trial: CaseRun, line: TesterConnection, min: number, ms: number): Promise<void> {
  const until = trial.now + ms;
  while (line.received < min && !line.ended && trial.now < until) await line.change(until);
  if (line.received < min) fail(`${line.received} bytes instead of at least ${min}`);
}

async function expectBytes(trial: CaseRun, { conn, min = 0, prefix, not_prefix }: Step): Promise<void> {
  const line = trial.line(conn);
  await bytesCame(trial, line, min, WITHIN_MS);
  const begins = (hex: string): boolean => hexOf(line.head).startsWith(hexOf(rawBytes(hex, trial.chain)));
  if (prefix !== undefined && !begins(prefix)) fail(`the first bytes are ${short(hexOf(line.head))}`);
  if (not_prefix !== undefined && begins(not_prefix)) fail(`the first bytes are ${not_prefix}`);
}

async function expectBuffered(trial: CaseRun, { conn, min = 0, max = Infinity }: Step): Promise<void> {
  const line = trial.line(conn);
  await bytesCame(trial, line, min, 0);
  if (line.received > max) fail(`${line.received} bytes instead of at most ${max}`);
}

async function expectRawOpen(trial: CaseRun, { conn, ms = 0 }: Step): Promise<void> {
  const line = trial.line(conn);
  const until = trial.now + ms;
  while (!line.ended && trial.now < until) await line.change(until);
  if (line.ended) fail('the node closed');
}

async function expectRawClose(trial: CaseRun, { conn, within_ms = WITHIN_MS }: Step): Promise<void> {
  const line = trial.line(conn);
  const until = trial.now + within_ms;
  while (!line.ended && trial.now < until) await line.change(until);
  if (!line.ended) fail(`still open after ${within_ms} ms`);
}

/** The node's own list of its peers: how many of our connections are on it. */
async function expectPeers(trial: CaseRun, { count = 0 }: Step): Promise<void> {
  const { peers } = trial.subject;
  if (!peers) throw new Obstacle("the node's list of peers is out of reach");
  const until = trial.now + WITHIN_MS;
  for (;;) {
    const theirs = await peers();
    const ours = trial.addresses.filter((address) => theirs.includes(address)).length;
    if (ours === count) return;
    if (trial.now >= until) fail(`the node has ${ours} of our connections instead of ${count}`);
    await trial.wait(POLL_MS);
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
