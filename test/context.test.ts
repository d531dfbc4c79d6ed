/** The context of a connection (machines/context.ts) and the messages that it sends (machines/message-sequences.ts). */
import { describe, expect, test } from '@jest/globals';

import {
  type ConnectionType,
  CORE_RULES,
  type MessageSequence,
  MAX_FEATURES,
  messagesOf,
  type PeerContext,
  type PeerEvent,
} from '../machines/index.js';
import * as update from '../machines/context.js';

const contextOf = (facts: Partial<PeerContext> = {}): PeerContext => ({
  ...update.initial({ id: 1, connection_type: 'manual', rules: CORE_RULES }),
  ...facts,
});

test('a new connection has the initial context', () => {
  expect(update.initial({ id: 7, connection_type: 'feeler', rules: CORE_RULES })).toEqual({
    ...{ id: 7, connection_type: 'feeler', rules: CORE_RULES, reason: null, selfnonce: false, dropped: '' },
    ...{ connectedat: -1, openedat: -1, versionat: -1, establishedat: -1, handshakeleft: 60_000 },
    ...{ version: 0, services: '0000000000000000', subver: '', startingheight: -1, timeoffset: 0 },
    ...{ relaytxes: false, wtxidrelay: false, sendaddrv2: false, sendheaders: false, sendcmpct: -1 },
    ...{ minfeefilter: '0000000000000000', features: [] },
    ...{ pingnonce: '', pingsentat: -1, pingtime: -1, minping: -1 },
    ...{ addrlocal: '', getaddr: false, reject: '', noban: false },
  });
});

describe('context updates', () => {
  test.each([
    [0, 60_000],
    [1, 59_999],
    [60_000, 0],
    [90_000, 0],
  ])('a key exchange of %d ms leaves %d', (elapsed, handshakeleft) => {
    const change = update.open(contextOf(), { type: 'link.open', at: 5, elapsed });
    expect(change).toEqual({ openedat: 5, handshakeleft });
  });

  test('their version, and nothing else of the event', () => {
    const facts = { version: 70016, services: '0000000000000409', subver: '/x/', startingheight: 9 };
    const rest = { timeoffset: -3, relaytxes: true, addrlocal: '203.0.113.7:8333' };
    const event = { type: 'wire.version', at: 5, nonce: '07', ownnonce: true, ...facts, ...rest } as const;
    expect(update.version(contextOf(), event)).toEqual({ versionat: 5, ...facts, ...rest });
  });

  test('the first ping leaves with the handshake; a peer of 60000 or less answers none', () => {
    const verack = { type: 'wire.verack', at: 5, nonce: '07' } as const;
    const [young, old] = [60001, 60000].map((version) => update.established(contextOf({ version }), verack));
    expect(young).toEqual({ establishedat: 5, pingnonce: '07', pingsentat: 5 });
    expect(old).toEqual({ establishedat: 5, pingnonce: '', pingsentat: 5 });
  });

  test('the round trip, and the shortest so far', () => {
    const pong = { type: 'wire.pong', at: 150, nonce: '07' } as const;
    const ponged = (minping: number) =>
      update.pong(contextOf({ pingnonce: '07', pingsentat: 100, minping }), pong);
    expect(ponged(-1)).toEqual({ pingnonce: '', pingtime: 50, minping: 50 });
    expect(ponged(0)).toMatchObject({ pingtime: 50, minping: 0 });
    expect(ponged(40)).toMatchObject({ pingtime: 50, minping: 40 });
    expect(ponged(60)).toMatchObject({ pingtime: 50, minping: 50 });
  });

  test('wtxidrelay from common version 70016 on', () => {
    const relays = [70015, 70016].map((version) => update.wtxidrelay(contextOf({ version })).wtxidrelay);
    expect(relays).toEqual([false, true]);
  });

  test('features in order, and no more than the limit', () => {
    const feature = { type: 'wire.feature', id: 'new', valid: true } as const;
    const held = (count: number) => contextOf({ features: Array<string>(count).fill('old') });
    expect(update.feature(held(1), feature)).toEqual({ features: ['old', 'new'] });
    expect(update.feature(held(MAX_FEATURES - 1), feature).features).toHaveLength(MAX_FEATURES);
    expect(update.feature(held(MAX_FEATURES), feature)).toEqual({});
  });

  test('the dropped message', () => {
    const dropped = { type: 'wire.dropped', command: 'verack', code: 'ERR_FRAME_CHECKSUM' } as const;
    expect(update.dropped(contextOf(), dropped)).toEqual({ dropped: 'verack: ERR_FRAME_CHECKSUM' });
    const version = { type: 'wire.version', fault: 'ERR_CODEC_SHORT' } as never;
    expect(update.dropped(contextOf(), version)).toEqual({ dropped: 'version: ERR_CODEC_SHORT' });
  });

  test('a jump of the clock moves every timestamp, and no other number', () => {
    const moments = { openedat: 1, versionat: 2, establishedat: 3, pingsentat: 4 };
    const change = update.shifted(contextOf(moments), { type: 'clock.jump', ms: 100 });
    const moved = { openedat: 101, versionat: 102, establishedat: 103, pingsentat: 104 };
    expect(change).toEqual({ ...moved, connectedat: -1 });
    const exchanged = update.shifted(contextOf({ ...moments, connectedat: 0 }), {
      type: 'clock.jump',
      ms: 100,
    });
    expect(exchanged).toEqual({ ...moved, connectedat: 100 });
  });

  test("a reason has the transition's code, else that of the event", () => {
    const closed = { type: 'link.closed', code: 'ERR_LINK_EOF' } as const;
    const facts = {};
    expect(update.reason(contextOf(), closed)).toEqual({ reason: { code: 'ERR_LINK_EOF', facts } });
    expect(update.reason(contextOf(), closed, 'ERR_LINK_RESET')).toEqual({
      reason: { code: 'ERR_LINK_RESET', facts },
    });
    const close = { type: 'user.close' } as const;
    expect(update.reason(contextOf(), close)).toMatchObject({ reason: { code: 'ERR_LOCAL_BUG' } });
  });
});

describe('the message sequences', () => {
  const sent = (
    sequence: MessageSequence,
    facts: Partial<PeerContext>,
    event: PeerEvent = { type: 'user.close' },
  ) => messagesOf(sequence, contextOf(facts), event);
  const names = (sequence: MessageSequence, connection_type: ConnectionType, version: number) =>
    sent(sequence, { connection_type, version }).map(({ command }) => command);

  test('version', () => {
    expect(sent('version', {})).toEqual([{ command: 'version' }]);
  });

  test('the negotiation messages, by type and version', () => {
    expect(names('negotiation', 'inbound', 70016)).toEqual(['version', 'wtxidrelay', 'sendaddrv2', 'verack']);
    expect(names('negotiation', 'manual', 70015)).toEqual(['verack', 'getaddr']);
    expect(names('negotiation', 'feeler', 70013)).toEqual(['verack']);
    expect(names('negotiation', 'feeler', 70012)).toEqual(['verack', 'alert']);
  });

  test('the post-handshake messages, by version', () => {
    const opening = (version: number, relay: boolean) =>
      sent('postHandshake', { version, pingnonce: '07', rules: { ...CORE_RULES, relay } });
    const cmpct = { command: 'sendcmpct', announce: 0, version: '0000000000000002' };
    const fee = { command: 'feefilter', feerate: '00000000000003e8' };
    const ping = { command: 'ping', nonce: '07' };
    expect(opening(70014, true)).toEqual([cmpct, ping, fee]);
    expect(opening(70013, true)).toEqual([ping, fee]);
    expect(opening(70012, true)).toEqual([ping]);
    expect(opening(70014, false)).toEqual([cmpct, ping]);
    expect(opening(60001, true)).toEqual([ping]);
    expect(opening(60000, true)).toEqual([{ command: 'ping', nonce: '' }]);
  });

  test('a pong has the nonce of the ping, and answers nothing else', () => {
    expect(sent('pong', {}, { type: 'wire.ping', nonce: '09' })).toEqual([{ command: 'pong', nonce: '09' }]);
    expect(sent('pong', {}, { type: 'wire.pong', at: 5, nonce: '09' })).toEqual([]);
  });
});
