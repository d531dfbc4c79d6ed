/** A node whose peers are shown on the page. */
import type { BitcoinNode } from '../index.js';

/** What the feed reads of a node. */
export type InspectedNode = Pick<BitcoinNode, 'peers' | 'on' | 'off'> & {
  readonly supervisor: { readonly sessionId: string };
};

/** How a node is shown. */
export interface ObserveOptions {
  /** Prefix of the ids of its peers. Default: none for the first node, then `2`, `3` and so on. */
  readonly name?: string;
  /** The clock of the node, in milliseconds. Default: that of the system. */
  readonly now?: () => number;
  /** Whether this clock is held. Default: never. */
  readonly held?: () => boolean;
}
