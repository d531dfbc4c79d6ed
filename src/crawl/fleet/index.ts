/** The fleet: a crawl made by several processes, with a NATS server between them. */
export { joinFleet } from './connection.js';
export type { Fleet, FleetOptions } from './connection.js';
export { FleetContacts } from './fleet-contacts.js';
export { shareOptOuts } from './opt-outs.js';
export { Worker } from './worker.js';
