/**
 * From what a probe has seen to the step that failed, the cause, and what to do next. Pure: no I/O, no time.
 *
 * The steps are in the order in which a connection takes them. A cause is a word of a closed set; the sentences may change.
 */
import {
  type Chain,
  type Facts,
  isLinkCode,
  NETWORKS,
  type Reason,
  type ReasonCode,
  REASONS,
} from '../node/index.js';
import type { DialRecord } from './observed-net.js';
import type { Answer } from './second-look.js';

/** The steps of a connection, in their order. */
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

/** The step that each cause makes fail. */
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
  /** One or two sentences for a person; they may change between releases. */
  readonly cure: string;
}

/** What is known when a probe is over. */
export interface Evidence {
  readonly reason: Reason | undefined;
  readonly chain: Chain;
  /** The port that was dialled. */
  readonly port: number;
  /** As it was asked for. */
  readonly v2transport: boolean;
  /** Which messages came, and whether the handshake was complete. */
  readonly got: { readonly version: boolean; readonly verack: boolean; readonly pong: boolean };
  /** The connections of the probe itself. */
  readonly dials: readonly DialRecord[];
  /** What a second look has found. */
  readonly answer: Answer | undefined;
}

/** Undefined when nothing failed, or when the probe was given up. */
export function diagnose(evidence: Evidence): Diagnosis | undefined {
  const cause = causeOf(evidence);
  return cause && { step: CAUSES[cause], cause, cure: cureOf(cause, evidence) };
}

function causeOf(evidence: Evidence): Cause | undefined {
  const { reason, got } = evidence;
  if (!reason) return got.pong ? undefined : 'no-pong';
  if (reason.code === 'ERR_LOCAL_CANCELLED' && !evidence.answer) return undefined;
  if (reason.code === 'ERR_POLICY_VERSION') return got.verack ? 'demand' : 'obsolete';
  const plain = PLAIN[reason.code];
  if (plain) return plain;
  if (got.verack) return 'ended-after-handshake';
  if (got.version) return REASONS[reason.code].family === 'time' ? 'no-verack' : endedBeforeVerack(reason);
  return beforeVersion(reason, evidence);
}

/** Codes that say it all. */
const PLAIN: Partial<Record<ReasonCode, Cause>> = {
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
};

const endedBeforeVerack = ({ code }: Reason): Cause =>
  isLinkCode(code) ? 'closed-before-verack' : 'broken-handshake';

/** Codes of a proxy that speak of the target, not of the proxy. */
const BEYOND_PROXY =
  /^ERR_DIAL_(ONION_|PROXY_(NETWORK|HOST|REFUSED|TIMEOUT)|I2P_(NOT_FOUND|UNREACHABLE|TIMEOUT))/;

function beforeVersion(reason: Reason, evidence: Evidence): Cause {
  const { code, facts } = reason;
  if (code === 'ERR_DIAL_DNS')
    return /TIMEOUT|AGAIN/.test(String(facts.syscode)) ? 'slow-dns' : 'unknown-name';
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

/** The chain whose magic came instead of ours. */
const chainOfMagic = ({ received, network }: Facts): string | undefined =>
  network === undefined
    ? Object.values(NETWORKS).find(({ magicHex }) => magicHex === received)?.chain
    : String(network);

/** It took our v2 attempt, ended it without a byte, and has not let us in since. */
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

/** Services that answer whatever they are sent. */
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

/** Cures that depend on what was seen; for the others the hint of the reason is the cure. */
const CURES: Partial<Record<Cause, (evidence: Evidence) => string>> = {
  'unknown-name': () => 'Check the spelling of the name; the DNS servers know no address of it.',
  'slow-dns': () =>
    'No DNS server has answered in time: check the DNS of this machine, ask another with --dns-server, or give the IP address.',
  dropped: ({ port }) =>
    `Nothing answers: a firewall drops the packets, or the machine is off. Let TCP port ${port} through to the node; --timeout MS waits longer.`,
  refused: ({ port, chain }) =>
    `Nothing listens on port ${port} of that host, or its firewall refuses connections: check the port (${chain.chain} nodes usually listen on ${chain.port}) and that the node runs with "listen=1".`,
  'wrong-port': ({ answer, port }) =>
    `Not port ${port}: a node of ${answer?.chain.chain} answers on port ${answer?.port} of that machine.`,
  full: () =>
    'It takes connections and closes them before a byte is sent: its slots are full (raise -maxconnections there, or try later), or it has banned this address (-bantime; listbanned there).',
  'bans-v2': () =>
    'It closed the v2 attempt and has refused this address since: it bans who tries BIP324. When the ban is over, use --no-v2transport.',
  'v1-only': () => 'It speaks v1 only: leave out --v2only.',
  'v2-only': () => 'It speaks v2 (BIP324) only: leave out --no-v2transport.',
  'wrong-chain': ({ answer, reason }) => {
    const chain = answer?.chain.chain ?? chainOfMagic(reason?.facts ?? {});
    return chain === undefined
      ? 'It runs on another chain: pick it with --chain main|test|testnet4|signet|regtest.'
      : `It runs on another chain: --chain ${chain}.`;
  },
  'no-bitcoin': ({ dials, chain }) => {
    const name = dials.map(({ received }) => protocolOf(received)).find((found) => found !== undefined);
    return `${name === undefined ? 'No Bitcoin node' : name.replace(/^a/, 'A')} answers there: check the port (${chain.chain} nodes usually listen on ${chain.port}).`;
  },
  obsolete: () => 'Its software is obsolete: it must be upgraded there; nothing helps here.',
  demand: () => 'It does not meet --require: choose another node, or change its configuration.',
  'closed-on-version': () =>
    'It closes the connection when our version comes: it may be of a chain that is not known here, or refuse this user agent or address; its log says why.',
  silent: () =>
    'It takes connections and says nothing: the node hangs, is still starting, or this is no Bitcoin node; look at its log.',
  'no-verack': () =>
    'It sent its version and no verack: its log says what it made of our version; --peertimeout S waits longer.',
  'closed-before-verack': () => 'It closed the connection after our version: its log says why.',
  'no-pong': () =>
    'The handshake is complete, but no pong came: the node is busy, or its network loses packets; try again.',
  'ended-after-handshake': ({ reason }) =>
    reason && !isLinkCode(reason.code)
      ? REASONS[reason.code].hint
      : 'The handshake was complete, and then it closed the connection: its log says why.',
};

function cureOf(cause: Cause, evidence: Evidence): string {
  const cure = CURES[cause];
  if (cure) return cure(evidence);
  const { code } = evidence.reason ?? { code: 'ERR_LOCAL_BUG' };
  return REASONS[code].hint;
}
