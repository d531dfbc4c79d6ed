/** `createNode`, the constructor function of the library. */
import { BitcoinNode } from './node.js';
import { ObservedNode } from './observed-node.js';
import type { NodeOptions } from './options.js';

/**
 * Creates a node. It dials and listens when `dial` and `listen` are called; with the option `outbound` it also dials by itself.
 *
 *   const node = createNode({ chain: 'regtest' });
 *   node.on('established', ({ addr, subver }) => console.log(addr, subver));
 *   node.dial('127.0.0.1:18444');
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist, or a value outside its limits
 */
export const createNode = (options: NodeOptions = {}): BitcoinNode =>
  options.observer ? new ObservedNode(options, options.observer) : new BitcoinNode(options);
