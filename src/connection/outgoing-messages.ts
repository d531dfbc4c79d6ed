/**
 * Builds our `version`, and converts outgoing messages of the peer machine into wire messages.
 *
 * By default a node announces only what it provides: services 0, height 0, relay 0, its own user agent, and a fresh
 * nonce per connection. Addresses are all zero, which Bitcoin Core reads as "not given".
 */
import type { Hex64, Outgoing } from '../../machines/index.js';
import { VerackError } from '../reasons.js';
import { hex64, type Message, type MessageOf } from '../wire/index.js';

/** The fields of our `version` that are the same for every peer. */
export interface Identity {
  /** Protocol version, 70017 for example. */
  readonly version: number;
  readonly services: Hex64;
  /** At most 256 bytes. */
  readonly user_agent: Uint8Array;
  readonly start_height: number;
}

/** Bytes; Core disconnects a peer whose user agent is longer (MAX_SUBVERSION_LENGTH). */
export const MAX_USER_AGENT = 256;

/**
 * Formats a user agent: `/name:version(comment; comment)/` (BIP14).
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a comment that Core's `-uacomment` refuses, and above 256 bytes
 */
export function userAgent(name: string, version: string, comments: readonly string[]): Uint8Array {
  for (const comment of comments) refuseUnsafe(comment);
  const remarks = comments.length > 0 ? `(${comments.join('; ')})` : '';
  return wholeUserAgent(`/${name}:${version}${remarks}/`);
}

/** Encodes any text as a user agent, in UTF-8. @throws VerackError `ERR_LOCAL_ARGUMENT` above 256 bytes */
export function wholeUserAgent(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_USER_AGENT) return bytes;
  throw new VerackError('ERR_LOCAL_ARGUMENT', {
    value: text.slice(0, 80),
    why: `the user agent would have ${bytes.length} bytes, ${MAX_USER_AGENT} are allowed`,
  });
}

/** Core's SAFE_CHARS_UA_COMMENT. */
function refuseUnsafe(comment: string): void {
  if (/^[A-Za-z0-9 .,;_?@-]*$/.test(comment)) return;
  throw new VerackError('ERR_LOCAL_ARGUMENT', {
    value: comment,
    why: 'a user agent comment may hold letters, digits, spaces and .,;_?@- only',
  });
}

const ZERO_ADDRESS = { services: '0000000000000000', ip: new Uint8Array(16), port: 0 } as const;

/** Our `version` for one peer. `timestamp`: UNIX time, seconds; negative before 1970. */
export const versionMessage = (
  identity: Identity,
  { nonce, timestamp, relay }: { nonce: Hex64; timestamp: number; relay: boolean },
): MessageOf<'version'> => ({
  command: 'version',
  version: identity.version,
  services: identity.services,
  timestamp: hex64(timestamp),
  addr_recv: ZERO_ADDRESS,
  addr_from: { ...ZERO_ADDRESS, services: identity.services },
  nonce,
  user_agent: identity.user_agent,
  start_height: identity.start_height,
  relay,
});

/** The final alert that Core sends to old peers, always the same bytes ("URGENT: Alert key compromised, upgrade required"). */
const FINAL_ALERT = Uint8Array.from(
  Buffer.from(
    '60010000000000000000000000ffffff7f00000000ffffff7ffeffff7f01ffffff7f00000000ffffff7f00ffffff7f002f555247454e543a2041' +
      '6c657274206b657920636f6d70726f6d697365642c207570677261646520726571756972656400' +
      '4630440220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0fd53bdc3abd5202206d0e9c96fe88d4a0f01ed9dedae2b6f9e00da9' +
      '4cad0fecaae66ecf689bf71b50',
    'hex',
  ),
);

/** Converts an outgoing message of the machine, other than `version`, into a wire message. */
export function wireMessage(outgoing: Exclude<Outgoing, { command: 'version' }>): Message {
  if (outgoing.command === 'alert') return { command: 'alert', payload: FINAL_ALERT };
  if ('nonce' in outgoing) {
    return outgoing.nonce === ''
      ? { command: outgoing.command }
      : { command: outgoing.command, nonce: outgoing.nonce };
  }
  return outgoing;
}
