/**
 * Derives the inputs of the boundary cases from the message table: each message in each state, over v1 and v2, and each
 * variant of each message in the states in which its fields are read. The expected outcomes are in `verdicts.json`.
 */
import { createHash } from 'node:crypto';
import { type Command, COMMANDS, decodeMessage } from '../../wire/index.js';
import type { Case, Dialect, Sent, Step, When } from '../case.js';
import { samplePayload, variantsOf } from './variants.js';

/** The states of a connection in which a message is sent. */
export const STATES = ['awaiting-version', 'version-received', 'established'] as const;
export type BoundaryState = (typeof STATES)[number];

/** One message in one state. */
export interface Boundary {
  /** Made of state, command and variant, so it does not depend on other boundaries. */
  readonly id: string;
  readonly state: BoundaryState;
  readonly transport: Case['transport'];
  readonly command: string;
  /** The field and its value; absent for the sample message. */
  readonly variant?: string;
  readonly sent: Sent;
  /** The version message of the handshake around it. */
  readonly version: string | Sent;
  readonly when?: When;
  /** The dialect that it applies to; absent if all dialects behave the same. */
  readonly dialect?: Dialect;
}

/** A command that is not in the message table. */
const UNKNOWN = 'unknown' as const;

/** Conditions under which Core reads the fields of a message instead of rejecting the command. */
const WHEN: Partial<Record<Command, When>> = {
  tx: { relay: 1 },
  mempool: { lacks: ['BLOOM'] },
  filterload: { lacks: ['BLOOM'] },
  filteradd: { lacks: ['BLOOM'] },
  filterclear: { lacks: ['BLOOM'] },
};

/** The states in which the fields of a message are read; `established` for all others. */
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

/** Only a peer that announces 70017 may send `feature` (BIP434). */
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

const versionExchange = ({ version }: Boundary): Step[] => [
  { op: 'send', messages: [version] },
  { op: 'expect', messages: ['version', 'wtxidrelay', 'sendaddrv2', 'verack'] },
];

/** The steps before the message. */
export function stepsBefore(it: Boundary): Step[] {
  const keys: Step[] = it.transport === 'v2' ? [{ op: 'v2_handshake' }] : [];
  if (it.state === 'awaiting-version') return keys;
  if (it.state === 'version-received') return [...keys, ...versionExchange(it)];
  return [...keys, ...versionExchange(it), { op: 'send', messages: ['verack'] }, { op: 'ping_pong' }];
}

/** The messages that complete the handshake after the message, with a ping at the end. */
export function messagesAfter({ state, command, sent, version }: Boundary): (string | Sent)[] {
  if (state === 'established') return [LAST_PING];
  if (state === 'version-received') return ['verack', LAST_PING];
  if (command !== 'version') return [version, 'verack', LAST_PING];
  return [...(isReadable(sent) ? [] : [OTHER_VERSION]), 'verack', LAST_PING];
}

/** Sent after a version that should be ignored. A node that accepted the first one would answer with wtxidrelay and sendaddrv2, which 70015 does not get. */
const OTHER_VERSION: Sent = { msg: 'version', fields: { version: 70015 } };

/** Whether a version can be decoded: a second one would then be a duplicate. */
const isReadable = ({ payload = '' }: Sent): boolean =>
  decodeMessage('version', Buffer.from(payload, 'hex')).ok;

/** A digest of the steps, 8 hex digits, which shows whether a verdict was recorded for the same bytes. */
export function digestOf(it: Boundary): string {
  const bytes = JSON.stringify([stepsBefore(it), it.sent, messagesAfter(it)]);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}
