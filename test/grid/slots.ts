/** The supervisor's cells on a running node: slots, refusals and the end, in memory. */
import type { SupervisorEvent } from '../../machines/index.js';
import { type BitcoinNode, createNode, VerackError, VirtualClock } from '../../src/index.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { LIMITS, stateAfter, stepper } from './supervisor.js';

const HERE = { host: '127.0.0.1', port: 18444 };
const SILENT = { host: '10.0.0.1', port: 18444 };
const STRANGER = { host: '10.0.0.2', port: 18444 };

/** What a cell comes to: the state, the slots taken and the code of a refusal. */
export interface Outcome {
  readonly value: string;
  readonly inbound: number;
  readonly outbound: number;
  readonly refused: string;
}

/** Why a cell cannot be had on a node; empty when it can. */
export function slotObstacle(situation: string, happening: SupervisorEvent): string {
  if (situation.startsWith('draining'))
    return 'peers close at once, so draining is over before it can be seen';
  if (happening.type === 'link.accepted' && happening.crowded && !/accepted|full/.test(situation))
    return 'no handshake is pending yet';
  const dialled = situation.includes('dialled') || situation.includes('full');
  return happening.type === 'dial.requested' && happening.known && !dialled ? 'no address is known yet' : '';
}

/** The pure machine's outcome; peers that are asked to close do so at once. */
export function foretold(situation: readonly SupervisorEvent[], happening: SupervisorEvent): Outcome {
  let { snapshot, actions } = stepper.next(stateAfter(situation).snapshot, happening);
  const refusal = actions.find(({ type }) => type === 'effect.refuse')?.params as
    { code: string } | undefined;
  while (snapshot.value === 'draining') {
    const inbound = snapshot.context.inbound > 0;
    const gone: SupervisorEvent = { type: 'peer.ended', id: 1, inbound };
    ({ snapshot, actions } = stepper.next(snapshot, gone));
  }
  const { inbound, outbound } = snapshot.context;
  return { value: snapshot.value, inbound, outbound, refused: refusal?.code ?? '' };
}

class Stage {
  readonly clock = new VirtualClock();
  readonly net: MemoryNet = memoryNet({ timers: this.clock });
  readonly node: BitcoinNode = createNode({
    ...{ chain: 'regtest', clock: this.clock, net: this.net, maxpending: 1 },
    ...LIMITS,
  });
  #callers = 0;
  refused = '';

  constructor() {
    this.node.on('refused', ({ reason }) => (this.refused = reason.code));
  }

  async bring(event: SupervisorEvent): Promise<void> {
    if (event.type === 'dial.requested') this.#dial(event.known);
    if (event.type === 'link.accepted') this.#call(event.crowded);
    if (event.type === 'user.stop') await this.node.stop();
    if (event.type === 'peer.ended') this.node.close(this.#peer(event.inbound));
    this.clock.advance(0);
  }

  /** Each caller has a /24 of its own, unless the first one's is to be crowded. */
  #call(crowded: boolean): void {
    const host = `10.1.${crowded ? 1 : ++this.#callers}.3`;
    this.net.at(host).dial(HERE, { opened: () => undefined, failed: () => undefined });
  }

  #dial(known: boolean): void {
    const fresh = this.node.peers.list().some(({ inbound }) => !inbound) ? STRANGER : SILENT;
    try {
      this.node.dial(known ? SILENT : fresh);
    } catch (error) {
      if (error instanceof VerackError) this.refused = error.code;
    }
  }

  #peer(inbound: boolean): number {
    return this.node.peers.list().find((peer) => peer.inbound === inbound)?.id ?? 0;
  }
}

/** What a node with one slot in each direction makes of it. */
export async function seen(
  situation: readonly SupervisorEvent[],
  happening: SupervisorEvent,
): Promise<Outcome> {
  const stage = new Stage();
  await stage.node.listen(HERE);
  await stage.net.listen(SILENT, () => undefined);
  for (const event of [...situation, happening]) await stage.bring(event);
  const { value, context } = stage.node.supervisor.getSnapshot();
  return { value, inbound: context.inbound, outbound: context.outbound, refused: stage.refused };
}
