/**
 * Labels for the names of a machine. Most are derived from the name itself, so that a new event or guard needs no entry
 * here; the tables hold the exceptions.
 */
import type { Action } from './chart.js';

const EVENTS: Readonly<Record<string, string>> = {
  '': 'at once',
  '*': 'anything else',
  'link.connected': 'TCP opens',
  'link.open': 'link opens',
  'bytes.arrived': 'the first byte',
  'bytes.v1': 'v1 bytes',
  'bytes.v2': 'a byte that is not v1',
  'bytes.key': 'their key',
  'bytes.garbage': 'their terminator',
  'bytes.broken': 'invalid bytes',
  'packet.decoy': 'decoys',
  'packet.version': 'their version packet',
  'link.failed': 'link fails',
  'wire.broken': 'stream broken',
  'wire.excess': 'list too long',
  'wire.unoffered': 'message not offered',
  'wire.dropped': 'dropped messages',
  'wire.flooded': 'flood',
  'clock.tick': 'tick',
  'clock.jump': 'clock jumps',
  'user.close': 'close()',
  'user.stop': 'stop()',
  'user.dial': 'dial()',
  'user.fill': 'filling begins',
  'lookup.done': 'addresses found',
  'feeler.found': 'feeler candidate',
  'supervisor.self': 'own connection',
  'frontier.seeded': 'first addresses known',
  'frontier.filled': 'queue filled',
  'contact.ended': 'contact ends',
  'user.begin': 'begin()',
  'user.cancel': 'cancel()',
  'pong.received': 'pong',
  'addresses.received': 'addresses',
  'addresses.pending': 'no addresses yet',
  'addresses.exceeded': 'too much',
  'exchange.pending': 'no key yet',
  'connection.ended': 'connection ends',
  'supervisor.evicted': 'evicted',
  'supervisor.discouraged': 'discouraged',
  'eviction.selected': 'peer to evict',
};

const GUARDS: Readonly<Record<string, string>> = {
  isSelf: 'our own nonce',
  mayFallBack: 'no reply',
  isV2Only: 'v2 only',
  isUnconnected: 'not connected',
  isEmpty: 'empty',
  isLast: 'the last peer',
  isKnown: 'known address',
  isAnsweredGetaddr: 'the first, inbound',
  isFetched: 'addr-fetch',
  isFetchOver: 'addr-fetch over',
  isCompactBlocks2: 'version 2',
  exceedsRate: 'too often',
  exceedsHandshakes: 'too many pending',
  exceedsPeers: 'too many of its source',
  selectsNone: 'none',
  isGrouped: 'netgroup taken',
  hasAnchors: 'anchors',
  mayOpenFeeler: 'no slot free',
  findsFeeler: 'an address',
  findsNone: 'none',
  findsNoneOnce: 'none, once',
  findsNoneAtAll: 'none, unreached',
  findsTooFew: 'too few',
  opensNext: 'candidate left',
  fillsLast: 'the last, once',
  losesLast: 'the last, none reached',
  losesLastOnce: 'the last, none reached, once',
  endsLastOnce: 'the last, once',
  mayRetry: 'may be retried',
  hasAnotherAddress: 'another address',
  isUnanswered: 'no answer to BIP324',
  speaksV1: 'v1 header',
  isTaken: 'connected already',
  isExhausted: 'no address left',
  usesV2: 'BIP324',
  isExchangeOverdue: 'too long',
  areOverdue: 'too long',
  areOthers: 'of others',
  isDrained: 'no contact open',
  isRepeated: 'another crawl',
  lacksSlotForDiscouraged: 'discouraged',
  lacksInboundSlot: 'no slot',
  lacksOutboundSlot: 'no slot',
};

const ACTIONS: Readonly<Record<string, string>> = {
  'effect.dial': 'dials, if outbound',
  'effect.sendKey': 'sends key and garbage',
  'effect.sendTerminator': 'sends terminator, decoys, version packet',
  'effect.ready': 'messages can flow',
  'effect.fallBack': 'reports that v1 may be tried',
  'effect.giveUp': 'closes the link',
  'effect.sendAddresses': 'sends addresses',
  'effect.refuse': 'refuses',
  'effect.accept': 'creates the peer',
  'effect.selectPeerToEvict': 'asks for a peer to evict',
  'effect.evict': 'evicts the selected peer',
  'effect.grantSlot': 'grants the slot',
  'effect.refuseSlot': 'refuses the slot',
  'effect.findCandidates': 'asks the source',
  'effect.openTargets': 'creates targets',
  'effect.openAnchors': 'dials the anchors',
  'effect.armFeeler': 'arms the feeler timer',
  'effect.findFeeler': 'asks for an address to test',
  'effect.openFeeler': 'creates a feeler',
  'effect.reportUnreachable': 'reports that none was reached',
  'effect.reportFilled': 'reports that the slots are filled',
  'effect.lookUp': 'looks the name up',
  'effect.cancelLookUp': 'cancels the lookup',
  'effect.requestSlot': 'requests a slot',
  'effect.connect': 'creates the peer',
  'effect.disconnect': 'closes the peer',
  'effect.reportEnd': 'reports the end',
  'effect.reportFallback': 'reports the fallback to v1',
  'effect.reportRetry': 'reports the next round',
  'effect.reportAbandoned': 'reports that it is given up',
  'effect.settle': 'reports the outcome to the caller',
  'effect.seed': 'looks for the first addresses',
  'effect.beginRound': 'queues what the round contacts',
  'effect.fill': 'opens contacts',
  'effect.cancel': 'closes open contacts',
  'effect.inspectExchange': 'looks at the key exchange',
  'effect.inspectDelay': 'looks at the limit',
  'effect.recordDelay': 'records the delay',
  'effect.report': 'reports the outcome',
  'effect.finish': 'writes the summary',
  'effect.drain': 'closes every connection',
  'effect.kill': 'destroys the rest',
};

/** `lacksServices` → `lacks services`. */
const spaced = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();

/** `wire.verack` → `verack`, `link.closed` → `link closed`. */
export const eventLabel = (event: string): string =>
  EVENTS[event] ?? event.replace(/^wire\./, '').replace('.', ' ');

/** `isInbound` → `inbound`. */
export const guardLabel = (guard: string): string =>
  GUARDS[guard] ?? spaced(guard.replace(/^is(?=[A-Z])/, ''));

/** What an effect does; undefined for an action that only updates the context. */
export function effectLabel({ type, params }: Action): string | undefined {
  if (!type.startsWith('effect.') || type === 'effect.send') return undefined;
  if (type === 'effect.close')
    return params?.flush === true ? 'closes the link after the last message' : 'closes the link at once';
  const code = typeof params?.code === 'string' ? ` with ${params.code}` : '';
  return (ACTIONS[type] ?? type.slice('effect.'.length)) + code;
}

const UNITS = [
  { ms: 60_000, unit: 'min', from: 120_000 },
  { ms: 1_000, unit: 's', from: 1_000 },
] as const;

/** `60000` → `60 s`. */
export function timeLabel(ms: number): string {
  const fit = UNITS.find((each) => ms >= each.from && ms % each.ms === 0);
  return fit ? `${ms / fit.ms} ${fit.unit}` : `${ms} ms`;
}

/** Breaks at spaces, so that no line is longer than `width` unless a single word is. */
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
