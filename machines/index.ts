/**
 * The machines, for drawing, driving and extending: `import { peerMachine } from 'verack/machines'`.
 *
 * They are pure: no clock, no socket, no chance. Give them effects with `.provide({ actions })`.
 */
export * from './events.js';
export * from './policy.js';
export { messagesOf } from './message-sequences.js';
export { peerMachine } from './peer.machine.js';
export { transportMachine } from './transport.machine.js';
export { supervisorMachine } from './supervisor.machine.js';
