/** Every figure, in the order of the table. */
import type { Figure } from './figure.js';
import { inbound, inbound512 } from './inbound.js';

export const FIGURES: readonly Figure[] = [inbound, inbound512];
