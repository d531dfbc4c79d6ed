/** The health of a node for `/healthz`: whether it accepts and dials connections, how many slots are in use, and the delay of its timers. */
import type { BitcoinNode } from '../index.js';
import type { EventLoopLag } from './event-loop-lag.js';

/** Slots of one direction. */
export interface SlotUse {
  readonly used: number;
  readonly max: number;
}

/** The JSON body of `/healthz`. */
export interface Health {
  /** False once the node is stopping. */
  readonly ready: boolean;
  readonly slots: { readonly inbound: SlotUse; readonly outbound: SlotUse };
  /** The longest delay of a timer in the last ten seconds, in seconds. */
  readonly lag: number;
}

/** The slots of a node, read from the context of its supervisor. */
export function slotsOf({ supervisor }: BitcoinNode): Health['slots'] {
  const { inbound, outbound, maxinbound, maxoutbound } = supervisor.getSnapshot().context;
  return {
    inbound: { used: inbound, max: maxinbound },
    outbound: { used: outbound, max: maxoutbound },
  };
}

/** The health of a node now. */
export function healthOf(node: BitcoinNode, lag: EventLoopLag): Health {
  const { status, value } = node.supervisor.getSnapshot();
  const ready = status === 'active' && value !== 'draining';
  return { ready, slots: slotsOf(node), lag: lag.longest };
}
