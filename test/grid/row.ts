/**
 * A row of the grid: one event of a connection, as the machine sees it and as bytes or an action on the link cause it,
 * with Bitcoin Core's answer.
 */
import type { ConnectionType, PeerContext, PeerEvent, Rules } from '../../machines/index.js';
import { encodeMessage, encodeFrame, type Message } from '../../src/wire/index.js';
import { NETWORKS } from '../../src/networks.js';

/**
 * Core's answer while it awaits their version, awaits their verack, and is established (protocol.md, section 5):
 * `stay` (ignored or noted, nothing sent), `close`, `K` (burst, now it awaits verack), `E` (established), or the one
 * message that it sends.
 */
export type Verdicts = readonly [string, string, string];

/** What must be so before the event. */
export interface Given {
  /** The version that the peer announced in the handshake; default 70017. */
  readonly version?: number;
  readonly rules?: Partial<Rules>;
  /** How far an established connection has come: `ponged` (our first ping is answered), `pinged` (the second is out). */
  readonly pings?: 'ponged' | 'pinged';
  /** Their getaddr has come before. */
  readonly asked?: true;
  /** An accepted connection carried our nonce after the link opened. */
  readonly self?: true;
  /** Milliseconds from the open link to the event. */
  readonly age?: number;
}

/** Nonces that the node has sent, and that a row can send back. */
export interface SentNonces {
  /** Nonce of the node's last ping, 16 hex digits. */
  readonly pingnonce: string;
  /** Nonce of another connection that the node is dialling. */
  readonly dialling: string;
}

/** How the event comes about on a real node. */
export type Via =
  | { readonly by: 'bytes'; readonly bytes: (nonces: SentNonces) => Uint8Array }
  | { readonly by: 'action'; readonly action: LinkAction }
  | { readonly by: 'nothing'; readonly why: string };

export type LinkAction =
  | 'open'
  | 'refuse'
  | 'end'
  | 'sever'
  | 'close'
  | 'self'
  | 'jump'
  | { readonly pass: number; readonly ping?: true };

export interface Row {
  readonly name: string;
  /** Conformance case ids, or a section of protocol.md. */
  readonly rule: string;
  readonly core: Verdicts;
  readonly coreBy?: Partial<Record<ConnectionType, Verdicts>>;
  readonly given?: Given;
  /** Undefined: the session keeps it from the machine (data-plane traffic). A timer's event is XState's. */
  readonly event: (context: PeerContext) => PeerEvent | Timer | undefined;
  /** The function of Core in which the verdicts were read, where no case shows them. */
  readonly source?: string;
  /** We decide otherwise than Core does, on purpose: why. */
  readonly ours?: string;
  /** The pool sends a tick only when something is due. */
  readonly spared?: true;
  readonly via: Via;
}

/** The machine's own delayed events. */
export interface Timer {
  readonly type: `xstate.after.${string}`;
}

/** The verdict where Core has no such event: nothing is compared. */
export const NOT_IN_CORE = '–';
export const STAY: Verdicts = ['stay', 'stay', 'stay'];
/** A close when established, nothing before: the fate of misbehaviour. */
export const LATE: Verdicts = ['stay', 'stay', 'close'];
export const ALWAYS: Verdicts = ['close', 'close', 'close'];

/** When the tests' events happen. */
export const AT = 2_000;
/** Nonces: of the peer's version, of our pings in the pure machine, of a connection that is being dialled. */
export const THEIRS = '8877665544332211';
export const PINGNONCE = '00000000000a0001';
export const DIALLING = '00000000000d0001';
export const ZERO = '0000000000000000';

const { magic } = NETWORKS.regtest;

export const frame = (command: string, payload: Uint8Array): Uint8Array =>
  encodeFrame(magic, command, payload);
export const framed = (message: Message): Uint8Array => frame(message.command, encodeMessage(message));
export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
export const NONE = new Uint8Array(0);

/** Sent by the peer, whatever is known. */
export const sent = (bytes: Uint8Array): Via => ({ by: 'bytes', bytes: () => bytes });

/** A payload that the codec takes for `command`, its event, and Core's verdicts. */
export function message(
  name: string,
  rule: string,
  [command, payload]: readonly [string, Uint8Array | string],
  event: PeerEvent | undefined,
  core: Verdicts,
  more: Partial<Row> = {},
): Row {
  const body = typeof payload === 'string' ? bytesOf(payload) : payload;
  return { name, rule, core, event: () => event, via: sent(frame(command, body)), ...more };
}

/** A payload that cannot be read: Core throws, logs, and keeps the peer. */
export const unreadable = (
  name: string,
  rule: string,
  [command, payload]: readonly [string, Uint8Array | string],
  code: 'ERR_CODEC_SHORT' | 'ERR_CODEC_RANGE' | 'ERR_CODEC_NONMINIMAL' = 'ERR_CODEC_SHORT',
): Row =>
  message(name, rule, [command, payload], { type: 'wire.dropped', code, command }, STAY, {
    source: 'PeerManagerImpl::ProcessMessages',
  });
