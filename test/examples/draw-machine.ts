/** The chart of the peer machine as a Mermaid diagram. */
import { toDirectedGraph } from 'xstate/graph';
import { peerMachine } from 'verack/machines';

function edgesOf(node: ReturnType<typeof toDirectedGraph>): string[] {
  const name = (id: string): string => id.replaceAll('.', '_');
  const own = node.edges.map(
    ({ source, target, label }) => `${name(source.id)} --> ${name(target.id)}: ${label.text}`,
  );
  return [...own, ...node.children.flatMap(edgesOf)];
}

const lines = ['stateDiagram-v2', ...new Set(edgesOf(toDirectedGraph(peerMachine)))];
console.log(lines.join('\n'));

// Prints:
// stateDiagram-v2
// peer --> peer_failed: link.closed
// peer --> peer_failed: wire.broken
// …
