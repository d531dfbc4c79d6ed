/** A node whose peers are shown on the page. */
import type { BitcoinNode } from '../index.js';

/** What the feed reads of a node. */
export type InspectedNode = Pick<BitcoinNode, 'peers' | 'on' | 'off'> & {
  readonly supervisor: { readonly sessionId: string };
};

export interface ObserveOptions {
  /** Stands before the ids of its peers. Default: none for the first node, then `2`, `3` and so on. */
  readonly name?: string;
  /** The node's clock, milliseconds. Default: the system's. */
  readonly now?: () => number;
  /** Whether that clock is held. */
  readonly held?: () => boolean;
}
