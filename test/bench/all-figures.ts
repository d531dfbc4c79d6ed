/** Every figure, in the order of the table. */
import { crowd } from './max-peers.js';
import type { Figure } from './figure.js';
import { addressBook } from './address-book.js';
import { inbound, inbound512 } from './inbound.js';
import { lag } from './lag.js';
import { latency } from './latency.js';
import { life } from './compiled-machine.js';
import { memory } from './memory.js';
import { outbound } from './outbound.js';
import { page } from './page.js';
import { soak } from './soak.js';
import { spawn } from './spawn.js';
import { targetsLag, targetsMemory } from './targets.js';
import { traffic } from './traffic.js';
import { v2 } from './v2.js';
import { v2Handshake } from './v2-handshake.js';

export const FIGURES: readonly Figure[] = [
  ...[inbound, inbound512, outbound, latency],
  ...[v2Handshake, targetsLag, targetsMemory],
  ...[memory, crowd, life, spawn, traffic, lag, page, v2, addressBook],
  soak,
];
