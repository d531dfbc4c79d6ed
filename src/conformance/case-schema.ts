/** The schema of a case: its fields, and the fields of each op. */
import { type Case, DIALECTS, GRADES, NEEDS } from './case.js';
import { PARTS, VERSION_FIELDS } from './version-message.js';
import {
  anything,
  flag,
  hex,
  hexOf,
  hexWithMagic,
  isObject,
  listOf,
  natural,
  object,
  oneOf,
  recordOf,
  type Validator,
  text,
  textOr,
} from '../json/validators.js';

const versionFields: Validator = (value, at) => {
  if (!isObject(value)) return `${at} should be an object`;
  const unexpected = Object.keys(value).find((key) => !VERSION_FIELDS.includes(key));
  return unexpected === undefined ? undefined : `${at}.${unexpected} is not a field of version`;
};

const repeated = object({ prefix: hex, unit: hex, count: natural }, { suffix: hex });

const sent = textOr(
  object(
    { msg: text },
    {
      payload: hex,
      payload_gen: repeated,
      fields: versionFields,
      omit_from: oneOf(...PARTS),
      cut_to_bytes: natural,
      cut_last: natural,
      version_nonce_from: text,
      magic: oneOf('other'),
      command_hex: hexOf(12),
      length: natural,
      checksum: hexOf(4),
      encoding: oneOf('long'),
    },
  ),
);

const wanted = textOr(
  object(
    { msg: text },
    {
      payload: hex,
      payload_len: natural,
      fields: versionFields,
      fields_nonzero: listOf(oneOf(...VERSION_FIELDS)),
      capture: text,
      differs_from: text,
    },
  ),
);

const words = listOf(text);
/** The connection that a step uses; A by default. */
const conn = { conn: text };

type Fields = Readonly<Record<string, Validator>>;
const op = (required: Fields = {}, optional: Fields = {}): Validator =>
  object({ op: text, ...required }, { ...conn, ...optional });

const KEY = { garbage_len: natural, key_bytes: natural, initiating: flag, bytewise: flag };
const FINISH = {
  decoys: listOf(natural),
  version_contents: hex,
  wrong_aad: flag,
  omit_terminator: flag,
  omit_version_packet: flag,
  no_wait: flag,
  append_messages: listOf(sent),
  bytewise: flag,
};

/** The fields of every op. The ops that need control of the node (`rpc`, `expect_addr_set`) have a schema, but are not executed. */
const OPS: Readonly<Record<string, Validator>> = {
  send: op({ messages: listOf(sent) }, { coalesce: flag, bytewise: flag }),
  send_raw: op({}, { hex: hexWithMagic, zeros: natural, of: sent, from: natural, to: natural }),
  expect: op({ messages: listOf(wanted) }, { within_ms: natural, strict: flag, ignore: words }),
  expect_quiet: op({ ms: natural }, { strict: flag, ignore: words }),
  expect_close: op({}, { within_ms: natural, strict: flag, allow: words }),
  ping_pong: op({}, { nonce: hexOf(8), within_ms: natural }),
  connect: op({}, { source: text, target: text }),
  close: op(),
  wait: op({ ms: natural }),
  listen: op({}, { address: text }),
  trigger_connect: op({}, { address: text, v2: flag }),
  accept: op({}, { within_ms: natural }),
  expect_no_accept: op({ ms: natural }),
  expect_bytes: op({ min: natural }, { prefix: hexWithMagic, not_prefix: hexWithMagic }),
  expect_raw_open: op({ ms: natural }),
  expect_raw_close: op({}, { within_ms: natural }),
  expect_buffered: op({ min: natural, max: natural }),
  expect_peers: op({ count: natural }),
  set_clock: op({ unix: natural }),
  advance_clock: op({ seconds: natural }),
  expect_addr_set: op({ ips: words }),
  rpc: op({ method: text }, { params: listOf(anything) }),
  v2_start: op({}, KEY),
  v2_send_rest_of_key: op({ from: natural }),
  v2_keys: op(),
  v2_finish: op({}, FINISH),
  v2_handshake: op({}, { ...KEY, ...FINISH }),
  v2_packet: op({}, { contents: hex, ignore: flag, header: hexOf(1), corrupt_tag: flag }),
  v2_packet_length: op({ length: natural }),
};

const step: Validator = (value, at) => {
  const name = isObject(value) ? value.op : undefined;
  if (typeof name !== 'string') return `${at} lacks "op"`;
  const validator = Object.hasOwn(OPS, name) ? OPS[name] : undefined;
  if (!validator) return `${at} has the op "${name}", which is not one of ${Object.keys(OPS).join(', ')}`;
  return validator(value, `${at} (${name})`);
};

const when = object({}, { relay: oneOf(0, 1), offers: words, lacks: words, sends: text, chain: text });

const caseSchema = object(
  {
    id: text,
    name: text,
    rule: text,
    grade: oneOf(...GRADES),
    role: oneOf('inbound', 'outbound'),
    transport: oneOf('v1', 'v2'),
    dialects: listOf(oneOf(...DIALECTS)),
    tags: words,
    source: text,
    verified: words,
    steps: listOf(step),
  },
  {
    listener: oneOf('any', 'v1-only', 'v2-capable'),
    connection_type: oneOf('outbound-full-relay', 'block-relay-only', 'feeler', 'addr-fetch', 'manual'),
    as_manual: flag,
    when,
    needs: listOf(oneOf(...Object.keys(NEEDS))),
    config: recordOf(anything),
    own_node: flag,
    core_master: text,
    note: text,
    evidence: oneOf('source', 'BIP'),
  },
);

const file = object({ about: text, cases: listOf(anything) });

/** An error in a data file. The message is one sentence with the place and the fault. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

const named = (value: unknown): string =>
  isObject(value) && typeof value.id === 'string' ? `case ${value.id}` : 'a case without id';

/** A fault that the schema cannot express. */
function contradiction(it: Case): string | undefined {
  const at = `case ${it.id}`;
  if (it.steps.length === 0) return `${at} has no steps`;
  if (it.role === 'inbound' && it.listener === undefined) return `${at} is inbound and lacks "listener"`;
  if (it.role === 'outbound' && it.connection_type === undefined)
    return `${at} is outbound and lacks "connection_type"`;
  const isV2 = it.steps.some(({ op: name }) => name.startsWith('v2_'));
  return isV2 && it.transport === 'v1' ? `${at} has v2 steps and the transport v1` : undefined;
}

/** Validates one case. Throws {@link Malformed}. */
export function readCase(value: unknown): Case {
  const at = named(value);
  const wrong = caseSchema(value, at) ?? contradiction(value as Case);
  if (wrong !== undefined) throw new Malformed(wrong);
  return value as Case;
}

/** Validates the cases of one file. Throws {@link Malformed}. */
export function readCases(value: unknown, name: string): Case[] {
  const wrong = file(value, name);
  if (wrong !== undefined) throw new Malformed(wrong);
  return (value as { cases: unknown[] }).cases.map((item) => readCase(item));
}

/** Returns the cases. Throws {@link Malformed} when two have the same id. */
export function withoutDuplicates(cases: readonly Case[]): readonly Case[] {
  const ids = new Set<string>();
  for (const { id } of cases) {
    if (ids.has(id)) throw new Malformed(`two cases have the id ${id}`);
    ids.add(id);
  }
  return cases;
}
