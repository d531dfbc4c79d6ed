/**
 * The plan of a run, as plain data made from a seed: the nodes, and every action with its time. A plan can be
 * printed, shortened and run again.
 */
import {
  CORE_RULES,
  OUTBOUND_CONNECTION_TYPES,
  type OutboundConnectionType,
  type Rules,
} from '../../machines/index.js';
import { FAULT_NAMES } from '../../src/net/faults/faults.js';
import { V2_FAULT_NAMES, type V2FaultName } from '../../src/connection/v2-faults.js';
import { Chance } from './seeded-random.js';

/** One host of the network and its node. */
export interface NodePlan {
  readonly host: string;
  /** As `--fault` takes it; empty for a healthy node. */
  readonly fault: string;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  readonly services: string;
  readonly relay: boolean;
  /** Supports BIP324. */
  readonly v2transport: boolean;
  readonly v2only: boolean;
  readonly v2fault?: V2FaultName;
}

/** `node` and `to` are indexes of {@link Plan.nodePlans}, `at` is milliseconds of virtual time. */
export type PlannedAction =
  | { readonly at: number; readonly kind: 'start'; readonly node: number }
  | { readonly at: number; readonly kind: 'stop' | 'crash' | 'close'; readonly node: number }
  | {
      readonly at: number;
      readonly kind: 'dial';
      readonly node: number;
      readonly to: number;
      readonly type: OutboundConnectionType;
      readonly persistent: boolean;
    }
  /** A share of all paths is reset, or loses all data without an error. */
  | { readonly at: number; readonly kind: 'sever'; readonly share: number }
  | { readonly at: number; readonly kind: 'silence'; readonly share: number }
  /** For `ms`, nothing passes between `side` and the others: dials are lost or refused, bytes wait. */
  | {
      readonly at: number;
      readonly kind: 'partition';
      readonly side: readonly number[];
      readonly ms: number;
    };

export interface Plan {
  readonly seed: number;
  readonly rules: Rules;
  readonly nodePlans: readonly NodePlan[];
  readonly actions: readonly PlannedAction[];
  /** The time after the last action, from which the network is undisturbed. */
  readonly quietat: number;
}

export interface PlanOptions {
  readonly nodes: number;
  /** Minutes with actions, before the undisturbed time. */
  readonly minutes: number;
  readonly rules: Rules;
}

/** Core's rules with shorter limits, so that every deadline passes within minutes of virtual time. */
export const SHORT_RULES: Rules = {
  ...CORE_RULES,
  handshakeTimeout: 12_000,
  pingInterval: 10_000,
  pongTimeout: 20_000,
  idleTimeout: 25_000,
  addrFetchTimeout: 20_000,
};

/** The longest that a partition lasts, milliseconds. */
export const LONGEST_PARTITION = 12_000;

/** Of all nodes, those that support BIP324; of these, those that refuse v1, and those with a faulty key exchange. */
const V2_SHARE = 1 / 3;
const V2_ONLY_SHARE = 0.2;
const V2_FAULT_SHARE = 0.3;
/** Twenty decoys a second make by far the most steps, so they are rare. */
const DECOY_SHARE = 0.03;
const BRIEF_FAULTS = V2_FAULT_NAMES.filter((name) => name !== 'v2-endless-decoys');
const VALUES: Readonly<Record<string, string>> = { split: '=3', slow: '=1500' };

export function planOf(seed: number, { nodes, minutes, rules }: PlanOptions): Plan {
  const chance = new Chance(seed);
  const quietat = minutes * 60_000;
  const nodePlans = Array.from({ length: nodes }, (_, node) => nodePlanAt(node, chance));
  const actions = [
    ...nodePlans.flatMap((_, node) => actionsOf(node, nodes, quietat, chance)),
    ...disturbances(nodes, quietat, chance),
  ];
  return { seed, rules, nodePlans, actions: actions.sort((a, b) => a.at - b.at), quietat };
}

function nodePlanAt(node: number, chance: Chance): NodePlan {
  const name = chance.often(0.25) ? chance.pick(FAULT_NAMES) : '';
  return {
    host: `10.0.${node >> 8}.${node & 0xff}`,
    fault: name + (VALUES[name] ?? ''),
    maxinbound: chance.whole(2, 8),
    maxoutbound: chance.whole(2, 6),
    services: chance.often(0.8) ? '0000000000000409' : '0000000000000000',
    relay: chance.often(0.5),
    ...transportOf(chance.fork(node)),
  };
}

function transportOf(chance: Chance): Pick<NodePlan, 'v2transport' | 'v2only' | 'v2fault'> {
  if (!chance.often(V2_SHARE)) return { v2transport: false, v2only: false };
  const v2only = chance.often(V2_ONLY_SHARE);
  if (!chance.often(V2_FAULT_SHARE)) return { v2transport: true, v2only };
  const v2fault = chance.often(DECOY_SHARE) ? 'v2-endless-decoys' : chance.pick(BRIEF_FAULTS);
  return { v2transport: true, v2only, v2fault };
}

/** Starts, dials, perhaps closes a peer, perhaps stops and starts again. */
function actionsOf(node: number, nodes: number, quietat: number, chance: Chance): PlannedAction[] {
  const start = chance.whole(0, 5_000);
  const actions: PlannedAction[] = [
    { at: start, kind: 'start', node },
    ...dials(node, nodes, start, quietat, chance),
  ];
  if (chance.often(0.3)) actions.push({ at: chance.whole(start, quietat), kind: 'close', node });
  if (!chance.often(0.4)) return actions;
  const stopat = chance.whole(start + 1, quietat);
  const restartat = stopat + chance.whole(1, 30_000);
  actions.push({ at: stopat, kind: chance.often(0.5) ? 'stop' : 'crash', node });
  if (restartat < quietat)
    actions.push({ at: restartat, kind: 'start', node }, ...dials(node, nodes, restartat, quietat, chance));
  return actions;
}

function dials(node: number, nodes: number, from: number, quietat: number, chance: Chance): PlannedAction[] {
  return Array.from({ length: chance.whole(1, 3) }, () => ({
    at: chance.whole(from, Math.min(quietat, from + 60_000)),
    kind: 'dial' as const,
    node,
    to: chance.often(0.03) ? node : chance.whole(0, nodes - 1),
    type: chance.often(0.5) ? 'manual' : chance.pick(OUTBOUND_CONNECTION_TYPES),
    persistent: chance.often(0.4),
  }));
}

function disturbances(nodes: number, quietat: number, chance: Chance): PlannedAction[] {
  const when = () => chance.whole(10_000, quietat);
  const resets = Array.from({ length: 4 }, (): PlannedAction => ({ at: when(), kind: 'sever', share: 0.15 }));
  const silences = Array.from({ length: 3 }, (): PlannedAction => ({
    at: when(),
    kind: 'silence',
    share: 0.15,
  }));
  const partitions = Array.from({ length: 2 }, (): PlannedAction => {
    const side = Array.from({ length: nodes }, (_, node) => node).filter(() => chance.often(0.4));
    return { at: when(), kind: 'partition', side, ms: chance.whole(1_000, LONGEST_PARTITION) };
  });
  return [...resets, ...silences, ...partitions];
}
