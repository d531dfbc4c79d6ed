/** The fields of each input, with their validators, since a recording is untrusted. */
import { isIP } from 'node:net';
import { CORE_RULES, OUTBOUND_CONNECTION_TYPES } from '../../machines/index.js';
import { kindOfHost } from '../net/index.js';
import { REASONS } from '../index.js';
import { isV2Fault } from '../connection/index.js';
import { MAX_GARBAGE } from '../wire/index.js';
import {
  a,
  flag,
  hex,
  hexOf,
  isObject,
  listOf,
  natural,
  objectWith,
  oneOf,
  type Validator,
  whole,
} from '../json/validators.js';
import type { InputName } from './recording-format.js';

const isText = (value: unknown): value is string => typeof value === 'string';

const text = a('a text of at most 512 characters', (value) => isText(value) && value.length <= 512);
/** A whole number from 0 to a limit. */
const upTo = (max: number): Validator =>
  a(
    `a whole number from 0 to ${max}`,
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max,
  );
/** A list of at least one value. */
const someOf =
  (validator: Validator): Validator =>
  (value, at) =>
    Array.isArray(value) && value.length === 0 ? `${at} is empty` : listOf(validator)(value, at);
const port = upTo(65_535);
/** An IP address, or a host of a network without IP addresses (`.onion`, `.i2p`); not a name. */
const host = a(
  'an IP address or a host of another network',
  (value) => isText(value) && value.length <= 253 && (isIP(value) > 0 || kindOfHost(value) !== 'name'),
);
const facts = a(
  'an object of texts, numbers and flags',
  (value) =>
    isObject(value) && Object.values(value).every((fact) => /^(string|number|boolean)$/.test(typeof fact)),
);
const code = (start: RegExp): Validator =>
  a('a reason code', (value) => isText(value) && start.test(value) && Object.hasOwn(REASONS, value));
const typeLike = (sample: unknown): Validator =>
  a(`a ${typeof sample}`, (value) => typeof value === typeof sample);

const endpoint = objectWith({ host, port });
/** All rules are optional, since a recording may be older than a rule. */
const rules = objectWith(
  {},
  Object.fromEntries(Object.entries(CORE_RULES).map(([name, rule]) => [name, typeLike(rule)])),
);
const padding = objectWith({ garbage: upTo(MAX_GARBAGE), decoys: listOf(upTo(65_535)) });
const ban = objectWith({ version: natural, ban_created: natural, banned_until: natural, address: text });
const options = objectWith(
  {
    chain: text,
    magic: hexOf(4),
    rules,
    maxinbound: natural,
    maxoutbound: natural,
    maxpending: natural,
    maxsendbuffer: natural,
    pendingloopback: flag,
    drainTimeout: natural,
    v2transport: flag,
    v2only: flag,
    services: text,
    startingheight: whole,
    subver: text,
    faults: listOf(text),
  },
  {
    padding,
    maxpersource: natural,
    acceptrate: natural,
    whitelist: listOf(text),
    reservedslots: natural,
    bans: listOf(ban),
    v2fault: a('a fault of v2', (value) => isText(value) && isV2Fault(value)),
    outbound: objectWith(
      { slots: natural, once: flag },
      { blockrelay: natural, feelerInterval: natural, anchors: listOf(endpoint) },
    ),
  },
);
const dialOptions = objectWith(
  {},
  {
    connection_type: oneOf(...OUTBOUND_CONNECTION_TYPES),
    persistent: flag,
    v2transport: flag,
  },
);
const message = a(
  'a command and a payload in lower-case hex',
  (value) =>
    Array.isArray(value) && value.length === 2 && (text(value[0], '') ?? hex(value[1], '')) === undefined,
);
const dialCode = code(/^ERR_(DIAL_|LOCAL_LIMIT)/);
const linkCode = code(/^ERR_LINK_/);
const anyCode = code(/^ERR_/);
const seedAddress = objectWith({ host, port, source: text });

const INPUTS: Readonly<Record<InputName, Validator>> = {
  node: objectWith({ options }),
  dial: objectWith({ to: someOf(endpoint), options: dialOptions }),
  dialname: objectWith({ name: text, port, options: dialOptions }),
  candidates: objectWith({ addresses: listOf(seedAddress) }),
  feeler: objectWith({ addresses: listOf(endpoint) }),
  found: objectWith({ lookup: natural, hosts: someOf(host) }),
  unfound: objectWith({ lookup: natural, code: anyCode, facts }),
  closedial: objectWith({ dial: natural }),
  listen: objectWith({ host, port }),
  close: objectWith({ id: natural }),
  send: objectWith({ id: natural, messages: listOf(message) }),
  stop: objectWith({}),
  opened: objectWith({ link: natural, local: endpoint, remote: endpoint }),
  failed: objectWith({ link: natural, code: dialCode, facts }),
  accepted: objectWith({ listener: natural, link: natural, local: endpoint, remote: endpoint }),
  data: objectWith({ link: natural, bytes: hex }),
  closed: objectWith({ link: natural, code: linkCode }),
  drained: objectWith({ link: natural }),
  timer: objectWith({ timer: natural }),
  listening: objectWith({ listener: natural, local: endpoint }),
  listenfailed: objectWith({ listener: natural, facts }),
};

/** The fault in an entry as a sentence without a full stop; `undefined` for a valid entry. */
export function faultIn(entry: Record<string, unknown>): string | undefined {
  const { in: name } = entry;
  if (name === undefined) return outFault(entry);
  if (typeof name !== 'string' || !Object.hasOwn(INPUTS, name))
    return `there is no input ${JSON.stringify(name).slice(0, 40)}`;
  return INPUTS[name as InputName](entry, name);
}

function outFault({ out, bytes, size, ms }: Record<string, unknown>): string | undefined {
  if (typeof out !== 'string') return 'the entry has neither in nor out';
  if (out === 'pending') return natural(size, 'pending.size');
  if (out === 'cpu' && !Number.isFinite(ms)) return 'cpu.ms should be a number';
  return out === 'draw' ? hex(bytes, 'draw.bytes') : undefined;
}

/** Whether the first entry of a turn has its node, time and wall time. */
export const hasMoment = ({ node, at, wall }: Record<string, unknown>): boolean =>
  natural(node, '') === undefined && Number.isFinite(at) && Number.isFinite(wall);

/** No valid entry is nested deeper. The limit bounds the recursion of the code that compares and prints entries. */
const MAX_DEPTH = 8;

/** Whether a JSON value is nested at most `depth` levels deep. */
export const isShallow = (value: unknown, depth = MAX_DEPTH): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1)));
