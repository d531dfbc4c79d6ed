/** Every machine with all its events: the list from which the tests of machines, grids, diagrams and the extractor run. */
import type { AnyStateMachine } from 'xstate';

import {
  PEER_EVENTS,
  peerMachine,
  SUPERVISOR_EVENTS,
  supervisorMachine,
  TRANSPORT_EVENTS,
  transportMachine,
} from '../../machines/index.js';

export interface ListedMachine {
  /** The machine's id, and its file: machines/NAME.machine.ts. */
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly events: readonly string[];
}

export const MACHINES: readonly ListedMachine[] = [
  { name: 'peer', machine: peerMachine, events: PEER_EVENTS },
  { name: 'transport', machine: transportMachine, events: TRANSPORT_EVENTS },
  { name: 'supervisor', machine: supervisorMachine, events: SUPERVISOR_EVENTS },
];
