/** Lines about peers, for people. Text from a peer passes through `plain` before it is shown. */
import { type Facts, isLinkCode, type PeerInfo, type Reason, type ReasonCode, REASONS } from '../index.js';
import { sanitize, servicesnames } from '../wire/index.js';
import type { Paint } from './output.js';

/** Text that cannot move a cursor or forge a line, whatever it was. */
export const plain = (text: string, max = 256): string => sanitize(text, max);

/** Milliseconds: `0.42 ms`, `38 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** Everything between the open connection and the end of the handshake, milliseconds. */
export function handshakeTime({ phases }: Pick<PeerInfo, 'phases'>): number | undefined {
  return phases.version === undefined || phases.verack === undefined
    ? undefined
    : phases.version + phases.verack;
}

/** Facts as `name=value`, quoted where there are blanks. */
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

/** An end that was requested or planned. */
export const isOrderly = (code: ReasonCode): boolean =>
  code === 'ERR_LOCAL_CANCELLED' || REASONS[code].family === 'end';

/** An inbound peer that closed its established connection: not a failure. */
export const isDeparture = ({ inbound, lastreason }: PeerInfo): boolean =>
  inbound && lastreason?.code === 'ERR_LINK_EOF' && lastreason.facts.state === 'established';

/** Facts that are elsewhere in the line. */
const SHOWN = new Set(['addr', 'host', 'port', 'said']);

/**
 * `ERR_DIAL_REFUSED 203.0.113.7:8333 — nothing listens there. Is the node …? [state=connecting …]`
 *
 * @param hint - in place of the reason's own
 */
export function failureLine(addr: string, reason: Reason, paint: Paint, hint?: string): string {
  const { says, hint: usual } = REASONS[reason.code];
  const facts = readable(
    Object.fromEntries(Object.entries(reason.facts).filter(([name]) => !SHOWN.has(name))),
  );
  // The hints on links speak of handshakes that were cut short.
  const isLate = reason.facts.state === 'established' && isLinkCode(reason.code);
  const given = hint ?? (isLate ? '' : usual);
  const advice = given === '' ? '' : ` ${given}`;
  const circumstances = facts === '' ? '' : paint('dim', ` [${facts}]`);
  return `${paint('red', reason.code)} ${paint('bold', plain(addr))} — ${says}.${saidBy(reason)}${advice}${circumstances}`;
}

/** What the peer's `reject` gave as its reason (BIP61). */
const saidBy = ({ facts: { said } }: Reason): string =>
  said === undefined ? '' : ` peer said: ${plain(String(said))}.`;

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

/** A change since the last connection is shown: something on the path may block v2. */
function transportOf({ transport_protocol_type: type, session_id, lasttransport }: PeerInfo): string {
  const was = lasttransport === undefined || lasttransport === type ? '' : ` (was ${lasttransport})`;
  return session_id === '' ? `${type}${was}` : `${type}${was} session=${session_id}`;
}

const spaceless = (ms: number): string => duration(ms).replace(' ', '');
