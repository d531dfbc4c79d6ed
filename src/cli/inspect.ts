/** `--inspect`: the relay is loaded only when somebody asks for it. */
import { VerackError } from '../reasons.js';
import { type BitcoinNode, createNode } from '../run/node.js';
import type { NodeOptions } from '../run/options.js';
import type { Relay } from '../see/relay.js';
import { Usage } from './exit.js';
import type { Output } from './output.js';

/** Starts the relay and prints its address on a line of its own; `undefined` when nobody asked. */
export async function inspector(port: number | undefined, out: Output): Promise<Relay | undefined> {
  if (port === undefined) return undefined;
  const { startRelay } = await import('../see/relay.js');
  try {
    const relay = await startRelay({ port });
    out.answer(relay.url);
    out.event('inspector', { url: relay.url });
    return relay;
  } catch (error) {
    if (!(error instanceof VerackError)) throw error;
    throw new Usage(
      `the inspector cannot listen on port ${port} (${String(error.facts.syscode)}); give another to --inspect, or none for any`,
    );
  }
}

/** A node that can be watched in a browser, if `port` asks for it. `stop` ends both. */
export async function watchedNode(
  port: number | undefined,
  out: Output,
  options: NodeOptions,
): Promise<{ node: BitcoinNode; stop: () => Promise<void> }> {
  const relay = await inspector(port, out);
  const node = createNode({ ...options, ...(relay && { inspect: relay.inspect }) });
  relay?.follow(node);
  const stop = async (): Promise<void> => {
    await node.stop();
    await relay?.close();
  };
  return { node, stop };
}
