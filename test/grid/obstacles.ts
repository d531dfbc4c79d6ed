/** Which cells bytes, timers and callers can bring about on a running node, and why the others cannot be. */
import { cellOf, type Column } from './cell.js';
import type { Row } from './row.js';

const NO_LINK = 'no link yet, so nothing can come over it';
const ONCE = 'the net reports the end of a dial once';

function obstacleToAction(action: unknown, { leaf, type }: Column): string {
  const connecting = leaf === 'connecting';
  if (action === 'open' || action === 'refuse') return connecting ? '' : ONCE;
  if (action === 'end' || action === 'sever') return connecting ? NO_LINK : '';
  if (action !== 'self') return '';
  if (type === 'inbound') return 'the pool reports to diallers only';
  return leaf === 'established' ? 'the nonce of an established connection is forgotten' : '';
}

/** Empty when the cell can be exercised, else the reason. */
export function obstacle(row: Row, column: Column): string {
  const { leaf, type } = column;
  const open = row.via.by === 'action' && row.via.action === 'open';
  if (cellOf(row, column).kind === 'unarmed') return 'the timer is not armed there';
  if (leaf === 'connecting' && type === 'inbound' && !open) return 'an accepted link is open from the start';
  if (row.via.by === 'nothing') return row.via.why;
  if (row.via.by === 'bytes') return leaf === 'connecting' ? NO_LINK : '';
  if (row.spared && leaf !== 'established') return 'the pool ticks established peers only';
  return obstacleToAction(row.via.action, column);
}
