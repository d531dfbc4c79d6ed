/** Every figure, in the order of the table. */
import { crowd } from './crowd.js';
import type { Figure } from './figure.js';
import { inbound, inbound512 } from './inbound.js';
import { lag } from './lag.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { outbound } from './outbound.js';
import { traffic } from './traffic.js';

export const FIGURES: readonly Figure[] = [
  ...[inbound, inbound512, outbound, latency],
  ...[memory, crowd, traffic, lag],
];
