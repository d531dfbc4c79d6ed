/** The fleet: several processes that crawl together and communicate through a NATS server. */
export { joinFleet } from './connection.js';
export type { Fleet, FleetOptions } from './connection.js';
export { FleetContacts } from './fleet-contacts.js';
export { shareOptOuts } from './opt-outs.js';
export { Worker } from './worker.js';
