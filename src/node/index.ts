/**
 * `verack/node`: the node without the applications. {@link createNode} with its options, events and peers, the reasons
 * for which connections end ({@link REASONS}), and the chains ({@link NETWORKS}). `verack` exports all of it too.
 *
 * @module
 */
export { createNode } from './create-node.js';
export { BitcoinNode } from './node.js';
export { chainOf, identityOf } from './options.js';
export type { DialOptions, NodeOptions, OutboundOptions } from './options.js';
export { localAddresses } from './local-addresses.js';
export type { LocalAddress } from './local-addresses.js';
export { BOOK_SOURCE } from './candidates.js';
export type { CandidateSource } from './candidates.js';
export type { NodeEvents } from './events.js';
export type { DialInput, NodeInput, NodeObserver } from './observer.js';
export { BLOCK_RELAY_SLOTS } from './outbound-slots.js';
export { Peer } from './peer.js';
export type { PeerInfo } from './peerinfo.js';
export { type Ban, Banlist, DEFAULT_BAN_TIME } from './banlist.js';
export { readBanlist, writeBanlist } from './banlist-file.js';
export { type InboundOptions, MAX_INBOUND, RESERVED_SLOTS } from './inbound-policy.js';
export { SOURCE_LIMITS } from './source-limits.js';
export type { PeerChange, PeerTracker } from './tracker.js';
export type { PeerState } from '../connection/peer-record.js';
export { knownMagic, NETWORK_NAMES, networkOf, NETWORKS, signetNetwork } from '../networks.js';
export type { Chain, NetworkName, Sha256d } from '../networks.js';
export {
  hasNoDnsAnswer,
  hintOf,
  isLinkCode,
  listenCodeOf,
  REASON_CODES,
  reasonOf,
  REASONS,
  VerackError,
} from '../reasons.js';
export type {
  Blame,
  BrokenCode,
  DialCode,
  V2Code,
  DropCode,
  Facts,
  LinkCode,
  Reason,
  ReasonCode,
  ReasonRow,
  Retry,
} from '../reasons.js';
export { NAME, VERSION } from '../version.js';
