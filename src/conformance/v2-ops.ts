/** The ops of BIP324: the steps of the key exchange, and packets of any kind. */
import { systemRandom } from '../net/index.js';
import type { Step } from './case.js';
import { short } from './message-bytes.js';
import { V2Endpoint } from './v2-endpoint.js';
import type { TesterConnection } from './tester-connection.js';
import { missingText } from './expect-ops.js';
import type { Op } from './send-ops.js';
import { Deviation, CannotRun } from './deviation.js';
import type { CaseRun } from './case-run.js';

const WITHIN_MS = 3_000;

function exchangeOf(connection: TesterConnection): V2Endpoint {
  if (!connection.exchange) throw new CannotRun(`the connection ${connection.name} speaks v1 (no v2_start)`);
  return connection.exchange;
}

function sendKeyBytes(
  connection: TesterConnection,
  bytes: Uint8Array,
  what: string,
  { bytewise }: Step,
): void {
  if (bytewise) connection.writeBytewise(bytes, what);
  else connection.write([bytes], what);
}

/** Starts the key exchange. The side that dialled is the initiator, unless the step sets `initiating`. */
function start(run: CaseRun, step: Step): void {
  const { initiating = run.it.role === 'inbound', garbage_len = 0, key_bytes } = step;
  const connection = run.connection(step.conn);
  const garbage = systemRandom(garbage_len);
  const exchange = new V2Endpoint({ initiating, magic: run.chain.magic, garbage });
  connection.speakV2(exchange);
  const what =
    key_bytes === undefined ? `key and ${garbage_len} bytes of garbage` : `${key_bytes} bytes of a key`;
  sendKeyBytes(connection, exchange.opening(0, key_bytes), what, step);
}

function sendRestOfKey(run: CaseRun, step: Step): void {
  const connection = run.connection(step.conn);
  const { from = 0 } = step;
  sendKeyBytes(connection, exchangeOf(connection).opening(from), `the key from byte ${from} on`, step);
}

/** Waits until `isThere` returns true; rejects with a {@link Deviation} after 3 s or a fault. */
async function waitFor(
  run: CaseRun,
  connection: TesterConnection,
  what: string,
  isThere: () => boolean,
): Promise<void> {
  const exchange = exchangeOf(connection);
  const until = run.now + WITHIN_MS;
  while (!isThere()) {
    if (exchange.broken !== undefined) throw new Deviation(`${exchange.broken} instead of a ${what}`);
    if (connection.ended || run.now >= until) throw new Deviation(missingText(connection, what, WITHIN_MS));
    await connection.change(until);
  }
}

async function keys(run: CaseRun, { conn }: Step): Promise<void> {
  const connection = run.connection(conn);
  const exchange = exchangeOf(connection);
  await waitFor(run, connection, 'key', () => exchange.isAgreed);
}

const WRONG_PARTS = ['wrong_aad', 'omit_terminator', 'omit_version_packet'] as const;

/** The text of `v2_finish` for the transcript. */
function finishText(step: Step): string {
  const { decoys = [], version_contents = '', append_messages = [] } = step;
  const wrong = WRONG_PARTS.filter((flag) => step[flag] === true);
  return [
    step.omit_terminator ? '' : 'terminator',
    decoys.length === 0 ? '' : `${decoys.length} decoys`,
    step.omit_version_packet ? '' : `version packet ${short(version_contents)}`.trim(),
    append_messages.length === 0 ? '' : `${append_messages.length} messages`,
    wrong.length === 0 ? '' : `(${wrong.join(', ')})`,
  ]
    .filter((words) => words !== '')
    .join(', ');
}

async function finish(run: CaseRun, step: Step): Promise<void> {
  const connection = run.connection(step.conn);
  const exchange = exchangeOf(connection);
  sendKeyBytes(connection, exchange.closing(step, run), finishText(step), step);
  if (!step.no_wait) await waitFor(run, connection, 'version packet', () => exchange.isSettled);
}

async function handshake(run: CaseRun, step: Step): Promise<void> {
  start(run, step);
  await keys(run, step);
  await finish(run, step);
}

function packet(run: CaseRun, step: Step): void {
  const connection = run.connection(step.conn);
  const { contents = '', header, ignore, corrupt_tag } = step;
  const facts = [
    ignore === true ? 'a decoy' : 'a packet',
    contents === '' ? 'without contents' : short(contents),
    header === undefined ? '' : `with header ${header}`,
    corrupt_tag ? 'with a wrong tag' : '',
  ];
  connection.write([exchangeOf(connection).packet(step)], facts.join(' ').trim());
}

function packetLength(run: CaseRun, { conn, length = 0 }: Step): void {
  const connection = run.connection(conn);
  connection.write(
    [exchangeOf(connection).packetLength(length)],
    `the beginning of a packet of ${length} bytes`,
  );
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
