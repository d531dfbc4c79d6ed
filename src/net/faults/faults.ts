/**
 * Peers that misbehave on purpose: each fault is a wrapper around a link, put on our own side, so that the other, healthy side
 * can be watched. Over v1 only: with BIP324 the frames are encrypted and pass unchanged, except through `silent`, `split`, `slow`.
 *
 * Faults combine by wrapping: put `split` and `slow` innermost, because the others need whole frames.
 */
import { type ReasonCode, VerackError } from '../../reasons.js';
import { nearestName } from '../option-names.js';
import { systemTimers, type Timers } from '../timers.js';
import type { Link } from '../link.js';
import { SlowLink, SplitLink } from './delayed-link.js';
import { type FrameFaultName, FrameFaultLink } from './frame-faults.js';

/** A key of {@link FAULTS}. */
export type FaultName = FrameFaultName | 'split' | 'slow';

/** What a fault does, and what the healthy side makes of it. */
export interface FaultRow {
  /** What our side does, one sentence. */
  readonly about: string;
  /** How the value is written, empty when there is none; in brackets when it may be left out. */
  readonly value: '' | '=N' | '=MS' | '[=HEX16]';
  /** How the connection ends for a healthy other side, or that it is established all the same. */
  readonly expect: ReasonCode | 'established';
}

/** Every fault, in the order of a handshake's trouble: bytes, silence, order, content, pace. */
export const FAULTS: Readonly<Record<FaultName, FaultRow>> = {
  checksum: {
    about: 'our verack has a wrong checksum; it is dropped, and no other comes',
    value: '',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  magic: { about: "our first frame carries another network's magic", value: '', expect: 'ERR_FRAME_MAGIC' },
  oversize: { about: 'our first header claims 5,000,000 bytes', value: '', expect: 'ERR_FRAME_OVERSIZE' },
  truncate: {
    about: 'our version stops in the middle of its payload, and nothing follows',
    value: '',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  silent: { about: 'we read and never write', value: '', expect: 'ERR_TIME_HANDSHAKE' },
  'no-verack': { about: 'our verack is withheld', value: '', expect: 'ERR_TIME_HANDSHAKE' },
  'double-version': {
    about: 'our version is sent twice; the second is ignored',
    value: '',
    expect: 'established',
  },
  'verack-first': {
    about: 'a verack goes before our version; it is ignored, and the right one follows',
    value: '',
    expect: 'established',
  },
  'late-wtxidrelay': {
    about: 'wtxidrelay follows right after our verack',
    value: '',
    expect: 'ERR_PROTO_LATE_FEATURE',
  },
  'self-nonce': {
    about:
      'our version carries the nonce given, or, where we listen, the one just announced to us; only the accepting side checks it, ' +
      'and takes us for itself while it is dialling with that nonce',
    value: '[=HEX16]',
    expect: 'established',
  },
  obsolete: {
    about: 'our version announces protocol version 209',
    value: '',
    expect: 'ERR_POLICY_VERSION',
  },
  'hang-up': { about: 'we close right after our version', value: '', expect: 'ERR_LINK_EOF' },
  split: { about: 'we write N bytes at a time', value: '=N', expect: 'established' },
  slow: {
    about: 'each write is MS milliseconds late; past the deadline it is a timeout',
    value: '=MS',
    expect: 'established',
  },
};

/** The names of all faults of frames and links. */
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** A fault that was chosen. */
export interface Fault {
  readonly name: FaultName;
  /** Digits for `split` (bytes, 1 or more) and `slow` (milliseconds); 16 hex digits or empty for `self-nonce`; else empty. */
  readonly value: string;
}

/** Longest delay that a timer of Node.js can hold. */
const MAX_MS = 2 ** 31 - 1;

function isWhole(value: string, lowest: number): boolean {
  return /^\d{1,10}$/.test(value) && Number(value) >= lowest && Number(value) <= MAX_MS;
}

/** Per value form, whether a value (`undefined`: none was given) fits, and what to say when it does not. */
const VALUE_RULES: Readonly<Record<FaultRow['value'], readonly [(value?: string) => boolean, string]>> = {
  '': [(value) => value === undefined, 'takes no value'],
  '=N': [(value = '') => isWhole(value, 1), 'needs a number of bytes, 1 or more'],
  '=MS': [(value = '') => isWhole(value, 0), 'needs a number of milliseconds, 0 or more'],
  '[=HEX16]': [(value) => value === undefined || /^[0-9a-f]{16}$/i.test(value), 'takes 16 hex digits'],
};

function refuse(value: string, why: string): never {
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value: value.slice(0, 80), why });
}

function unknownFault(text: string, name: string): never {
  const close = nearestName(name.slice(0, 40).toLowerCase(), FAULT_NAMES);
  const hint = close ? `did you mean "${close}"? ` : '';
  return refuse(
    text,
    `no such fault: ${hint}the faults are ${FAULT_NAMES.map((n) => n + FAULTS[n].value).join(', ')}`,
  );
}

/**
 * Reads `name` or `name=value`, as {@link FAULTS} has them.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` (what was given) and `why` (names the faults and the nearest one)
 */
export function parseFault(text: string): Fault {
  const [, word = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const name = FAULT_NAMES.find((candidate) => candidate === word) ?? unknownFault(text, word);
  const [fits, rule] = VALUE_RULES[FAULTS[name].value];
  if (!fits(value)) refuse(text, `${name} ${rule}: write ${name}${FAULTS[name].value}`);
  return { name, value: value ?? '' };
}

/**
 * `link`, misbehaving. Attach to and write through what comes back, and leave `link` alone.
 *
 * `self-nonce` without a value repeats the nonce of the version that has come before ours is written; on a link that we dialled
 * there is none yet, and our version goes unchanged. `hang-up` reports `ERR_LINK_EOF` to its owner.
 */
export function withFault(link: Link, fault: Fault, timers: Timers = systemTimers): Link {
  if (fault.name === 'split') return new SplitLink(link, Number(fault.value), timers);
  if (fault.name === 'slow') return new SlowLink(link, Number(fault.value), timers);
  return new FrameFaultLink(link, fault.name, fault.value, timers);
}
