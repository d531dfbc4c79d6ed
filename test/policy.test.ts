/** The rules of machines/policy.ts at their edges: versions, deadlines, and the facts of a reason. */
import { describe, expect, test } from '@jest/globals';

import {
  CONNECTION_TYPES,
  CORE_RULES,
  DRAIN_TIMEOUT,
  nextDeadline,
  type PeerContext,
  type PeerEvent,
  redialDelay,
} from '../machines/index.js';
import { initial } from '../machines/context.js';
import * as policy from '../machines/policy.js';
import type { ReasonCode } from '../src/reasons.js';

const contextOf = (facts: Partial<PeerContext> = {}): PeerContext => ({
  ...initial({ id: 1, connection_type: 'manual', rules: CORE_RULES }),
  ...facts,
});
const ESTABLISHED = { version: 70017, openedat: 1_000, versionat: 1_000, establishedat: 1_000 };
const established = (facts: Partial<PeerContext> = {}) => contextOf({ ...ESTABLISHED, ...facts });
const QUIET = { stalledat: -1, pending: 0 } as const;
const tick = (at: number, lastrecv = at, lastsend = at) =>
  ({ type: 'clock.tick', at, lastrecv, lastsend, ...QUIET, nonce: '0000000000000002' }) as const;

test("Core's numbers", () => {
  expect(CORE_RULES).toEqual({
    ...{ connectTimeout: 5_000, handshakeTimeout: 60_000 },
    ...{ pingInterval: 120_000, pongTimeout: 1_200_000, idleTimeout: 1_200_000, addrFetchTimeout: 300_000 },
    addrFetchEntries: 1,
    ...{ stallTimeout: 1_200_000, maxUseless: 1_000, maxPings: 1_000_000, floodWindow: 60_000 },
    ...{ version: 70017, minVersion: 31800, requiredServices: '0000000000000009', relay: false },
  });
  expect(policy.SINCE).toEqual({ feature: 70017, wtxidrelay: 70016, sendcmpct: 70014, feefilter: 70013 });
  expect([policy.ALERT_UNTIL, policy.NO_PONG_UNTIL, DRAIN_TIMEOUT]).toEqual([70012, 60000, 2_000]);
});

test('a dial is unconnected until TCP is open; an accepted peer never is', () => {
  expect(policy.isUnconnected(contextOf())).toBe(true);
  expect(policy.isUnconnected(contextOf({ connectedat: 0 }))).toBe(false);
  expect(policy.isUnconnected(contextOf({ connection_type: 'inbound' }))).toBe(false);
});

describe('rules by connection type', () => {
  const those = (claim: (context: PeerContext) => boolean, facts: Partial<PeerContext> = {}) =>
    CONNECTION_TYPES.filter((connection_type) => claim(contextOf({ ...facts, connection_type })));
  const rules = { ...CORE_RULES, relay: true };

  test('from which peers transactions, addresses and services are requested', () => {
    expect(those(policy.wantsTransactions)).toEqual([]);
    expect(those(policy.wantsTransactions, { rules })).toEqual([
      ...['inbound', 'manual', 'outbound-full-relay', 'addr-fetch'],
    ]);
    expect(those(policy.asksForAddresses)).toEqual(['manual', 'outbound-full-relay', 'addr-fetch']);
    const bare = { services: '0000000000000001' } as Parameters<typeof policy.lacksServices>[1];
    expect(those((context) => policy.lacksServices(context, bare))).toEqual([
      ...['outbound-full-relay', 'block-relay-only', 'addr-fetch'],
    ]);
    const full = { services: '000000000000000f' } as typeof bare;
    expect(those((context) => policy.lacksServices(context, full))).toEqual([]);
  });

  test('which peers may exceed limits', () => {
    const excess = (command: string) => ({ type: 'wire.excess', command, count: 9, limit: 1 }) as const;
    const tolerates = (command: string) => those((context) => !policy.exceedsLimit(context, excess(command)));
    expect(tolerates('addr')).toEqual(['manual', 'block-relay-only']);
    expect(tolerates('addrv2')).toEqual(['manual', 'block-relay-only']);
    expect(tolerates('inv')).toEqual(['manual']);
    expect(tolerates('getheaders')).toEqual([]);
    expect(tolerates('getblocks')).toEqual([]);
  });

  test('which violations do not end a connection with the permission noban', () => {
    const noban = contextOf({ connection_type: 'inbound', noban: true });
    const unoffered = (command: string) => ({ type: 'wire.unoffered', command }) as const;
    const sendcmpct = { type: 'wire.sendcmpct', announce: 2, version: '0000000000000002' } as const;
    expect(policy.isInvalidAnnounce(noban, sendcmpct)).toBe(false);
    expect(policy.isRefusedService(noban, unoffered('mempool'))).toBe(false);
    expect(policy.isRefusedService(noban, unoffered('filterclear'))).toBe(true);
    expect(those((context) => policy.isRefusedService(context, unoffered('mempool')))).toHaveLength(6);
  });

  test('after which reasons an address is discouraged', () => {
    const of = (code: ReasonCode, command: string) => policy.isMisbehaviour({ code, facts: { command } });
    expect(of('ERR_PROTO_LIMIT', 'inv')).toBe(true);
    expect(of('ERR_PROTO_LIMIT', 'getheaders')).toBe(false);
    expect(of('ERR_PROTO_NEGOTIATION', 'sendcmpct')).toBe(true);
    expect(of('ERR_PROTO_NEGOTIATION', 'feature')).toBe(false);
  });

  test('which sendcmpct announce values are valid, and when an addr-fetch is complete', () => {
    const announce = (n: number) =>
      ({ type: 'wire.sendcmpct', announce: n, version: '0000000000000002' }) as const;
    expect(those((context) => policy.isInvalidAnnounce(context, announce(1)))).toEqual([]);
    expect(those((context) => policy.isInvalidAnnounce(context, announce(2)))).not.toContain('manual');
    expect(those((context) => policy.isInvalidAnnounce(context, announce(2)))).toHaveLength(5);
    expect([0, 1, 2].map((n) => policy.isCompactBlocks2(contextOf(), announce(n)))).toEqual([
      true,
      true,
      false,
    ]);
    const addr = (count: number) => ({ type: 'wire.addr', count }) as const;
    expect(those((context) => policy.isFetched(context, addr(1)))).toEqual([]);
    expect(those((context) => policy.isFetched(context, addr(2)))).toEqual(['addr-fetch']);
  });
});

describe('boundary values', () => {
  const version = (number: number) => ({ version: number }) as Parameters<typeof policy.isObsolete>[1];

  test('versions', () => {
    expect([31799, 31800].map((number) => policy.isObsolete(contextOf(), version(number)))).toEqual([
      ...[true, false],
    ]);
    const feature = { type: 'wire.feature', id: 'abcd', valid: true } as const;
    expect(policy.isBadFeature(established(), feature)).toBe(false);
    expect(policy.isBadFeature(established({ version: 70016 }), feature)).toBe(true);
    expect(policy.isBadFeature(established(), { ...feature, valid: false })).toBe(true);
    const ping = (nonce: string) => ({ type: 'wire.ping', nonce }) as const;
    const old = established({ version: 60000 });
    expect(policy.isAnswerable(established({ version: 60001 }), ping('00'))).toBe(true);
    expect(policy.isAnswerable(old, ping('00'))).toBe(false);
    expect(policy.isAnswerable(established(), ping(''))).toBe(false);
  });

  test('fee rates: 21 million coins, no more and nothing negative', () => {
    const rate = (feerate: string) => policy.isMoney(contextOf(), { type: 'wire.feefilter', feerate });
    expect(rate('000775f05a074000')).toBe(true);
    expect(rate('000775f05a074001')).toBe(false);
    expect(rate('ffffffffffffffff')).toBe(false);
    expect(rate('0000000000000000')).toBe(true);
  });

  test('pongs', () => {
    const pong = (nonce: string) => ({ type: 'wire.pong', at: 2_000, nonce }) as const;
    const waiting = established({ pingnonce: '0000000000000007' });
    expect(policy.isAwaited(waiting, pong('0000000000000007'))).toBe(true);
    expect(policy.isAwaited(waiting, pong('0000000000000008'))).toBe(false);
    expect(policy.isAwaited(established(), pong(''))).toBe(false);
    for (const nonce of ['', '0000000000000000']) {
      expect(policy.cancelsPing(waiting, pong(nonce))).toBe(true);
      expect(policy.cancelsPing(established(), pong(nonce))).toBe(false);
    }
    expect(policy.cancelsPing(waiting, pong('0000000000000008'))).toBe(false);
  });

  test('deadlines: at the moment itself nothing is overdue', () => {
    const fetching = established({ connection_type: 'addr-fetch' });
    const overdue = (claim: typeof policy.isIdle, context: PeerContext, limit: number) =>
      [limit, limit + 1].map((age) => claim(context, tick(1_000 + age)));
    expect(overdue(policy.isFetchOver, fetching, 300_000)).toEqual([false, true]);
    expect(overdue(policy.isFetchOver, established(), 300_000)).toEqual([false, false]);
    const waiting = established({ pingnonce: '07', pingsentat: 1_000 });
    expect(overdue(policy.isPongOverdue, waiting, 1_200_000)).toEqual([false, true]);
    expect(overdue(policy.isPingDue, waiting, 120_000)).toEqual([false, false]);
    const answered = established({ pingsentat: 1_000 });
    expect(overdue(policy.isPongOverdue, answered, 1_200_000)).toEqual([false, false]);
    expect(overdue(policy.isPingDue, answered, 120_000)).toEqual([false, true]);
    const stalled = (stalledat: number, at: number) =>
      policy.isStalled(established(), { ...tick(at), stalledat, pending: 9 });
    expect(stalled(0, 1_200_000)).toBe(false);
    expect(stalled(0, 1_200_001)).toBe(true);
    expect(stalled(-1, 9_000_000)).toBe(false);
    const idle = (lastrecv: number, lastsend: number) =>
      policy.isIdle(established(), tick(1_200_000, lastrecv, lastsend));
    expect([idle(0, 0), idle(-1, 0), idle(0, -1), idle(5, 5)]).toEqual([false, true, true, false]);
  });
});

describe('the next deadline', () => {
  const moments = { createdat: 50, lastrecv: 5_000, lastsend: 6_000, stalledat: -1 };
  const next = (state: string, context: PeerContext, given = moments) => nextDeadline(state, context, given);

  test('of a dial, of a key exchange, of a handshake', () => {
    expect(next('connecting', contextOf())).toEqual({ at: 5_050, what: 'connect' });
    expect(next('connecting', contextOf({ connectedat: 0 }))).toEqual({ at: 60_000, what: 'handshake' });
    const open = { connectedat: 0, openedat: 700, handshakeleft: 59_000 };
    expect(next('versionSent', contextOf(open))).toEqual({ at: 59_700, what: 'handshake' });
    expect(next('versionReceived', contextOf({ ...open, versionat: 800 }))).toEqual({
      at: 59_700,
      what: 'handshake',
    });
  });

  test('of an established peer: the earliest one', () => {
    const pinged = established({ pingsentat: 2_000 });
    expect(next('established', pinged)).toEqual({ at: 122_000, what: 'ping' });
    expect(next('established', { ...pinged, pingnonce: '07' })).toEqual({ at: 1_202_000, what: 'pong' });
    const silent = established({ pingsentat: 9_000, pingnonce: '07' });
    expect(next('established', silent)).toEqual({ at: 1_205_000, what: 'idle' });
    expect(next('established', silent, { ...moments, lastsend: 4_000 })).toEqual({
      at: 1_204_000,
      what: 'idle',
    });
    expect(next('established', silent, { ...moments, stalledat: 0 })).toEqual({
      at: 1_200_000,
      what: 'stall',
    });
    const fetching = { ...silent, connection_type: 'addr-fetch' } as const;
    expect(next('established', fetching)).toEqual({ at: 301_000, what: 'addr-fetch' });
    expect(next('established', { ...fetching, pingnonce: '' })).toEqual({ at: 129_000, what: 'ping' });
  });

  test('at the same time the ping comes first', () => {
    const even = established({ pingsentat: 5_000, pingnonce: '07' });
    expect(next('established', even)).toEqual({ at: 1_205_000, what: 'pong' });
  });
});

describe('the facts of a reason', () => {
  const waiting = contextOf({ openedat: 0 });
  const version = (facts: object) => ({ type: 'wire.version', ...facts }) as unknown as PeerEvent;
  const dropped = { dropped: 'verack: ERR_FRAME_CHECKSUM' };
  const EOF = { type: 'link.closed', code: 'ERR_LINK_EOF' } as const;

  test.each<[ReasonCode, PeerContext, PeerEvent, object]>([
    ['ERR_TIME_CONNECT', contextOf(), tick(1), { ms: 5_000 }],
    ['ERR_TIME_PONG', established(), tick(1), { ms: 1_200_000 }],
    ['ERR_TIME_IDLE', established(), tick(1), { ms: 1_200_000 }],
    ['ERR_TIME_HANDSHAKE', waiting, tick(1), { ms: 60_000, awaited: 'version' }],
    [
      'ERR_TIME_HANDSHAKE',
      contextOf({ openedat: 0, versionat: 0, ...dropped }),
      tick(1),
      { ms: 60_000, awaited: 'verack', ...dropped },
    ],
    ['ERR_LINK_EOF', waiting, EOF, {}],
    [
      'ERR_LINK_STALLED',
      established(),
      { ...tick(1), stalledat: 0, pending: 9 },
      { ms: 1_200_000, pending: 9 },
    ],
    [
      'ERR_LINK_FLOOD',
      waiting,
      { type: 'wire.flooded', what: 'ping', limit: 9, ms: 60_000 },
      { what: 'ping', limit: 9, ms: 60_000 },
    ],
    ['ERR_LINK_EOF', { ...waiting, ...dropped }, EOF, { ...dropped }],
    [
      'ERR_POLICY_VERSION',
      waiting,
      version({ version: 31799, nonce: '07' }),
      { version: 31799, minimum: 31800 },
    ],
    [
      'ERR_POLICY_SERVICES',
      waiting,
      version({ services: '0000000000000001' }),
      { services: '0000000000000001', required: '0000000000000009' },
    ],
    ['ERR_PROTO_SELF', waiting, version({ nonce: '07' }), { nonce: '07' }],
    ['ERR_CODEC_SHORT', waiting, version({ nonce: '07' }), {}],
    [
      'ERR_PROTO_LIMIT',
      waiting,
      { type: 'wire.excess', command: 'inv', count: 9, limit: 1 },
      { command: 'inv', count: 9, limit: 1 },
    ],
    [
      'ERR_PROTO_NOT_OFFERED',
      waiting,
      { type: 'wire.unoffered', command: 'mempool' },
      { command: 'mempool' },
    ],
    [
      'ERR_PROTO_NEGOTIATION',
      waiting,
      { type: 'wire.feature', id: 'abc', valid: false },
      { command: 'feature', id: 'abc', valid: false },
    ],
    [
      'ERR_PROTO_NEGOTIATION',
      waiting,
      { type: 'wire.sendcmpct', announce: 2, version: '0000000000000002' },
      { command: 'sendcmpct', announce: 2 },
    ],
    ['ERR_PROTO_LATE_FEATURE', waiting, { type: 'wire.wtxidrelay' }, { command: 'wtxidrelay' }],
    [
      'ERR_FRAME_OVERSIZE',
      waiting,
      { type: 'wire.broken', code: 'ERR_FRAME_OVERSIZE', facts: { length: 9 } },
      { length: 9 },
    ],
    ['ERR_LOCAL_CANCELLED', waiting, { type: 'user.close' }, {}],
  ])('%s', (code, context, event, facts) => {
    expect(policy.factsOf(code, context, event)).toEqual(facts);
  });
});

describe('the wait before a redial', () => {
  test.each([
    [1, 0, 500],
    [1, 0.5, 750],
    [2, 0, 1_000],
    [3, 0.999, 3_998],
    [9, 0, 128_000],
    [10, 0, 150_000],
    [10, 0.999, 299_850],
    [2_000, 0, 150_000],
  ])('after failure %d, with %d drawn: %d ms', (failures, draw, ms) => {
    expect(redialDelay(failures, draw)).toBe(ms);
  });
});
