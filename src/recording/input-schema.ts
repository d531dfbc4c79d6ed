/** Which fields each input has, and what fits them: a recording may come from anywhere. */
import { isIP } from 'node:net';
import { CONNECTION_TYPES, CORE_RULES } from '../../machines/index.js';
import { kindOfHost } from '../net/index.js';
import { REASONS } from '../index.js';
import { isV2Fault } from '../connection/index.js';
import { MAX_GARBAGE } from '../wire/index.js';
import type { InputName } from './recording-format.js';

type Fits = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Fits>>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const count: Fits = (value) => Number.isInteger(value) && Number(value) >= 0;
const flag: Fits = (value) => typeof value === 'boolean';
const text: Fits = (value) => typeof value === 'string' && value.length <= 512;
const hex: Fits = (value) => typeof value === 'string' && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value);
const port: Fits = (value) => count(value) && Number(value) <= 65_535;
/** An IP address, or a host of another network (`.onion`, `.i2p`). */
const host: Fits = (value) =>
  typeof value === 'string' && value.length <= 253 && (isIP(value) > 0 || kindOfHost(value) !== 'name');
const maybe =
  (fits: Fits): Fits =>
  (value) =>
    value === undefined || fits(value);
const list =
  (fits: Fits, least = 0): Fits =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.every(fits);
const shaped =
  (shape: Shape): Fits =>
  (value) =>
    isObject(value) && missing(shape, value) === undefined;
const facts: Fits = (value) =>
  isObject(value) && Object.values(value).every((fact) => /^(string|number|boolean)$/.test(typeof fact));
const code = (start: RegExp): Fits => {
  return (value) => typeof value === 'string' && start.test(value) && Object.hasOwn(REASONS, value);
};

const endpoint = shaped({ host, port });
/** A recording may be older than a rule. */
const rules = shaped(
  Object.fromEntries(
    Object.entries(CORE_RULES).map(([name, rule]) => [name, maybe((value) => typeof value === typeof rule)]),
  ),
);
const padding = shaped({
  garbage: (value) => count(value) && Number(value) <= MAX_GARBAGE,
  decoys: list((value) => count(value) && Number(value) <= 65_535),
});
const options = shaped({
  chain: text,
  magic: (value) => hex(value) && String(value).length === 8,
  rules,
  maxinbound: count,
  maxoutbound: count,
  maxpending: count,
  maxsendbuffer: count,
  pendingloopback: flag,
  drainTimeout: count,
  v2transport: flag,
  v2only: flag,
  padding: maybe(padding),
  v2fault: maybe((value) => typeof value === 'string' && isV2Fault(value)),
  outbound: maybe(shaped({ slots: count, once: flag })),
  services: text,
  startingheight: Number.isInteger,
  subver: text,
  faults: list(text),
});
const dialOptions = shaped({
  connection_type: maybe((value) => value !== 'inbound' && CONNECTION_TYPES.some((type) => type === value)),
  persistent: maybe(flag),
  v2transport: maybe(flag),
});
const message: Fits = (value) =>
  list(text, 2)(value) || (Array.isArray(value) && text(value[0]) && hex(value[1]));
const dialCode = code(/^ERR_(DIAL_|LOCAL_LIMIT)/);
const linkCode = code(/^ERR_LINK_/);
const anyCode = code(/^ERR_/);
const seedAddress = shaped({ host, port, source: text });

const SHAPES: Readonly<Record<InputName, Shape>> = {
  node: { options },
  dial: { to: list(endpoint, 1), options: dialOptions },
  dialname: { name: text, port, options: dialOptions },
  candidates: { addresses: list(seedAddress) },
  found: { lookup: count, hosts: list(host, 1) },
  unfound: { lookup: count, code: anyCode, facts },
  hangup: { dial: count },
  listen: { host, port },
  close: { id: count },
  send: { id: count, messages: list(message) },
  stop: {},
  opened: { link: count, local: endpoint, remote: endpoint },
  failed: { link: count, code: dialCode, facts },
  accepted: { listener: count, link: count, local: endpoint, remote: endpoint },
  data: { link: count, bytes: hex },
  closed: { link: count, code: linkCode },
  drained: { link: count },
  timer: { timer: count },
  listening: { listener: count, local: endpoint },
  unheard: { listener: count, facts },
};

/** The first field that does not fit. */
function missing(shape: Shape, value: Record<string, unknown>): string | undefined {
  return Object.keys(shape).find((name) => !shape[name]?.(value[name]));
}

/** What is wrong with an entry, as a sentence without a full stop; `undefined` when nothing is. */
export function faultIn(entry: Record<string, unknown>): string | undefined {
  const { in: name } = entry;
  if (name === undefined) return outFault(entry);
  if (typeof name !== 'string' || !Object.hasOwn(SHAPES, name))
    return `no such input: ${JSON.stringify(name).slice(0, 40)}`;
  const field = missing(SHAPES[name as InputName], entry);
  return field && `${name} has no ${field} that can be used`;
}

function outFault({ out, bytes, size }: Record<string, unknown>): string | undefined {
  if (typeof out !== 'string') return 'neither in nor out';
  if (out === 'pending' && !count(size)) return 'pending has no size that can be used';
  return out === 'draw' && !hex(bytes) ? 'draw has no bytes that can be used' : undefined;
}

/** Whether a turn's moment is complete. */
export const hasMoment = ({ node, at, wall }: Record<string, unknown>): boolean =>
  count(node) && Number.isFinite(at) && Number.isFinite(wall);

/** Deeper than any entry is; what compares and prints entries goes down into them. */
const MAX_DEPTH = 8;

export const isShallow = (value: unknown, depth = MAX_DEPTH): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1)));
