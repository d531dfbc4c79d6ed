/** The health of a node for `/healthz`: whether it accepts and dials connections, how full it is, how late its timers are. */
import type { BitcoinNode } from '../index.js';
import type { EventLoopLag } from './event-loop-lag.js';

/** Slots of one direction. */
export interface SlotUse {
  readonly used: number;
  readonly max: number;
}

/** What `/healthz` reports. */
export interface Health {
  /** False once the node is stopping. */
  readonly ready: boolean;
  readonly slots: { readonly inbound: SlotUse; readonly outbound: SlotUse };
  /** Seconds: the latest timers of the process, the longest delay of the last ten seconds. */
  readonly lag: number;
}

/** The slots of a node, from the context of its supervisor. */
export function slotsOf({ supervisor }: BitcoinNode): Health['slots'] {
  const { inbound, outbound, maxinbound, maxoutbound } = supervisor.getSnapshot().context;
  return {
    inbound: { used: inbound, max: maxinbound },
    outbound: { used: outbound, max: maxoutbound },
  };
}

export function healthOf(node: BitcoinNode, lag: EventLoopLag): Health {
  const { status, value } = node.supervisor.getSnapshot();
  const ready = status === 'active' && value !== 'draining';
  return { ready, slots: slotsOf(node), lag: lag.longest };
}
