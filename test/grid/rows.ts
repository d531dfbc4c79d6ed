/** Every row of the peer's grid. */
import { HANDSHAKE_ROWS } from './handshake.js';
import type { Row } from './row.js';
import { TRAFFIC_ROWS } from './traffic.js';
import { WORLD_ROWS } from './world.js';

export const ROWS: readonly Row[] = [...WORLD_ROWS, ...HANDSHAKE_ROWS, ...TRAFFIC_ROWS];
