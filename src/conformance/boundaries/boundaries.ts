/**
 * What is tried at a node: each message of the table in each state, over v1 and v2, and each variant of each message in the
 * state in which it counts. Derived from the message table; what a node should do is not part of it.
 */
import { createHash } from 'node:crypto';
import { type Command, COMMANDS, decodeMessage } from '../../wire/index.js';
import type { Case, Dialect, Sent, Step, When } from '../case.js';
import { samplePayload, variantsOf } from './variants.js';

/** The states of a connection in which a message can come. */
export const STATES = ['awaiting-version', 'version-received', 'established'] as const;
export type BoundaryState = (typeof STATES)[number];

/** One message in one state. */
export interface Boundary {
  /** Made of state, command and variant: it does not depend on other boundaries. */
  readonly id: string;
  readonly state: BoundaryState;
  readonly transport: Case['transport'];
  readonly command: string;
  /** Which field holds what; absent for the plain message. */
  readonly variant?: string;
  readonly sent: Sent;
  /** The version message of the handshake around it. */
  readonly version: string | Sent;
  readonly when?: When;
  /** The dialects that behave alike; absent when all do. */
  readonly dialect?: Dialect;
}

/** A command that no table has. */
const UNKNOWN = 'unknown' as const;

/** Conditions under which Core reads the fields of a message instead of rejecting the command. */
const WHEN: Partial<Record<Command, When>> = {
  tx: { relay: 1 },
  mempool: { lacks: ['BLOOM'] },
  filterload: { lacks: ['BLOOM'] },
  filteradd: { lacks: ['BLOOM'] },
  filterclear: { lacks: ['BLOOM'] },
};

/** The states in which the fields of a message count; established for all others. */
const READ_IN: Partial<Record<Command, readonly BoundaryState[]>> = {
  version: ['awaiting-version'],
  verack: ['version-received'],
  wtxidrelay: ['version-received'],
  sendaddrv2: ['version-received'],
  sendtxrcncl: ['version-received'],
  feature: ['version-received'],
  sendcmpct: ['version-received', 'established'],
};

/** Every boundary, ids unique. */
export const boundaries = (): Boundary[] => [
  ...STATES.flatMap((state) =>
    [...COMMANDS, UNKNOWN].flatMap((command: Command | 'unknown') => plain(state, command)),
  ),
  ...COMMANDS.flatMap((command) => variantsOf(command).flatMap((variant) => varied(command, variant))),
];

function plain(state: BoundaryState, command: Command | 'unknown'): Boundary[] {
  const payload = command === UNKNOWN ? { payload: '' } : samplePayload(command);
  const sent = { msg: command, ...payload };
  return [
    ...boundary({ id: `in-${state}-${command}`, state, transport: 'v1', sent }),
    ...boundary({ id: `in-v2-${state}-${command}`, state, transport: 'v2', sent }),
  ];
}

function varied(command: Command, { name, payload }: ReturnType<typeof variantsOf>[number]): Boundary[] {
  const states = READ_IN[command] ?? ['established'];
  const sent = { msg: command, ...payload };
  return states.flatMap((state) =>
    boundary({ id: `in-${state}-${command}-${name}`, state, transport: 'v1', sent, variant: name }),
  );
}

/** Only who announces 70017 may send `feature` (BIP434). */
const FEATURE_VERSION: Sent = { msg: 'version', fields: { version: 70017 } };

function boundary(it: Pick<Boundary, 'id' | 'state' | 'transport' | 'sent' | 'variant'>): Boundary[] {
  const command = it.sent.msg;
  const when = WHEN[command as Command];
  const whole = {
    ...it,
    command,
    version: command === 'feature' ? FEATURE_VERSION : 'version',
    ...(when && { when }),
  };
  if (!dependsOnDialect(whole)) return [whole];
  return [
    { ...whole, dialect: 'd70016' },
    { ...whole, id: `${it.id}-d70017`, dialect: 'd70017' },
  ];
}

/** From 70017 on `feature` is read (BIP434), and Core closes on a sendcmpct whose first byte is more than 1. */
function dependsOnDialect({ command, state, variant = '' }: Omit<Boundary, 'dialect'>): boolean {
  if (command === 'feature') return state !== 'awaiting-version';
  return command === 'sendcmpct' && /^announce-(2|max)$/.test(variant);
}

/** The nonce of the ping that ends each case. */
export const LAST_NONCE = '76657261636b0001';
export const LAST_PING: Sent = { msg: 'ping', payload: LAST_NONCE };

const greeting = ({ version }: Boundary): Step[] => [
  { op: 'send', messages: [version] },
  { op: 'expect', messages: ['version', 'wtxidrelay', 'sendaddrv2', 'verack'] },
];

/** What comes before the message. */
export function stepsBefore(it: Boundary): Step[] {
  const keys: Step[] = it.transport === 'v2' ? [{ op: 'v2_handshake' }] : [];
  if (it.state === 'awaiting-version') return keys;
  if (it.state === 'version-received') return [...keys, ...greeting(it)];
  return [...keys, ...greeting(it), { op: 'send', messages: ['verack'] }, { op: 'ping_pong' }];
}

/** What completes the handshake after the message, and ends with a ping. */
export function messagesAfter({ state, command, sent, version }: Boundary): (string | Sent)[] {
  if (state === 'established') return [LAST_PING];
  if (state === 'version-received') return ['verack', LAST_PING];
  if (command !== 'version') return [version, 'verack', LAST_PING];
  return [...(isReadable(sent) ? [] : [OTHER_VERSION]), 'verack', LAST_PING];
}

/** Follows a version that is to be ignored; who took the first one answers with wtxidrelay and sendaddrv2 all the same. */
const OTHER_VERSION: Sent = { msg: 'version', fields: { version: 70015 } };

/** A version that is taken: another one would be a duplicate. */
const isReadable = ({ payload = '' }: Sent): boolean =>
  decodeMessage('version', Buffer.from(payload, 'hex')).ok;

/** Short for what is sent; a verdict that was given for other bytes does not count. */
export function digestOf(it: Boundary): string {
  const bytes = JSON.stringify([stepsBefore(it), it.sent, messagesAfter(it)]);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}
