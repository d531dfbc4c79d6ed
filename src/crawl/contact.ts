/**
 * The types of a contact: one connection to one address with handshake, `getaddr`, replies and end. {@link Contacts} makes
 * contacts with a node in this process, or with the workers of a fleet.
 */
import type { Endpoint, PeerInfo, Reason, ReasonCode } from '../index.js';
import { REASONS } from '../index.js';
import type { Reply } from './reply.js';

/** One contact to make. */
export interface ContactJob extends Endpoint {
  /** The id of the crawl. */
  readonly crawl: string;
  /** `host:port`. */
  readonly addr: string;
  readonly round: number;
  /** Dial with BIP324 first. */
  readonly v2: boolean;
}

/**
 * `reachable`: the handshake was complete. `rejected`: TCP opened, but the handshake did not complete, for example because the
 * node has no free slot. `unreachable`: TCP did not open. `local`: this computer could not dial.
 */
export type ContactOutcome = 'reachable' | 'rejected' | 'unreachable' | 'local';

/** The contents of a node's `version`, with the keys of `getpeerinfo`. */
export type ContactPeer = Pick<
  PeerInfo,
  | 'version'
  | 'subver'
  | 'services'
  | 'startingheight'
  | 'relaytxes'
  | 'timeoffset'
  | 'negotiated'
  | 'bytesrecv'
>;

/** The implementation of a node by its behaviour, independent of its user agent. */
export interface IdentifiedNode {
  /** The implementation, or `unknown`. */
  readonly label: string;
  /** Number of messages that were sent. */
  readonly messages: number;
  /** Duration, milliseconds. */
  readonly ms: number;
}

/** The result of a contact. */
export interface ContactReport {
  readonly addr: string;
  readonly round: number;
  /** UNIX time of the start, milliseconds. */
  readonly t: number;
  readonly duration_ms: number;
  readonly outcome: ContactOutcome;
  readonly reason: Reason;
  /** Present if the node sent its `version`. */
  readonly peer?: ContactPeer;
  /** The transport of the last connection. */
  readonly transport?: 'v1' | 'v2';
  /** Whether the contact began with BIP324, and whether the key exchange succeeded. */
  readonly v2: { readonly tried: boolean; readonly succeeded: boolean };
  /** Present if the node was identified by its behaviour. */
  readonly identified?: IdentifiedNode;
  readonly phases: PeerInfo['phases'];
  readonly replies: readonly Reply[];
  /** Number of replies that were not stored, because there were too many. */
  readonly dropped: number;
  /** Bytes of all received payloads. */
  readonly bytes: number;
  /** The name of the place from which the contact was made. */
  readonly vantage: string;
}

/** Makes contacts. */
export interface Contacts {
  /** Begins a contact. `done` is called once, after this call returned; with undefined if the contact was cancelled. */
  begin(job: ContactJob, done: (report: ContactReport | undefined) => void): void;
  /** Seconds since the last result while results are outstanding; undefined for contacts of this process. */
  readonly staleness?: number;
  /** Cancels all open contacts. */
  cancel(): void;
  /** Cancels all open contacts and releases all resources. */
  stop(): Promise<void>;
}

/** The outcome of a contact whose connection ended for a reason. */
export function outcomeOf(code: ReasonCode, phases: PeerInfo['phases']): ContactOutcome {
  if (phases.verack !== undefined) return 'reachable';
  if (phases.connect !== undefined) return 'rejected';
  const { family } = REASONS[code];
  return family === 'local' || family === 'policy' ? 'local' : 'unreachable';
}
