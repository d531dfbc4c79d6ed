/**
 * The export format of bitnodes (`export.py`): a JSON array of rows `[address, port, version, user agent, connected since,
 * services, height, hostname, city, country, latitude, longitude, timezone, ASN, organisation]`. Values that a handshake does not
 * show are null.
 */
import type { Snapshot } from '../snapshot.js';
import { reachableNodes, type ReachableNode } from './rows.js';

const row = ({ host, port, attempt }: ReachableNode) => [
  ...[host, port, attempt.peer?.version ?? 0, attempt.peer?.subver ?? ''],
  Math.floor(attempt.t / 1_000),
  // A number, as in bitnodes; no service bit above 2^53 is in use.
  Number.parseInt(attempt.peer?.services ?? '0', 16),
  attempt.peer?.startingheight ?? 0,
  ...[null, null, null, null, null, null, null, null],
];

export const bitnodesView = (snapshot: Snapshot): string =>
  `[${reachableNodes(snapshot)
    .map((node) => JSON.stringify(row(node)))
    .join(',\n')}]\n`;
