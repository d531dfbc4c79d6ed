/**
 * The names of a machine in plain words. Most words are made from the name itself, so that a new event or guard reads
 * well without an entry here; the tables hold only what would read badly.
 */
import type { Action } from './graph.js';

const EVENTS: Readonly<Record<string, string>> = {
  '': 'at once',
  '*': 'anything else',
  'link.connected': 'TCP opens',
  'link.open': 'link opens',
  'bytes.arrived': 'the first byte',
  'bytes.v1': 'the bytes are v1',
  'bytes.v2': 'a byte that is not v1',
  'bytes.key': 'their key',
  'bytes.garbage': 'their terminator',
  'bytes.broken': 'not readable',
  'packet.decoy': 'decoys',
  'packet.version': 'their version packet',
  'link.failed': 'dial fails',
  'wire.broken': 'stream broken',
  'wire.excess': 'list too long',
  'wire.unoffered': 'message not offered',
  'wire.dropped': 'dropped messages',
  'wire.flooded': 'flood',
  'clock.tick': 'tick',
  'clock.jump': 'clock jumps',
  'user.close': 'we are asked to close',
  'user.stop': 'asked to stop',
  'supervisor.self': 'told that it is us',
};

const GUARDS: Readonly<Record<string, string>> = {
  isSelf: 'our own nonce',
  mayFallBack: 'nothing came back',
  isV2Only: 'v2 only',
  isUnconnected: 'not connected',
  isEmpty: 'empty',
  isLast: 'the last peer',
  isKnown: 'known address',
  isFetched: 'addr-fetch served',
  isFetchOver: 'addr-fetch too old',
  isCompactBlocks2: 'version 2',
  isCrowded: 'its source is crowded',
  lacksInboundSlot: 'no slot',
  lacksOutboundSlot: 'no slot',
};

const ACTIONS: Readonly<Record<string, string>> = {
  'effect.dial': 'dials, if outbound',
  'effect.sendKey': 'sends key and garbage',
  'effect.sendTerminator': 'sends terminator, decoys, version packet',
  'effect.ready': 'messages can flow',
  'effect.fallBack': 'v1 may be tried',
  'effect.giveUp': 'gives up',
  'effect.spawn': 'makes the peer',
  'effect.refuse': 'refuses',
  'effect.drain': 'asks every peer to close',
  'effect.kill': 'cuts off who is left',
};

/** `lacksServices` → `lacks services`. */
const spaced = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();

/** `wire.verack` → `verack`, `link.closed` → `link closed`. */
export const eventWords = (event: string): string =>
  EVENTS[event] ?? event.replace(/^wire\./, '').replace('.', ' ');

/** `isInbound` → `inbound`. */
export const guardWords = (guard: string): string =>
  GUARDS[guard] ?? spaced(guard.replace(/^is(?=[A-Z])/, ''));

/** What an effect asks of the outside; undefined for what only the machine itself remembers. */
export function effectWords({ type, params }: Action): string | undefined {
  if (!type.startsWith('effect.') || type === 'effect.send') return undefined;
  if (type === 'effect.close') return params?.flush === true ? 'closes when all is sent' : 'cuts the link';
  const code = typeof params?.code === 'string' ? ` with ${params.code}` : '';
  return (ACTIONS[type] ?? type.slice('effect.'.length)) + code;
}

const UNITS = [
  { ms: 60_000, unit: 'min', from: 120_000 },
  { ms: 1_000, unit: 's', from: 1_000 },
] as const;

/** `60000` → `60 s`. */
export function timeWords(ms: number): string {
  const fit = UNITS.find((each) => ms >= each.from && ms % each.ms === 0);
  return fit ? `${ms / fit.ms} ${fit.unit}` : `${ms} ms`;
}

/** Breaks at blanks, so that no line is longer than `width` unless one word is. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
