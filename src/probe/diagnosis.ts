/**
 * Derives from the observations of a probe which step failed, why, and what to do next. Pure functions: no I/O, no clock.
 *
 * Programs can match on the step and the cause, which are closed sets; the sentences may change between releases.
 */
import {
  type Chain,
  type Facts,
  hintOf,
  isLinkCode,
  hasNoDnsAnswer,
  NETWORKS,
  type Reason,
  type ReasonCode,
  REASONS,
} from '../node/index.js';
import type { DialRecord } from './observed-net.js';
import type { Answer } from './second-look.js';

/** The steps of a probe, in the order in which they happen. */
export const PROBE_STEPS = ['name', 'proxy', 'tcp', 'transport', 'version', 'verack', 'ping'] as const;
/** One of {@link PROBE_STEPS}. */
export type ProbeStep = (typeof PROBE_STEPS)[number];

/** Why a step failed. */
export type Cause =
  | 'unknown-name'
  | 'slow-dns'
  | 'no-lookup'
  | 'bad-address'
  | 'no-proxy'
  | 'proxy-down'
  | 'proxy-failed'
  | 'dropped'
  | 'refused'
  | 'wrong-port'
  | 'unreachable'
  | 'full'
  | 'local-limit'
  | 'bans-v2'
  | 'v1-only'
  | 'v2-only'
  | 'wrong-chain'
  | 'no-bitcoin'
  | 'broken-transport'
  | 'obsolete'
  | 'demand'
  | 'self'
  | 'closed-on-version'
  | 'silent'
  | 'no-verack'
  | 'closed-before-verack'
  | 'broken-handshake'
  | 'no-pong'
  | 'ended-after-handshake';

/** The step that fails by each cause. */
const CAUSES: Readonly<Record<Cause, ProbeStep>> = {
  'unknown-name': 'name',
  'slow-dns': 'name',
  'no-lookup': 'name',
  'bad-address': 'name',
  'no-proxy': 'proxy',
  'proxy-down': 'proxy',
  'proxy-failed': 'proxy',
  dropped: 'tcp',
  refused: 'tcp',
  'wrong-port': 'tcp',
  unreachable: 'tcp',
  full: 'tcp',
  'local-limit': 'tcp',
  'bans-v2': 'transport',
  'v1-only': 'transport',
  'v2-only': 'transport',
  'wrong-chain': 'transport',
  'no-bitcoin': 'transport',
  'broken-transport': 'transport',
  obsolete: 'version',
  demand: 'version',
  self: 'version',
  'closed-on-version': 'version',
  silent: 'version',
  'no-verack': 'verack',
  'closed-before-verack': 'verack',
  'broken-handshake': 'verack',
  'no-pong': 'ping',
  'ended-after-handshake': 'ping',
};

/** What failed, why, and what to do about it. */
export interface Diagnosis {
  readonly step: ProbeStep;
  readonly cause: Cause;
  /** What to do, in one or two sentences for people; they may change between releases. */
  readonly cure: string;
}

/** What is known at the end of a probe. */
export interface Evidence {
  /** Why the probe failed; undefined when it succeeded. */
  readonly reason: Reason | undefined;
  /** The chain of the probe. */
  readonly chain: Chain;
  /** The port that was dialled. */
  readonly port: number;
  /** Whether v2 was tried. */
  readonly v2transport: boolean;
  /** Whether v1 was refused. */
  readonly v2only: boolean;
  /** Which messages were received. */
  readonly got: { readonly version: boolean; readonly verack: boolean };
  /** The connections of the probe, in the order of the dials. */
  readonly dials: readonly DialRecord[];
  /** The result of the second look; undefined when there was none, or it found nothing. */
  readonly answer: Answer | undefined;
}

/** The diagnosis; undefined when nothing failed, or when the probe was cancelled. */
export function diagnose(evidence: Evidence): Diagnosis | undefined {
  const cause = causeOf(evidence);
  return cause && { step: CAUSES[cause], cause, cure: cureOf(cause, evidence) };
}

function causeOf(evidence: Evidence): Cause | undefined {
  const { reason, got } = evidence;
  if (!reason) return undefined;
  if (reason.code === 'ERR_LOCAL_CANCELLED' && !evidence.answer) return undefined;
  if (reason.code === 'ERR_POLICY_VERSION') return got.verack ? 'demand' : 'obsolete';
  const known = CAUSE_OF_CODE[reason.code];
  if (known) return known;
  if (got.verack) return 'ended-after-handshake';
  if (got.version) return REASONS[reason.code].family === 'time' ? 'no-verack' : endedBeforeVerack(reason);
  return beforeVersion(reason, evidence);
}

/** Codes that have one cause only. */
const CAUSE_OF_CODE: Partial<Record<ReasonCode, Cause>> = {
  ERR_DIAL_NO_LOOKUP: 'no-lookup',
  ERR_DIAL_NO_PROXY: 'no-proxy',
  ERR_DIAL_PROXY_DOWN: 'proxy-down',
  ERR_DIAL_ONION_ADDRESS: 'bad-address',
  ERR_DIAL_I2P_PORT: 'bad-address',
  ERR_DIAL_I2P_KEY: 'bad-address',
  ERR_LOCAL_LIMIT: 'local-limit',
  ERR_PROTO_SELF: 'self',
  ERR_POLICY_TRANSPORT: 'v1-only',
  ERR_POLICY_SERVICES: 'demand',
  ERR_TIME_PONG: 'no-pong',
};

const endedBeforeVerack = ({ code }: Reason): Cause =>
  isLinkCode(code) ? 'closed-before-verack' : 'broken-handshake';

/** Codes of a proxy that are about the target, not about the proxy. */
const BEYOND_PROXY =
  /^ERR_DIAL_(ONION_|PROXY_(NETWORK|HOST|REFUSED|TIMEOUT)|I2P_(NOT_FOUND|UNREACHABLE|TIMEOUT))/;

function beforeVersion(reason: Reason, evidence: Evidence): Cause {
  const { code } = reason;
  if (code === 'ERR_DIAL_DNS') return hasNoDnsAnswer(reason) ? 'slow-dns' : 'unknown-name';
  if (isBanned(evidence)) return 'bans-v2';
  if (evidence.answer) return causeOfAnswer(evidence.answer, evidence);
  if (code === 'ERR_TIME_CONNECT' || code === 'ERR_DIAL_PROXY_TIMEOUT') return 'dropped';
  if (code === 'ERR_DIAL_REFUSED' || code === 'ERR_DIAL_PROXY_REFUSED') return 'refused';
  if (BEYOND_PROXY.test(code)) return 'unreachable';
  if (/^ERR_DIAL_(PROXY|I2P)_/.test(code)) return 'proxy-failed';
  if (REASONS[code].family === 'dial') return 'unreachable';
  return afterOpen(reason, evidence);
}

function afterOpen({ code, facts }: Reason, { dials }: Evidence): Cause {
  if (dials.at(0)?.closedFirst) return 'full';
  if (code === 'ERR_V2_OTHER_NETWORK' || chainOfMagic(facts) !== undefined) return 'wrong-chain';
  if (dials.some(({ received }) => protocolOf(received) !== undefined)) return 'no-bitcoin';
  if (code === 'ERR_FRAME_MAGIC') return 'no-bitcoin';
  if (REASONS[code].family === 'v2' || REASONS[code].family === 'frame') return 'broken-transport';
  return isLinkCode(code) ? 'closed-on-version' : 'silent';
}

/** The chain whose magic was received instead of the expected one. */
const chainOfMagic = ({ received, network }: Facts): string | undefined =>
  network === undefined
    ? Object.values(NETWORKS).find(({ magicHex }) => magicHex === received)?.chain
    : String(network);

/** Whether the node closed the v2 attempt without sending a byte and has refused every connection since. */
function isBanned({ v2transport, dials }: Evidence): boolean {
  const [first, ...later] = dials;
  if (!v2transport || first?.connect === undefined || first.closedFirst) return false;
  if (first.closed === undefined || first.received.length > 0) return false;
  const again = later.filter(({ to }) => to.host === first.to.host && to.port === first.to.port);
  return again.some(({ closedFirst, failed }) => closedFirst || failed !== undefined);
}

function causeOfAnswer(answer: Answer, { chain, port }: Evidence): Cause {
  if (answer.port !== port) return 'wrong-port';
  if (answer.chain.chain !== chain.chain) return 'wrong-chain';
  return answer.transport === 'v1' ? 'v1-only' : 'v2-only';
}

/** Other protocols, recognised by the first bytes of an answer. */
const PROTOCOLS: readonly (readonly [start: string, name: string])[] = [
  ['HTTP/', 'an HTTP server'],
  ['SSH-', 'an SSH server'],
  ['220 ', 'a mail or FTP server'],
  ['\x15\x03', 'a TLS server'],
];

const protocolOf = (received: Uint8Array): string | undefined => {
  const text = Buffer.from(received).toString('latin1');
  return PROTOCOLS.find(([start]) => text.startsWith(start))?.[1];
};

const UNKNOWN: Reason = { code: 'ERR_LOCAL_BUG', facts: {} };

/** The sentences of causes; any other cause has the hint of the reason code. */
const CURES: Partial<Record<Cause, (evidence: Evidence) => string>> = {
  'unknown-name': ({ reason }) =>
    reason?.facts.syscode === 'ENOTDNS'
      ? hintOf(reason)
      : 'Check the spelling of the name; DNS has no address for it.',
  dropped: ({ port }) =>
    `There is no answer: a firewall drops the packets, or the machine is off. Allow TCP port ${port} to the node, or wait longer with --timeout MS.`,
  refused: ({ port, chain }) =>
    `Nothing listens on port ${port} of the host, or its firewall refuses connections: check the port (${chain.chain} nodes usually listen on ${chain.port}) and that the node runs with "listen=1".`,
  'wrong-port': ({ answer, port }) =>
    `The port ${port} is wrong: a node of ${answer?.chain.chain} answers on port ${answer?.port} of the machine.`,
  full: () =>
    'The node accepts connections and closes them before a byte is sent: its slots are full (raise its -maxconnections, or try later), or it has banned this address (check its listbanned).',
  'bans-v2': () =>
    'The node closed the v2 attempt and has refused this address since: it bans peers that try BIP324. When the ban has expired, use --no-v2transport.',
  'v1-only': ({ v2only }) => `The node speaks v1 only: ${v2only ? 'omit --v2only' : 'use --no-v2transport'}.`,
  self: ({ reason }) =>
    reason?.facts.echo === true
      ? 'The host sends back what it receives: it is an echo server, not a node; check the port.'
      : hintOf(reason ?? UNKNOWN),
  'v2-only': () => 'The node speaks v2 (BIP324) only: omit --no-v2transport.',
  'wrong-chain': ({ answer, reason }) => {
    const chain = answer?.chain.chain ?? chainOfMagic(reason?.facts ?? {});
    return chain === undefined
      ? 'The node is on another chain: select it with --chain main|test|testnet4|signet|regtest.'
      : `The node is on another chain: use --chain ${chain}.`;
  },
  'no-bitcoin': ({ dials, chain }) => {
    const name = dials.map(({ received }) => protocolOf(received)).find((found) => found !== undefined);
    return `${name === undefined ? 'No Bitcoin node' : name.replace(/^a/, 'A')} answers: check the port (${chain.chain} nodes usually listen on ${chain.port}).`;
  },
  obsolete: () => 'The software of the node is obsolete and must be upgraded; no option of verack can help.',
  demand: () => 'The node does not meet --require: choose another node, or change its configuration.',
  'closed-on-version': () =>
    'The node closes the connection when it receives our version: it may be on a chain that verack does not know, or refuse this user agent or address; check its log.',
  silent: () =>
    'The node accepts connections but sends nothing: it hangs, is still starting, or is not a Bitcoin node; check its log.',
  'no-verack': () =>
    'The node sent version but no verack: check its log, or wait longer with --peertimeout S.',
  'closed-before-verack': () => 'The node closed the connection after our version: check its log.',
  'no-pong': () =>
    'The handshake is complete, but no pong was received: the node is busy, or the network loses packets; try again.',
  'ended-after-handshake': ({ reason }) =>
    reason && !isLinkCode(reason.code)
      ? REASONS[reason.code].hint
      : 'The handshake was complete, then the node closed the connection: check its log.',
};

function cureOf(cause: Cause, evidence: Evidence): string {
  const cure = CURES[cause];
  if (cure) return cure(evidence);
  return hintOf(evidence.reason ?? UNKNOWN);
}
