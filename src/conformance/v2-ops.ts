/** The ops of BIP324: they make the exchange of keys step by step, and packets of any kind. */
import { systemRandom } from '../net/environment.js';
import type { Step } from './case.js';
import { short } from './message-bytes.js';
import { Exchange } from './v2-endpoint.js';
import type { TesterConnection } from './tester-connection.js';
import { silence } from './expect-ops.js';
import type { Op } from './send-ops.js';
import { Deviation, Obstacle } from './deviation.js';
import type { CaseRun } from './case-run.js';

const WITHIN_MS = 3_000;

function exchangeOf(line: TesterConnection): Exchange {
  if (!line.exchange) throw new Obstacle(`the connection ${line.name} speaks v1 (no v2_start)`);
  return line.exchange;
}

function put(line: TesterConnection, bytes: Uint8Array, what: string, { bytewise }: Step): void {
  if (bytewise) line.writeBytewise(bytes, what);
  else line.write([bytes], what);
}

/** Whoever dialled is the initiator, unless the step says otherwise. */
function start(trial: CaseRun, step: Step): void {
  const { initiating = trial.it.role === 'inbound', garbage_len = 0, key_bytes } = step;
  const line = trial.line(step.conn);
  const garbage = systemRandom(garbage_len);
  const exchange = new Exchange({ initiating, magic: trial.chain.magic, garbage });
  line.speakV2(exchange);
  const what =
    key_bytes === undefined ? `key and ${garbage_len} bytes of garbage` : `${key_bytes} bytes of a key`;
  put(line, exchange.opening(0, key_bytes), what, step);
}

function sendRestOfKey(trial: CaseRun, step: Step): void {
  const line = trial.line(step.conn);
  const { from = 0 } = step;
  put(line, exchangeOf(line).opening(from), `the key from byte ${from} on`, step);
}

/** Waits for something of the node's, and says so when it does not come. */
async function come(
  trial: CaseRun,
  line: TesterConnection,
  what: string,
  isThere: () => boolean,
): Promise<void> {
  const exchange = exchangeOf(line);
  const until = trial.now + WITHIN_MS;
  while (!isThere()) {
    if (exchange.broken !== undefined) throw new Deviation(`${exchange.broken} instead of a ${what}`);
    if (line.ended || trial.now >= until) throw new Deviation(silence(line, what, WITHIN_MS));
    await line.change(until);
  }
}

async function keys(trial: CaseRun, { conn }: Step): Promise<void> {
  const line = trial.line(conn);
  const exchange = exchangeOf(line);
  await come(trial, line, 'key', () => exchange.isAgreed);
}

const SPOILED = ['wrong_aad', 'omit_terminator', 'omit_version_packet'] as const;

/** What we say to end the exchange, in words. */
function closingWords(step: Step): string {
  const { decoys = [], version_contents = '', append_messages = [] } = step;
  const spoiled = SPOILED.filter((flag) => step[flag] === true);
  return [
    step.omit_terminator ? '' : 'terminator',
    decoys.length === 0 ? '' : `${decoys.length} decoys`,
    step.omit_version_packet ? '' : `version packet ${short(version_contents)}`.trim(),
    append_messages.length === 0 ? '' : `${append_messages.length} messages`,
    spoiled.length === 0 ? '' : `(${spoiled.join(', ')})`,
  ]
    .filter((words) => words !== '')
    .join(', ');
}

async function finish(trial: CaseRun, step: Step): Promise<void> {
  const line = trial.line(step.conn);
  const exchange = exchangeOf(line);
  put(line, exchange.closing(step, trial), closingWords(step), step);
  if (!step.no_wait) await come(trial, line, 'version packet', () => exchange.isSettled);
}

async function handshake(trial: CaseRun, step: Step): Promise<void> {
  start(trial, step);
  await keys(trial, step);
  await finish(trial, step);
}

function packet(trial: CaseRun, step: Step): void {
  const line = trial.line(step.conn);
  const { contents = '', header, ignore, corrupt_tag } = step;
  const facts = [
    ignore === true ? 'a decoy' : 'a packet',
    contents === '' ? 'without contents' : short(contents),
    header === undefined ? '' : `with header ${header}`,
    corrupt_tag ? 'with a wrong tag' : '',
  ];
  line.write([exchangeOf(line).packet(step)], facts.join(' ').trim());
}

function packetLength(trial: CaseRun, { conn, length = 0 }: Step): void {
  const line = trial.line(conn);
  line.write([exchangeOf(line).packetLength(length)], `the beginning of a packet of ${length} bytes`);
}

export const V2_OPS: Readonly<Record<string, Op>> = {
  v2_start: start,
  v2_send_rest_of_key: sendRestOfKey,
  v2_keys: keys,
  v2_finish: finish,
  v2_handshake: handshake,
  v2_packet: packet,
  v2_packet_length: packetLength,
};
