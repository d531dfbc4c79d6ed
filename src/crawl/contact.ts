/**
 * One contact of one address: handshake, `getaddr`, the replies, the end. {@link Contacts} makes them: with a node in this
 * process, or with the workers of a fleet.
 */
import type { Endpoint, PeerInfo, Reason, ReasonCode } from '../index.js';
import { REASONS } from '../index.js';
import type { Reply } from './reply.js';

/** One contact to make. */
export interface ContactJob extends Endpoint {
  /** Which crawl it belongs to. */
  readonly crawl: string;
  readonly addr: string;
  readonly round: number;
  /** Try BIP324 first. */
  readonly v2: boolean;
}

/**
 * `reachable`: the handshake was complete. `rejected`: TCP opened, the handshake did not complete; a full node looks like
 * this. `unreachable`: TCP did not open. `local`: this machine could not try.
 */
export type ContactOutcome = 'reachable' | 'rejected' | 'unreachable' | 'local';

/** What a node claims in its `version`, with the keys of `getpeerinfo`. */
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

/** What a node is by its behaviour; its user agent plays no part. */
export interface IdentifiedNode {
  /** The implementation, or `unknown`. */
  readonly label: string;
  /** Messages that were sent, and milliseconds that it took. */
  readonly messages: number;
  readonly ms: number;
}

export interface ContactReport {
  readonly addr: string;
  readonly round: number;
  /** UNIX time in milliseconds of the beginning, and how long it took. */
  readonly t: number;
  readonly duration_ms: number;
  readonly outcome: ContactOutcome;
  readonly reason: Reason;
  /** Present once their `version` came. */
  readonly peer?: ContactPeer;
  /** The transport of the connection that counted. */
  readonly transport?: 'v1' | 'v2';
  /** Whether the contact began with BIP324, and whether its key exchange succeeded. */
  readonly v2: { readonly tried: boolean; readonly succeeded: boolean };
  /** Present when the node was identified by its behaviour, beside what `peer.subver` claims. */
  readonly identified?: IdentifiedNode;
  readonly phases: PeerInfo['phases'];
  readonly replies: readonly Reply[];
  /** Replies that were not kept, because there were too many. */
  readonly dropped: number;
  /** Bytes of the payloads that were received. */
  readonly bytes: number;
  /** Where it was made from. */
  readonly vantage: string;
}

/** Makes contacts. */
export interface Contacts {
  /** Begins one; `done` is called once, later, unless the contact is cancelled: then with `undefined`. */
  begin(job: ContactJob, done: (report: ContactReport | undefined) => void): void;
  /** Seconds since the last result while some are outstanding; undefined for contacts of this process. */
  readonly staleness?: number;
  /** Gives up every open contact. */
  cancel(): void;
  /** Releases everything. */
  stop(): Promise<void>;
}

/** The outcome that the end of a connection means. */
export function outcomeOf(code: ReasonCode, phases: PeerInfo['phases']): ContactOutcome {
  if (phases.verack !== undefined) return 'reachable';
  if (phases.connect !== undefined) return 'rejected';
  const { family } = REASONS[code];
  return family === 'local' || family === 'policy' ? 'local' : 'unreachable';
}
