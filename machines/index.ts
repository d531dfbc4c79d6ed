/**
 * The machines: `import { peerMachine } from 'verack/machines'`.
 *
 * They do no I/O and have no clock and no random source. Provide their effects with `.provide({ actions })`.
 */
export * from './events.js';
export * from './policy.js';
export * from './ignored.js';
export { messagesOf } from './message-sequences.js';
export { peerMachine } from './peer.machine.js';
export { transportMachine } from './transport.machine.js';
export { supervisorMachine } from './supervisor.machine.js';
