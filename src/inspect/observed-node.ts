/** A node whose peers are shown. */
import type { BitcoinNode } from '../node/node.js';

/** What the feed reads of a node. */
export type ObservedNode = Pick<BitcoinNode, 'peers' | 'on' | 'off'> & {
  readonly supervisor: { readonly sessionId: string };
};

export interface ObserveOptions {
  /** Put before the ids of its peers. Default none for the first node, then `2`, `3` and so on. */
  readonly name?: string;
  /** Milliseconds of the clock by which it goes. Default the system's. */
  readonly now?: () => number;
  readonly held?: () => boolean;
}
