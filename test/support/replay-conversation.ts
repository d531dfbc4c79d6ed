/** Feeds recorded bytes to a fresh node, in any pieces, and lists the events of its peer machine and their effects. */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { memoryNetwork, seededRandom } from './memory-nodes.js';

/** What a real node sent us on one connection; `role` is ours. */
export interface Conversation {
  readonly name: string;
  readonly role: 'dialled' | 'accepted';
  /** Everything it sent, in order, as hex. */
  readonly received: string;
}

const OURS = { host: '10.0.0.1', port: 18444 };
const THEIRS = { host: '10.0.0.2', port: 18444 };

/** The events of the peer actor and its final context, as JSON lines; the same for every way to cut the bytes. */
export async function eventsOf(conversation: Conversation, pieces: readonly Uint8Array[]): Promise<string[]> {
  const seen: string[] = [];
  const inspect = (event: InspectionEvent) => {
    if (event.type === '@xstate.event' && (event.actorRef as AnyActorRef).id === 'peer.1')
      seen.push(JSON.stringify(event.event));
  };
  const network = memoryNetwork(0);
  const node = network.node({ inspect, random: seededRandom(1) }, OURS.host);
  const write = { data: () => undefined, closed: () => undefined };
  const speak = (link: { attach(handler: typeof write): void; write(frames: Uint8Array[]): void }) => {
    link.attach(write);
    for (const piece of pieces) link.write([piece]);
  };
  if (conversation.role === 'dialled') {
    await network.net.at(THEIRS.host).listen(THEIRS, speak);
    node.dial(THEIRS);
  } else {
    await node.listen(OURS);
    network.net.at(THEIRS.host).dial(OURS, { opened: speak, failed: () => undefined });
  }
  network.clock.advance(1);
  seen.push(JSON.stringify(node.peers.list()[0]));
  return seen;
}
