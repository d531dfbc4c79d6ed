/** Grid rows for what is not a message: the link, timers and clock, the caller, the supervisor. */
import type { FloodKind, PeerContext, PeerEvent } from '../../machines/index.js';
import {
  ALWAYS,
  AT,
  type LinkAction,
  type Given,
  NOT_IN_CORE,
  type Row,
  STAY,
  type Timer,
  type Verdicts,
  type Via,
} from './row.js';

const FRESH = '00000000000a0002';
const by = (action: LinkAction): Via => ({ by: 'action', action });
const never = (why: string): Via => ({ by: 'nothing', why });

const one = (
  name: string,
  rule: string,
  event: PeerEvent,
  core: Verdicts,
  via: Via,
  more: Partial<Row> = {},
): Row => ({
  ...{ name, rule, core, event: () => event, via },
  ...more,
});

const links: readonly Row[] = [
  one(
    'link: TCP opens and a key exchange begins',
    '6.3, 12',
    { type: 'link.connected', at: AT },
    STAY,
    never('a v1 link has no key exchange'),
    { source: 'V2Transport::V2Transport' },
  ),
  one('link: opens', '12', { type: 'link.open', at: AT, elapsed: 0 }, STAY, by('open'), {
    source: 'PeerManagerImpl::SendMessages',
  }),
  one(
    'link: opens after a key exchange of 59 s',
    '6.3, in-v2-019',
    { type: 'link.open', at: AT, elapsed: 59_000 },
    STAY,
    never('a v1 link has no key exchange'),
  ),
  one(
    'link: is refused',
    '12',
    { type: 'link.failed', code: 'ERR_DIAL_REFUSED', facts: {} },
    STAY,
    by('refuse'),
    { source: 'CConnman::ConnectNode' },
  ),
  one(
    'link: is closed by the peer',
    'in-fr-021',
    { type: 'link.closed', code: 'ERR_LINK_EOF' },
    ALWAYS,
    by('end'),
  ),
  one(
    'link: is closed by the peer after our nonce came back',
    '4.3, out-024, 025',
    { type: 'link.closed', code: 'ERR_LINK_EOF' },
    ALWAYS,
    never('takes a connection from the node to itself: see test/node.test.ts'),
    { given: { self: true } },
  ),
  one(
    'link: is reset',
    '5, FIN / RST',
    { type: 'link.closed', code: 'ERR_LINK_RESET' },
    ALWAYS,
    by('sever'),
    {
      source: 'CConnman::SocketHandlerConnected',
    },
  ),
];

/** A tick `ms` after our last ping, or after the link opened; `silent` is how long nothing came, `stalled` how long nothing left. */
function tick(
  name: string,
  rule: string,
  ms: number,
  core: Verdicts,
  via: Via,
  given: Given = {},
  silent = 0,
  stalled = -1,
): Row {
  const event = ({ pingsentat, openedat }: PeerContext): PeerEvent => {
    const at = Math.max(pingsentat, openedat, 1_000) + ms;
    const stalledat = stalled < 0 ? -1 : at - stalled;
    const moments = { lastrecv: at - silent, lastsend: at, stalledat };
    return { type: 'clock.tick', at, ...moments, pending: stalled < 0 ? 0 : 9, nonce: FRESH };
  };
  return { name: `tick: ${name}`, rule, core, given, event, spared: true, via };
}

const MANY = 'takes many messages: see test/limits.test.ts';
const MINUTES_20 = 1_200_000;
/** Out of the way of the row at hand. */
const PATIENT = { addrFetchTimeout: 1e9 };
const PINGED: Verdicts = ['stay', 'stay', 'ping'];
const TIMED: Verdicts = ['stay', 'stay', 'close'];
const FETCHED = { 'addr-fetch': TIMED } as const;

const ticks: readonly Row[] = [
  {
    ...tick('nothing is due', '9', 5_000, STAY, by({ pass: 5_000 })),
    source: 'PeerManagerImpl::MaybeSendPing',
  },
  tick('a ping is due', 'in-ping-007, in-time-006', 121_000, PINGED, by({ pass: 122_000 }), {
    pings: 'ponged',
  }),
  tick('a ping is due, to a 60000', 'in-hs-012', 121_000, PINGED, by({ pass: 122_000 }), { version: 60000 }),
  tick('a ping would be due, a pong is awaited', 'in-time-007', 121_000, STAY, by({ pass: 122_000 })),
  tick('no pong for 20 minutes', 'in-time-008', MINUTES_20 + 1, TIMED, by({ pass: 3_000 }), {
    ...{ age: MINUTES_20 - 1_000, rules: PATIENT },
  }),
  tick(
    'nothing received for 20 minutes',
    'in-time-009',
    MINUTES_20 - 100_000,
    TIMED,
    by({ pass: 3_000 }),
    { pings: 'pinged', age: MINUTES_20 - 1_000, rules: PATIENT },
    MINUTES_20 + 1,
  ),
  {
    ...tick('5 minutes have passed', 'out-005', 180_000, STAY, by({ pass: 3_000 }), {
      pings: 'pinged',
      age: 299_000,
    }),
    coreBy: FETCHED,
  },
];

/** Nothing of what we sent is taken. */
const stall = (name: string, core: Verdicts, ms: number): Row => ({
  ...tick(
    ...([name, '9, sending timeout', MINUTES_20 + 1_000, core, never(MANY)] as const),
    ...([{ pings: 'ponged', rules: PATIENT }, 0, ms] as const),
  ),
  source: 'CConnman::InactivityCheck',
});

const stalls: readonly Row[] = [
  stall('nothing taken for 20 minutes', TIMED, MINUTES_20 + 1),
  stall('nothing taken for exactly 20 minutes', PINGED, MINUTES_20),
];

const flood = (name: string, what: FloodKind, limit: number, core: Verdicts): Row =>
  one(
    `flood: ${name}`,
    'no such limit',
    { type: 'wire.flooded', what, limit, ms: 60_000 },
    core,
    never(MANY),
    {
      source: 'PeerManagerImpl::ProcessMessages',
      ours: 'no node sends that; the connection is closed with a reason',
    },
  );

const floods: readonly Row[] = [
  flood('1,001 messages in a minute before verack, or that are dropped', 'useless', 1_000, STAY),
  flood('1,000,001 pings in a minute', 'ping', 1_000_000, STAY),
];

/** Core closes when a limit is passed, not when it is reached. */
const limits: readonly Row[] = [
  tick('exactly 2 minutes since our ping', 'in-time-006', 120_000, STAY, by({ pass: 119_000 }), {
    pings: 'ponged',
  }),
  tick('exactly 20 minutes without a pong', 'in-time-008', MINUTES_20, STAY, by({ pass: 3_000 }), {
    ...{ age: MINUTES_20 - 5_000, rules: PATIENT },
  }),
  tick(
    'exactly 20 minutes of silence',
    'in-time-009',
    MINUTES_20 - 100_000,
    STAY,
    by({ pass: 3_000 }),
    { pings: 'pinged', age: MINUTES_20 - 5_000, rules: PATIENT },
    MINUTES_20,
  ),
  tick('exactly 5 minutes of life', 'out-005', 179_000, STAY, by({ pass: 3_000 }), {
    ...{ pings: 'pinged', age: 295_000 },
  }),
];

const clocks: readonly Row[] = [
  one('clock: 20 s of suspension', '9, clock', { type: 'clock.jump', ms: 20_000 }, STAY, by('jump'), {
    given: { rules: { connectTimeout: 100_000 } },
    source: 'CConnman::InactivityCheck',
  }),
];

const timer = (
  name: string,
  rule: string,
  event: Timer,
  core: Verdicts,
  ms: number,
  source?: string,
): Row => ({
  ...{ name: `timer: ${name}`, rule, core, event: () => event, via: by({ pass: ms }) },
  ...(source !== undefined && { source }),
});

const timers: readonly Row[] = [
  timer(
    'connectTimeout',
    '9, TCP connect',
    { type: 'xstate.after.connectTimeout.peer.connecting' },
    STAY,
    5_000,
    'ConnectToSocket',
  ),
  timer(
    'handshakeTimeout',
    'in-time-001, 003, 005, out-018',
    { type: 'xstate.after.handshakeTimeout.peer.handshaking' },
    ['close', 'close', 'stay'],
    60_000,
  ),
];

const callers: readonly Row[] = [
  one('user: closes', '–', { type: 'user.close' }, ALWAYS, by('close'), {
    source: 'CConnman::DisconnectNode',
  }),
  one(
    'evicted',
    'CreateNodeFromAcceptedSocket: AttemptToEvictConnection',
    { type: 'supervisor.evicted' },
    [NOT_IN_CORE, NOT_IN_CORE, NOT_IN_CORE],
    never('takes a peer for every slot: see test/inbound-policy.test.ts'),
    { coreBy: { inbound: ALWAYS }, source: 'CConnman::AttemptToEvictConnection (net.cpp)' },
  ),
  one(
    'another connection from the address has misbehaved',
    'in-ban-002',
    { type: 'supervisor.discouraged' },
    ALWAYS,
    never('takes two connections from one address: see test/inbound-policy.test.ts'),
    { source: 'PeerManagerImpl::MaybeDiscourageAndDisconnect' },
  ),
  one(
    'the other end is this node',
    '4.3, out-024, 025',
    { type: 'supervisor.self' },
    ['stay', 'stay', 'stay'],
    by('self'),
    {
      coreBy: { inbound: ['stay', NOT_IN_CORE, 'stay'] },
    },
  ),
];

export const LINK_AND_CLOCK_ROWS: readonly Row[] = [
  ...links,
  ...timers,
  ...ticks,
  ...stalls,
  ...limits,
  ...floods,
  ...clocks,
  ...callers,
];
