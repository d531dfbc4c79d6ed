/**
 * `verack/connection`: converts between bytes and the peer machine. {@link V1Transport} converts chunks into messages,
 * {@link eventOfMessage} a message into the machine's event, {@link versionMessage} our identity into a `version`. Also the
 * faults that a node can inject into its own BIP324 key exchange ({@link V2_FAULTS}).
 *
 * A node does all this by itself; this entry is for programs that drive `peerMachine` without a node.
 *
 * @module
 */
export { eventOfMessage } from './incoming-messages.js';
export type { Translation } from './incoming-messages.js';
export type { EventSources } from './message-to-event.js';
export { MAX_USER_AGENT, userAgent, versionMessage } from './outgoing-messages.js';
export type { Identity } from './outgoing-messages.js';
export { MAX_SEND_BUFFER } from './outgoing-queue.js';
export type { IncomingEvent, MessageTransport } from './transport.js';
export { V1Transport } from './v1-transport.js';
export { isV2Fault, parseV2Fault, V2_FAULT_NAMES, V2_FAULTS } from './v2-faults.js';
export type { V2FaultName, V2FaultRow } from './v2-faults.js';
export type { Padding } from './v2-transport.js';
