/**
 * Fault injection on links: each fault is a wrapper around a link of our own, to test how the peer reacts. Faults in frames
 * work on v1 only: with BIP324 the frames are encrypted and pass unchanged; `silent`, `split` and `slow` work on both.
 *
 * Faults can be combined by wrapping. `split` and `slow` must be innermost, because the others need whole frames.
 */
import { type ReasonCode, VerackError } from '../../reasons.js';
import { nearestName } from '../option-names.js';
import { systemTimers, type Timers } from '../timers.js';
import type { Link } from '../link.js';
import { SlowLink, SplitLink } from './delayed-link.js';
import { type FrameFaultName, FrameFaultLink } from './frame-faults.js';

/** A key of {@link FAULTS}. */
export type FaultName = FrameFaultName | 'split' | 'slow';

/** What a fault changes, and how a conforming peer reacts. */
export interface FaultRow {
  /** What our side does: one line of help text. */
  readonly about: string;
  /** The notation of the value: empty for none, in brackets when it is optional. */
  readonly value: '' | '=N' | '=MS' | '[=HEX16]';
  /** The reason with which the peer's connection ends, or `established` when the peer must accept the fault. */
  readonly expect: ReasonCode | 'established';
}

/** All faults: in bytes, by silence, in the order of messages, in their contents, in timing. */
export const FAULTS: Readonly<Record<FaultName, FaultRow>> = {
  checksum: {
    about: 'our verack has a wrong checksum; it is dropped, and no other is sent',
    value: '',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  magic: { about: 'our first frame has the magic of another network', value: '', expect: 'ERR_FRAME_MAGIC' },
  oversize: { about: 'our first header claims 5,000,000 bytes', value: '', expect: 'ERR_FRAME_OVERSIZE' },
  truncate: {
    about: 'our version is cut in the middle of its payload, and nothing follows',
    value: '',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  silent: { about: 'we read and never write', value: '', expect: 'ERR_TIME_HANDSHAKE' },
  'no-verack': { about: 'our verack is not sent', value: '', expect: 'ERR_TIME_HANDSHAKE' },
  'double-version': {
    about: 'our version is sent twice; the second is ignored',
    value: '',
    expect: 'established',
  },
  'verack-first': {
    about: 'a verack is sent before our version; it is ignored, and the regular one follows',
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
      'our version has the given nonce, or, when we listen, the nonce of the version that we received; only the accepting side ' +
      'checks it, and closes if it is dialling with that nonce itself',
    value: '[=HEX16]',
    expect: 'established',
  },
  obsolete: {
    about: 'our version announces protocol version 209',
    value: '',
    expect: 'ERR_POLICY_VERSION',
  },
  'hang-up': { about: 'we close the connection right after our version', value: '', expect: 'ERR_LINK_EOF' },
  split: { about: 'we write N bytes at a time', value: '=N', expect: 'established' },
  slow: {
    about: 'each write is MS milliseconds late; beyond the deadline the handshake times out',
    value: '=MS',
    expect: 'established',
  },
};

/** The names of all faults of frames and links. */
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** A selected fault. */
export interface Fault {
  readonly name: FaultName;
  /** Digits for `split` (bytes, 1 or more) and `slow` (milliseconds); 16 hex digits or empty for `self-nonce`; else empty. */
  readonly value: string;
}

/** The longest delay of a Node.js timer, milliseconds. */
const MAX_MS = 2 ** 31 - 1;

function isWhole(value: string, lowest: number): boolean {
  return /^\d{1,10}$/.test(value) && Number(value) >= lowest && Number(value) <= MAX_MS;
}

/** For each notation: whether a value (undefined: none) is valid, and the error text when it is not. */
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
 * Parses `name` or `name=value`, as listed in {@link FAULTS}.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` (the text) and `why` (with the nearest name and all names)
 */
export function parseFault(text: string): Fault {
  const [, word = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const name = FAULT_NAMES.find((candidate) => candidate === word) ?? unknownFault(text, word);
  const [fits, rule] = VALUE_RULES[FAULTS[name].value];
  if (!fits(value)) refuse(text, `${name} ${rule}: write ${name}${FAULTS[name].value}`);
  return { name, value: value ?? '' };
}

/**
 * Wraps `link` with a fault. Use only the returned link afterwards.
 *
 * `self-nonce` without a value sends back the nonce of the `version` that was received before ours is written; on a link that we
 * dialled none was received yet, and our version is unchanged. `hang-up` reports `ERR_LINK_EOF` to its owner.
 */
export function withFault(link: Link, fault: Fault, timers: Timers = systemTimers): Link {
  if (fault.name === 'split') return new SplitLink(link, Number(fault.value), timers);
  if (fault.name === 'slow') return new SlowLink(link, Number(fault.value), timers);
  return new FrameFaultLink(link, fault.name, fault.value, timers);
}
