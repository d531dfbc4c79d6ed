/** Every row of the peer's grid. */
import { HANDSHAKE_ROWS } from './handshake.js';
import type { Row } from './row.js';
import { TRAFFIC_ROWS } from './traffic.js';
import { LINK_AND_CLOCK_ROWS } from './link-and-clock.js';

export const ROWS: readonly Row[] = [...LINK_AND_CLOCK_ROWS, ...HANDSHAKE_ROWS, ...TRAFFIC_ROWS];
