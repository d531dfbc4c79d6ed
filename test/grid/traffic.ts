/** Rows of traffic: settings, pings, addresses, limits, what was not offered, what is dropped, and the data plane. */
import { type PeerEvent, wantsTransactions } from '../../machines/index.js';
import { encodeMessage, hex64 } from '../../src/wire/index.js';
import {
  ALWAYS,
  AT,
  bytesOf,
  frame,
  framed,
  LATE,
  message,
  NONE,
  PINGNONCE,
  type Row,
  sent,
  STAY,
  unreadable,
  type Verdicts,
  ZERO,
} from './row.js';

const repeat = (count: number, unit: Uint8Array, head = ''): Uint8Array => {
  const start = bytesOf(head);
  const all = new Uint8Array(start.length + count * unit.length);
  all.set(start);
  for (let i = 0; i < count; i++) all.set(unit, start.length + i * unit.length);
  return all;
};

const FORGIVEN = { manual: STAY } as const;
const NONCE = '1122334455667788';
const TWO = '0000000000000002';
const ONE = '0000000000000001';

function sendcmpct(name: string, announce: number, version: string, more: Partial<Row> = {}): Row {
  const payload = encodeMessage({ command: 'sendcmpct', announce, version });
  const bad: Verdicts = ['stay', 'close', 'close'];
  const core = announce > 1 ? { core: bad, coreBy: FORGIVEN } : {};
  const event: PeerEvent = { type: 'wire.sendcmpct', announce, version };
  return message(`sendcmpct: ${name}`, 'in-seq-013, in-lim-022', ['sendcmpct', payload], event, STAY, {
    ...core,
    ...more,
  });
}

const feefilter = (name: string, feerate: string): Row =>
  message(
    `feefilter: ${name}`,
    '2, feefilter',
    ['feefilter', encodeMessage({ command: 'feefilter', feerate })],
    { type: 'wire.feefilter', feerate },
    STAY,
    { source: 'PeerManagerImpl::ProcessMessage, FEEFILTER' },
  );

const settings: readonly Row[] = [
  sendcmpct('0, version 2', 0, TWO),
  sendcmpct('1, version 2', 1, TWO),
  sendcmpct('1, version 1', 1, ONE),
  sendcmpct('2, version 2', 2, TWO, { rule: 'in-feat-010, 011' }),
  unreadable('sendcmpct: cut short', '1, parse failure', ['sendcmpct', '0002']),
  feefilter('1,000', hex64(1_000)),
  feefilter('21 million coins', '000775f05a074000'),
  feefilter('one more', '000775f05a074001'),
  feefilter('negative', 'ffffffffffffffff'),
];

const ANSWERED: Verdicts = ['stay', 'stay', 'pong'];
const ping = (
  name: string,
  rule: string,
  payload: string,
  nonce: string,
  core: Verdicts,
  more: Partial<Row> = {},
) => message(`ping: ${name}`, rule, ['ping', payload], { type: 'wire.ping', nonce }, core, more);

const little = (hex: string): string => hex.match(/../g)!.reverse().join('');

function pong(name: string, rule: string, payload: string, nonce: string, more: Partial<Row> = {}): Row {
  return message(`pong: ${name}`, rule, ['pong', payload], { type: 'wire.pong', at: AT, nonce }, STAY, more);
}

const pings: readonly Row[] = [
  ping('with a nonce', 'in-ping-001, in-seq-006, 009', little(NONCE), NONCE, ANSWERED),
  ping('nine bytes', 'in-ping-004', `${little(NONCE)}00`, NONCE, ANSWERED),
  ping('nonce 0', 'in-ping-001', ZERO, ZERO, ANSWERED),
  ping('without a nonce', 'in-ping-002', '', '', STAY),
  unreadable('ping: seven bytes', 'in-ping-003', ['ping', '11223344556677']),
  ping('with a nonce, from a 60001', '2, ping', little(NONCE), NONCE, ANSWERED, {
    ...{ given: { version: 60001 }, source: 'PeerManagerImpl::ProcessMessage, PING' },
  }),
  ping('with a nonce, from a 60000', 'in-hs-012', little(NONCE), NONCE, STAY, { given: { version: 60000 } }),
  pong('the nonce of our ping', 'in-time-010', '', '', {
    event: ({ pingnonce }) => ({ type: 'wire.pong', at: AT, nonce: pingnonce || PINGNONCE }),
    via: {
      by: 'bytes',
      bytes: ({ pingnonce }) => framed({ command: 'pong', nonce: pingnonce || PINGNONCE }),
    },
  }),
  pong('another nonce', 'in-time-010, in-ping-005', little(NONCE), NONCE),
  pong('nonce 0', 'in-time-011', ZERO, ZERO),
  pong('empty', 'in-time-011', '', ''),
  pong('seven bytes', 'in-time-011', '11223344556677', ''),
  pong('not requested', 'in-ping-005, in-seq-014', little(NONCE), NONCE, { given: { pings: 'ponged' } }),
  pong('not requested, nonce 0', 'in-ping-005', ZERO, ZERO, { given: { pings: 'ponged' } }),
];

const entry = repeat(1, new Uint8Array(30));
const entry2 = bytesOf('000000000001040102030420 8d'.replace(' ', ''));
const FETCHED = { 'addr-fetch': LATE } as const;
const QUIET_BLOCKS = { 'block-relay-only': STAY, manual: STAY } as const;
const addr = (name: string, rule: string, count: number, head: string, more: Partial<Row> = {}) =>
  message(
    `addr: ${name}`,
    rule,
    ['addr', repeat(count, entry, head)],
    { type: 'wire.addr', count },
    STAY,
    more,
  );
const addrv2 = (name: string, rule: string, count: number, head: string, more: Partial<Row> = {}) =>
  message(
    `addrv2: ${name}`,
    rule,
    ['addrv2', repeat(count, entry2, head)],
    { type: 'wire.addr', count },
    STAY,
    more,
  );

function excess(
  command: string,
  rule: string,
  payload: Uint8Array,
  [count, limit]: readonly [number, number],
  more: Partial<Row> = {},
): Row {
  const event: PeerEvent = { type: 'wire.excess', command, count, limit };
  return message(`${command}: ${count.toLocaleString('en')}`, rule, [command, payload], event, LATE, {
    coreBy: FORGIVEN,
    ...more,
  });
}
const locator = (count: number): Uint8Array =>
  repeat(count + 1, new Uint8Array(32), `80110100${count.toString(16).padStart(2, '0')}`);

const lists: readonly Row[] = [
  message(
    'getaddr',
    'in-seq-007, 010, in-lim-027, out-026',
    ['getaddr', NONE],
    { type: 'wire.getaddr' },
    STAY,
  ),
  message('getaddr, the second', 'in-addr-012', ['getaddr', NONE], { type: 'wire.getaddr' }, STAY, {
    given: { asked: true },
  }),
  addr('none', 'in-addr-005', 0, '00'),
  addr('1', 'out-004', 1, '01'),
  addr('2', 'out-004', 2, '02', { coreBy: FETCHED }),
  addr('1,000', 'in-addr-001', 1000, 'fde803', { coreBy: FETCHED }),
  excess('addr', 'in-addr-002, in-seq-008, 011, out-027, 029', repeat(1001, entry, 'fde903'), [1001, 1000], {
    coreBy: QUIET_BLOCKS,
  }),
  unreadable('addr: cut short', 'in-addr-006', ['addr', '0100']),
  unreadable('addr: 33,554,433 claimed', 'in-addr-007', ['addr', 'fe01000002'], 'ERR_CODEC_RANGE'),
  addrv2('1', 'in-addr-004', 1, '01'),
  addrv2('2', 'in-addr-004, out-004', 2, '02', { coreBy: FETCHED }),
  excess('addrv2', 'in-addr-003', repeat(1001, entry2, 'fde903'), [1001, 1000], { coreBy: QUIET_BLOCKS }),
  unreadable(
    'addrv2: IPv4 of 5 bytes',
    'in-addr-009',
    ['addrv2', '0100000000010105010203040500 8d'.replace(' ', '')],
    'ERR_CODEC_RANGE',
  ),
  excess('inv', 'in-lim-002', repeat(50_001, new Uint8Array(36), 'fd51c3'), [50_001, 50_000]),
  excess('getdata', 'in-lim-003', repeat(50_001, new Uint8Array(36), 'fd51c3'), [50_001, 50_000]),
  excess('headers', 'in-lim-004', bytesOf('fdd107'), [2001, 2000]),
  excess('getheaders', 'in-lim-006', locator(102), [102, 101], { coreBy: {} }),
  excess('getblocks', 'in-lim-008', locator(102), [102, 101], { coreBy: {} }),
];

const item = (type: string): string => `01${type}${'ab'.repeat(32)}`;
const unoffered = (
  name: string,
  rule: string,
  [command, payload]: readonly [string, string],
  more: Partial<Row> = {},
) => message(name, rule, [command, payload], { type: 'wire.unoffered', command }, LATE, more);

const offers: readonly Row[] = [
  unoffered('mempool', 'in-lim-013, in-seq-012', ['mempool', '']),
  unoffered('filterload', 'in-lim-014, in-seq-012', ['filterload', '0100010000000000000000']),
  unoffered('filteradd', 'in-lim-015', ['filteradd', '0100']),
  unoffered('filterclear', 'in-lim-016', ['filterclear', '']),
  unoffered('getcfilters', 'in-lim-017', ['getcfilters', '00'.repeat(37)]),
  unoffered('getcfheaders', 'in-lim-018', ['getcfheaders', '00'.repeat(37)]),
  unoffered('getcfcheckpt', 'in-lim-019', ['getcfcheckpt', '00'.repeat(33)]),
  unoffered('getdata: a filtered block', 'in-lim-028m', ['getdata', item('03000000')]),
  unoffered('tx, we said relay=0', 'in-cfg-002', ['tx', '00']),
  unoffered('inv: a transaction, we said relay=0', 'in-cfg-003, out-028', ['inv', item('01000000')]),
];

/** A frame with one thing wrong: `at` bytes from its start. */
function spoilt(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}
const PING = framed({ command: 'ping', nonce: NONCE });
const bad = (name: string, rule: string, bytes: Uint8Array, event: PeerEvent, core: Verdicts): Row => ({
  ...{ name, rule, core, event: () => event, via: sent(bytes) },
});
const drop = (
  name: string,
  rule: string,
  bytes: Uint8Array,
  code: 'ERR_FRAME_CHECKSUM' | 'ERR_FRAME_COMMAND',
  command: string,
) => bad(name, rule, bytes, { type: 'wire.dropped', code, command }, STAY);
const broken = (
  name: string,
  rule: string,
  bytes: Uint8Array,
  code: 'ERR_FRAME_MAGIC' | 'ERR_FRAME_OVERSIZE',
) => bad(name, rule, bytes, { type: 'wire.broken', code, facts: {} }, ALWAYS);

const frames: readonly Row[] = [
  drop(
    'checksum wrong: version',
    'in-fr-004',
    spoilt(frame('version', NONE), 20, 0),
    'ERR_FRAME_CHECKSUM',
    'version',
  ),
  drop(
    'checksum wrong: verack',
    'in-fr-005',
    spoilt(frame('verack', NONE), 20, 0),
    'ERR_FRAME_CHECKSUM',
    'verack',
  ),
  drop('checksum wrong: ping', 'in-fr-006', spoilt(PING, 31, 0), 'ERR_FRAME_CHECKSUM', 'ping'),
  drop('command: bytes behind the NUL', 'in-fr-013', spoilt(PING, 9, 0x61), 'ERR_FRAME_COMMAND', 'ping?a'),
  drop('command: 0x7f', 'in-fr-014', spoilt(PING, 7, 0x7f), 'ERR_FRAME_COMMAND', 'pin?'),
  broken('magic wrong', 'in-fr-001, 002, out-032', spoilt(PING, 0, 0), 'ERR_FRAME_MAGIC'),
  broken('magic of mainnet', 'in-fr-001', spoilt(PING, 0, 0xf9, 0xbe, 0xb4, 0xd9), 'ERR_FRAME_MAGIC'),
  broken('length 4,000,001', 'in-fr-008', spoilt(PING, 16, 1, 9, 0x3d, 0).slice(0, 24), 'ERR_FRAME_OVERSIZE'),
  broken(
    'length 0xffffffff',
    'in-fr-009',
    spoilt(PING, 16, 255, 255, 255, 255).slice(0, 24),
    'ERR_FRAME_OVERSIZE',
  ),
];

const data = (
  name: string,
  rule: string,
  command: string,
  payload: Uint8Array | string = '',
  more: Partial<Row> = {},
): Row => message(name, rule, [command, payload], undefined, STAY, more);

/** A payload that ends too early: Core throws, logs, and keeps the peer. */
const CUT = { source: 'PeerManagerImpl::ProcessMessages' } as const;

const plane: readonly Row[] = [
  data('getcfilters: cut short', 'in-lim-020', 'getcfilters', '00'),
  data('getcfheaders: cut short', 'in-lim-020', 'getcfheaders', '00'),
  data('getcfcheckpt: cut short', 'in-lim-020', 'getcfcheckpt', '00'),
  data(
    'inv: a transaction, one more claimed',
    '1, parse failure',
    'inv',
    `02${item('01000000').slice(2)}`,
    CUT,
  ),
  data(
    'getdata: a filtered block, one more claimed',
    '1, parse failure',
    'getdata',
    `02${item('03000000').slice(2)}`,
    CUT,
  ),
  data('tx, we relay', '5, out-028', 'tx', '00', {
    given: { rules: { relay: true } },
    event: (context) => (wantsTransactions(context) ? undefined : { type: 'wire.unoffered', command: 'tx' }),
    coreBy: { 'block-relay-only': LATE, feeler: LATE },
  }),
  data('unknown command', 'in-seq-007, 010, 029', 'xyzzy', '00'),
  data('command of 12 letters', 'in-fr-017', 'abcdefghijkl'),
  data('PING in capitals', 'in-fr-018', 'PING', little(NONCE)),
  data('empty command', 'in-fr-016', ''),
  unreadable('reject: cut short', 'in-seq-030', ['reject', '0001']),
  message(
    'reject',
    'in-seq-030',
    ['reject', `07${Buffer.from('version').toString('hex')}1100`],
    { type: 'wire.reject', reject: 'version obsolete' },
    STAY,
  ),
  data('alert', 'in-seq-030', 'alert', '00'),
  data('inv: a block', 'in-seq-007, 010', 'inv', item('02000000')),
  data('inv: 50,001 claimed, cut short', 'in-lim-025', 'inv', 'fd51c3'),
  data('getdata: a block', 'in-lim-011', 'getdata', item('02000000')),
  data('getdata: a transaction', 'in-lim-010', 'getdata', item('01000000')),
  data('getheaders: 101', 'in-lim-007', 'getheaders', locator(101)),
  data('headers: none', 'in-lim-005', 'headers', '00'),
  data('block', '5', 'block', '00', { source: 'PeerManagerImpl::ProcessMessage, BLOCK' }),
  data('cfilter, unasked', 'in-lim-012', 'cfilter', '00'),
  data('cfcheckpt, unasked', 'in-lim-012', 'cfcheckpt', '00'),
];

export const TRAFFIC_ROWS: readonly Row[] = [...settings, ...pings, ...lists, ...offers, ...frames, ...plane];
