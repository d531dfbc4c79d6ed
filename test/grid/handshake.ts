/** Rows of the handshake: every meaningful `version`, `verack`, and the messages of negotiation. */
import type { PeerEvent, VersionFacts } from '../../machines/index.js';
import { encodeMessage, type MessageOf } from '../../src/wire/index.js';
import {
  AT,
  DIALLING,
  frame,
  framed,
  LATE,
  message,
  NONE,
  type Row,
  STAY,
  THEIRS,
  unreadable,
  type Verdicts,
  ZERO,
} from './row.js';

/** The virtual wall clock of the tests, seconds. */
export const EPOCH = 1_800_000_000;
const USEFUL = '0000000000000009';
const nowhere = { services: ZERO, ip: new Uint8Array(16), port: 0 };
const text = (value: string) => new TextEncoder().encode(value);

type Version = MessageOf<'version'>;

/** The peer's version message; what is not said is useful and plain. */
export const versionOf = (fields: Partial<Version> = {}): Version => ({
  ...{
    command: 'version',
    version: 70017,
    services: USEFUL,
    timestamp: EPOCH.toString(16).padStart(16, '0'),
  },
  ...{ addr_recv: nowhere, addr_from: nowhere, nonce: THEIRS, user_agent: text('/conf-test:0.1/') },
  ...{ start_height: 7, relay: true },
  ...fields,
});

/** The same as the machine sees it. */
export const versionEvent = (facts: Partial<VersionFacts> = {}): PeerEvent => ({
  ...{ type: 'wire.version', at: AT, version: 70017, services: USEFUL, timeoffset: 0, nonce: THEIRS },
  ...{ subver: '/conf-test:0.1/', startingheight: 7, relaytxes: true, addrlocal: '', ownnonce: false },
  ...facts,
});

const TAKEN: Verdicts = ['K', 'stay', 'stay'];
const REFUSED: Verdicts = ['close', 'stay', 'stay'];
/** A feeler ends as soon as it has an answer. */
const FEELER = { feeler: REFUSED } as const;
const AUTOMATIC = {
  'outbound-full-relay': REFUSED,
  'block-relay-only': REFUSED,
  'addr-fetch': REFUSED,
} as const;

function version(name: string, rule: string, facts: Partial<VersionFacts>, more: Partial<Row> = {}): Row {
  const fields: Partial<Version> = {};
  if (facts.version !== undefined) Object.assign(fields, { version: facts.version });
  if (facts.services !== undefined) Object.assign(fields, { services: facts.services });
  if (facts.nonce !== undefined) Object.assign(fields, { nonce: facts.nonce });
  return cut(name, rule, encodeMessage(versionOf(fields)), facts, more);
}

/** A version of which only the payload is given. */
function cut(
  name: string,
  rule: string,
  payload: Uint8Array,
  facts: Partial<VersionFacts>,
  more: Partial<Row> = {},
): Row {
  const whole = { coreBy: FEELER, ...more };
  return message(
    `version: ${name}`,
    rule,
    ['version', payload],
    versionEvent(facts),
    more.core ?? TAKEN,
    whole,
  );
}

/** What stands for the fields behind the 46th byte. */
const HEAD_ONLY = { nonce: '0000000000000001', subver: '', startingheight: -1, relaytxes: true } as const;
const refused = { core: REFUSED, coreBy: {} } as const;
const lacking = { coreBy: { ...FEELER, ...AUTOMATIC } } as const;
const plain = encodeMessage(versionOf());
const headless = encodeMessage(versionOf({ user_agent: NONE }));

/** The nonce of the dialled connection is known only while the test runs. */
const own = (name: string, facts: Partial<VersionFacts>, more: Partial<Row>): Row => ({
  ...version(name, '4.3, out-024', { ...facts, nonce: DIALLING, ownnonce: true }, more),
  via: {
    by: 'bytes',
    bytes: ({ dialling }) =>
      framed(versionOf({ nonce: dialling, ...(facts.version !== undefined && { version: facts.version }) })),
  },
});

/** Services and version are judged on the first 46 bytes; the rest is read later, and thrown away when it cannot be. */
const garbled = (
  name: string,
  rule: string,
  payload: Uint8Array,
  facts: Partial<VersionFacts> = {},
  core: Verdicts = STAY,
  coreBy: Row['coreBy'] = {},
): Row =>
  cut(
    name,
    rule,
    payload,
    { ...HEAD_ONLY, fault: 'ERR_CODEC_SHORT', ...facts },
    { core, coreBy, source: 'PeerManagerImpl::ProcessMessage, VERSION' },
  );

const versions: readonly Row[] = [
  version('70017', 'in-feat-002, 4.1', {}),
  version('2147483647', 'in-hs-006', { version: 0x7fffffff }),
  version('70016', 'in-hs-001, out-001', { version: 70016 }),
  version('70015', 'in-hs-007, out-016', { version: 70015 }),
  version('70013', 'in-hs-009', { version: 70013 }),
  version('70012', 'in-hs-010, out-017', { version: 70012 }),
  version('60000', 'in-hs-012', { version: 60000 }),
  version('31800, the oldest', 'in-hs-013', { version: 31800 }),
  version('31799', 'in-hs-014, out-014', { version: 31799 }, refused),
  version('209', 'in-hs-015', { version: 209 }, refused),
  version('0', 'in-hs-016', { version: 0 }, refused),
  version('-1', 'in-hs-017', { version: -1 }, refused),
  version('offers nothing', 'out-006, 007, 012', { services: ZERO }, lacking),
  version('offers NETWORK only', 'out-008', { services: '0000000000000001' }, lacking),
  version(
    'offers WITNESS only',
    '4.4',
    { services: '0000000000000008' },
    { ...lacking, source: 'PeerManagerImpl::GetDesirableServiceFlags' },
  ),
  version('offers all', 'out-009', { services: 'ffffffffffffffff' }),
  version('31799, offers nothing', 'out-015', { version: 31799, services: ZERO }, refused),
  own('nonce of a connection we dial', {}, { core: TAKEN, coreBy: { ...FEELER, inbound: REFUSED } }),
  own('the same, 31799', { version: 31799 }, refused),
  version('nonce 0', 'in-hs-038', { nonce: ZERO }),
  cut('46 bytes', 'in-hs-023', plain.slice(0, 46), HEAD_ONLY),
  cut('ends after the nonce', 'in-hs-022', plain.slice(0, 80), { subver: '', startingheight: -1 }),
  cut('ends after the user agent', 'in-hs-021', plain.slice(0, -5), { startingheight: -1 }),
  cut('without relay', 'in-hs-020', plain.slice(0, -1), {}),
  cut('relay 0', 'in-hs-018', Uint8Array.from([...plain.slice(0, -1), 0]), { relaytxes: false }),
  cut('relay 2', 'in-hs-019', Uint8Array.from([...plain.slice(0, -1), 2]), {}),
  cut('trailing bytes', 'in-hs-029', Uint8Array.from([...plain, 1, 2, 3]), {}),
  cut(
    'user agent of 256 bytes',
    'in-hs-030',
    encodeMessage(versionOf({ user_agent: text('a'.repeat(256)) })),
    {
      subver: 'a'.repeat(256),
    },
  ),
  unreadable('version: 45 bytes', 'in-hs-024', ['version', plain.slice(0, 45)]),
  unreadable('version: empty', 'in-hs-026', ['version', NONE]),
  garbled('79 bytes', 'in-hs-025', plain.slice(0, 79)),
  garbled('half a start_height', 'in-hs-028', plain.slice(0, -3)),
  garbled(
    'user agent of 257 bytes',
    'in-hs-031',
    encodeMessage(versionOf({ user_agent: text('a'.repeat(257)) })),
    {
      fault: 'ERR_CODEC_RANGE',
    },
  ),
  garbled(
    'user agent length not minimal',
    'in-hs-034',
    Uint8Array.from([...headless.slice(0, 80), 0xfd, 5, 0, ...headless.slice(80)]),
    { fault: 'ERR_CODEC_NONMINIMAL' },
  ),
  garbled(
    '31799, 79 bytes',
    '4.4',
    encodeMessage(versionOf({ version: 31799 })).slice(0, 79),
    { version: 31799 },
    REFUSED,
  ),
  garbled(
    'offers nothing, 79 bytes',
    '4.4',
    encodeMessage(versionOf({ services: ZERO })).slice(0, 79),
    { services: ZERO },
    STAY,
    AUTOMATIC,
  ),
];

const ESTABLISHES: Verdicts = ['stay', 'E', 'stay'];
const verack = (name: string, rule: string, more: Partial<Row>, payload = NONE): Row =>
  message(
    `verack: ${name}`,
    rule,
    ['verack', payload],
    { type: 'wire.verack', at: AT, nonce: ZERO },
    ESTABLISHES,
    more,
  );

const veracks: readonly Row[] = [
  verack('from a 70017', 'in-seq-005, 015, in-ping-007', {}),
  verack('with a payload', 'in-seq-016', {}, Uint8Array.from([1, 2, 3])),
  verack('from a 70013', 'in-hs-009', { given: { version: 70013 } }),
  verack('from a 70014', 'in-hs-008', { given: { version: 70014 } }),
  verack('from a 60001', '2, thresholds', {
    ...{ given: { version: 60001 }, source: 'PeerManagerImpl::MaybeSendPing' },
  }),
  verack('from a 60000', 'in-hs-012', { given: { version: 60000 } }),
  verack('from a 70017, we relay', 'in-hs-001, out-002', { given: { rules: { relay: true } } }),
  verack('from a 70012, we relay', 'in-hs-010', { given: { version: 70012, rules: { relay: true } } }),
];

type Bare = 'wire.wtxidrelay' | 'wire.sendaddrv2' | 'wire.sendtxrcncl' | 'wire.sendheaders';
const bare = (
  name: string,
  rule: string,
  type: Bare,
  core: Verdicts,
  more: Partial<Row> = {},
  payload = NONE,
) => message(`${type.slice(5)}${name}`, rule, [type.slice(5), payload], { type }, core, more);

const OLD = { given: { version: 70015 } } as const;
const salt = new Uint8Array(12);

const feature = (
  name: string,
  rule: string,
  payload: Uint8Array,
  id: string,
  valid: boolean,
  more: Partial<Row> = {},
) => {
  const core: Verdicts = valid ? LATE : ['stay', 'close', 'close'];
  return message(
    `feature: ${name}`,
    rule,
    ['feature', payload],
    { type: 'wire.feature', id, valid },
    core,
    more,
  );
};
const featureOf = (id: number, data: number): Uint8Array =>
  encodeMessage({ command: 'feature', featureid: text('f'.repeat(id)), featuredata: new Uint8Array(data) });

const negotiation: readonly Row[] = [
  bare('', 'in-seq-007, 017, 019, out-031', 'wire.wtxidrelay', LATE),
  bare(' with a payload', 'in-seq-018', 'wire.wtxidrelay', LATE, {}, Uint8Array.from([1])),
  bare(' from a 70015', 'in-seq-021, 022', 'wire.wtxidrelay', LATE, OLD),
  bare('', 'in-seq-017, 020', 'wire.sendaddrv2', LATE),
  bare(' from a 70015', 'in-seq-023', 'wire.sendaddrv2', LATE, OLD),
  bare('', 'in-seq-024', 'wire.sendtxrcncl', STAY, {}, Uint8Array.from([1, ...salt.slice(1)])),
  bare(' version 0', 'in-seq-024', 'wire.sendtxrcncl', STAY, {}, salt),
  feature('id of 4, no data', 'in-feat-001, 004', featureOf(4, 0), 'ffff', true),
  feature('id of 80, data of 512', 'in-feat-006', featureOf(80, 512), 'f'.repeat(80), true),
  feature('id of 3', 'in-feat-003', featureOf(3, 0), '', false),
  feature('id of 81', 'in-feat-005', featureOf(81, 0), '', false),
  feature('data of 513', '2, feature', featureOf(4, 513), '', false, {
    source: 'PeerManagerImpl::ProcessMessage, FEATURE',
  }),
  feature('a byte behind', 'in-feat-007', Uint8Array.from([...featureOf(4, 0), 0]), '', false),
  feature('cut short', 'in-feat-008', featureOf(4, 0).slice(0, 3), '', false),
  feature('empty', 'in-feat-008', NONE, '', false),
  feature('from a 70016', 'in-feat-002', featureOf(4, 0), 'ffff', true, {
    ...{ core: ['stay', 'close', 'close'], given: { version: 70016 } },
  }),
];

/** How the peer answers in the handshake that leads to a state. */
export const greeting = (version: number): Uint8Array => framed(versionOf({ version }));
export const VERACK = frame('verack', NONE);

export const HANDSHAKE_ROWS: readonly Row[] = [
  ...versions,
  ...veracks,
  ...negotiation,
  bare('', 'in-seq-007, 013, in-lim-024', 'wire.sendheaders', STAY),
];
