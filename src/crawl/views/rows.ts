/** The nodes that answered, in the order of their addresses. */
import { endpointOf } from '../addr-text.js';
import type { NodeRecord, Snapshot } from '../snapshot.js';
import type { AttemptRecord } from '../attempt-record.js';

/** A node that answered, with separate host and port. */
export interface ReachableNode {
  readonly node: NodeRecord;
  readonly attempt: AttemptRecord;
  readonly host: string;
  readonly port: number;
}

export function reachableNodes(snapshot: Snapshot): ReachableNode[] {
  return [...snapshot.nodes.values()]
    .flatMap((node) =>
      node.lastAnswered ? [{ node, attempt: node.lastAnswered, ...endpointOf(node.addr) }] : [],
    )
    .sort((a, b) => (a.node.addr < b.node.addr ? -1 : 1));
}
