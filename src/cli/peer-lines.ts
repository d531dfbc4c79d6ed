/** Formats lines about peers for people. Text from a peer is sanitized by `plain` first. */
import {
  type Facts,
  hintOf,
  isLinkCode,
  type PeerInfo,
  type Reason,
  type ReasonCode,
  REASONS,
} from '../index.js';
import { sanitize, servicesnames } from '../wire/index.js';
import type { Paint } from './output.js';

/** Sanitizes untrusted text, so that it cannot move the cursor or imitate another line; cut to `max` characters. */
export const plain = (text: string, max = 256): string => sanitize(text, max);

/** Formats milliseconds: `0.42 ms`, `38 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** Milliseconds from the open connection to the end of the handshake; undefined before the end. */
export function handshakeTime({ phases }: Pick<PeerInfo, 'phases'>): number | undefined {
  return phases.version === undefined || phases.verack === undefined
    ? undefined
    : phases.version + phases.verack;
}

/** Formats facts as `name=value`, with quotes around values that contain spaces. */
export function readable(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${plain(name, 32)}=${quoted(plain(serviceNames(name, String(value))))}`)
    .join(' ');
}

/** Service bits by name instead of hex. */
const serviceNames = (name: string, value: string): string =>
  /^(services|required)$/.test(name) && /^[\da-f]{16}$/.test(value)
    ? servicesnames(value).join(',') || 'none'
    : value;

const quoted = (text: string): string => (/[ "]|^$/.test(text) ? JSON.stringify(text) : text);

/** Whether the end of a connection was requested or planned, and so is not a failure. */
export const isOrderly = (code: ReasonCode): boolean =>
  code === 'ERR_LOCAL_CANCELLED' || REASONS[code].family === 'end';

/** Whether an inbound peer closed its established connection, which is not a failure. */
export const isDeparture = ({ inbound, lastreason }: PeerInfo): boolean =>
  inbound && lastreason?.code === 'ERR_LINK_EOF' && lastreason.facts.state === 'established';

/** The hint in place of the reason's own: the hints of link codes are about nodes that we dial, so an inbound peer has none. */
export const hintFor = ({ inbound, lastreason }: PeerInfo): string | undefined =>
  inbound && lastreason && isLinkCode(lastreason.code) ? '' : undefined;

/** Facts that the line contains elsewhere. */
const SHOWN = new Set(['addr', 'host', 'port', 'reject']);

/**
 * `ERR_DIAL_REFUSED 203.0.113.7:8333 — nothing listens there. Is the node …? [state=connecting …]`
 *
 * @param hint - in place of the reason's own
 */
export function failureLine(addr: string, reason: Reason, paint: Paint, hint?: string): string {
  const { says } = REASONS[reason.code];
  const facts = readable(
    Object.fromEntries(Object.entries(reason.facts).filter(([name]) => !SHOWN.has(name))),
  );
  // The hints of link codes are about interrupted handshakes.
  const isLate = reason.facts.state === 'established' && isLinkCode(reason.code);
  const given = hint ?? (isLate ? '' : hintOf(reason));
  const advice = given === '' ? '' : ` ${given}`;
  const circumstances = facts === '' ? '' : paint('dim', ` [${facts}]`);
  return `${paint('red', reason.code)} ${paint('bold', plain(addr))} — ${says}.${rejectIn(reason)}${advice}${circumstances}`;
}

/** The contents of the last `reject` that the peer sent (BIP61). */
const rejectIn = ({ facts: { reject } }: Reason): string =>
  reject === undefined ? '' : ` It sent reject: ${plain(String(reject))}.`;

/** The line of a completed handshake. */
export function establishedLine(peer: PeerInfo, paint: Paint): string {
  const taken = handshakeTime(peer);
  const parts = [
    paint('green', 'established'),
    paint('bold', plain(peer.addr)),
    peer.inbound ? 'in' : 'out',
    plain(peer.subver) || '(no user agent)',
    transportOf(peer),
    `version=${peer.version}`,
    `services=${peer.servicesnames.join(',') || 'none'}`,
    `height=${peer.startingheight}`,
    ...(peer.pingtime === undefined ? [] : [`ping=${spaceless(peer.pingtime * 1_000)}`]),
    ...(taken === undefined ? [] : [`handshake=${spaceless(taken)}`]),
    ...(peer.negotiated.length === 0
      ? []
      : [`negotiated=${peer.negotiated.map((word) => plain(word)).join(',')}`]),
  ];
  return parts.join(' ');
}

/** Shows a change of the transport since the last connection, since a middlebox may have begun to block v2. */
function transportOf({ transport_protocol_type: type, session_id, lasttransport }: PeerInfo): string {
  const was = lasttransport === undefined || lasttransport === type ? '' : ` (was ${lasttransport})`;
  return session_id === '' ? `${type}${was}` : `${type}${was} session=${session_id}`;
}

const spaceless = (ms: number): string => duration(ms).replace(' ', '');
