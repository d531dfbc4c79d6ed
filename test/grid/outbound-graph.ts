/** Every state of the outbound machine, explored from its start by the events of its grid, for each kind of target. */
import type { SnapshotFrom } from 'xstate';

import { MAX_SELF_CONNECTIONS, outboundMachine } from '../../machines/index.js';
import { explore, type Graph, type Trial } from '../support/explore.js';
import { leafOf, Stepper } from '../support/step.js';
import { A, B, INPUT, OUTBOUND_GRID_EVENTS } from './outbound.js';

type Snapshot = SnapshotFrom<typeof outboundMachine>;

/** Failures and the delay do not change which transition is taken. */
function key({ value, context }: Snapshot): string {
  const { name, established, addresses, current, v1addresses, selfconnections, reason } = context;
  const leaf = leafOf(value);
  if (leaf === 'closed' || leaf === 'failed') return [leaf, reason?.code].join(' ');
  const self = Math.min(selfconnections, MAX_SELF_CONNECTIONS);
  const isProven = name !== '' && established;
  return [leaf, addresses.length, current, [...v1addresses].sort().join('+'), self, isProven].join(' ');
}

const trials: Trial[] = Object.entries(OUTBOUND_GRID_EVENTS)
  .filter(([, event]) => !event.type.startsWith('xstate.'))
  .map(([name, event]) => ({ name, event }));

const TARGETS = [
  { name: '', addresses: [A] },
  { name: '', addresses: [A, B] },
  { name: 'node.example', addresses: [] },
];
const TRANSPORTS = [
  { v2: false, v2only: false },
  { v2: true, v2only: false },
  { v2: true, v2only: true },
];

const graphsOf = (persistent: boolean): Graph[] =>
  TARGETS.flatMap((target) =>
    TRANSPORTS.map((transport) =>
      explore(new Stepper(outboundMachine, { ...INPUT, ...target, ...transport, persistent }), {
        key,
        trials: () => trials,
      }),
    ),
  );

export const ONE_SHOT_GRAPHS = graphsOf(false);
export const OUTBOUND_GRAPHS = [...graphsOf(true), ...ONE_SHOT_GRAPHS];
