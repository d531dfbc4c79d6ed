/**
 * `verack/machines`: the state machines, with their events, rules and guards.
 *
 * They do no I/O and use neither a clock nor a random source. Provide their effects with `.provide({ actions })`.
 *
 * @module
 */
import type { AnyStateMachine } from 'xstate';
import { OUTBOUND_EVENTS, PEER_EVENTS, SUPERVISOR_EVENTS, TRANSPORT_EVENTS } from './events.js';
import { CONTACT_EVENTS, contactMachine } from './contact.machine.js';
import { CRAWL_EVENTS, crawlMachine } from './crawl.machine.js';
import { outboundMachine } from './outbound.machine.js';
import { peerMachine } from './peer.machine.js';
import { supervisorMachine } from './supervisor.machine.js';
import { transportMachine } from './transport.machine.js';

export * from './events.js';
export * from './policy.js';
export * from './ignored.js';
export {
  copyOutboundContext,
  copyPeerContext,
  copySupervisorContext,
  copyTransportContext,
} from './context-copies.js';
export { type EvictionCandidate, selectPeerToEvict } from './eviction.js';
export { messagesOf } from './message-sequences.js';
export { currentAddress, BACKOFF_RESET_AFTER, MAX_SELF_CONNECTIONS, usesV2 } from './outbound-context.js';
export {
  CONTACT_EVENTS,
  contactMachine,
  CRAWL_EVENTS,
  crawlMachine,
  outboundMachine,
  peerMachine,
  supervisorMachine,
  transportMachine,
};
export type { ContactContext, ContactEvent, ContactInput } from './contact.machine.js';
export type { CrawlContext, FrontierCounts, CrawlEnd, CrawlEvent, CrawlInput } from './crawl.machine.js';

/** All machines with their event types. `name` is the id of the machine; its file is machines/NAME.machine.ts. */
export const MACHINES: readonly {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly events: readonly string[];
}[] = [
  { name: 'peer', machine: peerMachine, events: PEER_EVENTS },
  { name: 'transport', machine: transportMachine, events: TRANSPORT_EVENTS },
  { name: 'outbound', machine: outboundMachine, events: OUTBOUND_EVENTS },
  { name: 'supervisor', machine: supervisorMachine, events: SUPERVISOR_EVENTS },
  { name: 'crawl', machine: crawlMachine, events: CRAWL_EVENTS },
  { name: 'contact', machine: contactMachine, events: CONTACT_EVENTS },
];
