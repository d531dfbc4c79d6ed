/** Makes nodes. */
import { BitcoinNode } from './node.js';
import { ObservedNode } from './observed-node.js';
import type { NodeOptions } from './options.js';

/**
 * Makes a node; nothing is dialled or listened to before it is asked, except with the option `outbound`.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist, or a value outside of its limits
 */
export const createNode = (options: NodeOptions = {}): BitcoinNode =>
  options.observer ? new ObservedNode(options, options.observer) : new BitcoinNode(options);
