/**
 * What will happen in a run, as plain data made from a seed: who lives there, and every act with its moment. A plan can be
 * printed, cut down and run again.
 */
import { CONNECTION_TYPES, CORE_RULES, type ConnectionType, type Rules } from '../../machines/index.js';
import { FAULT_NAMES } from '../../src/net/faults/faults.js';
import { V2_FAULT_NAMES, type V2FaultName } from '../../src/connection/v2-faults.js';
import { Chance } from './seeded-random.js';

/** One machine of the network and the node on it. */
export interface Resident {
  readonly host: string;
  /** As `--fault` takes it; empty for a healthy node. */
  readonly fault: string;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  readonly services: string;
  readonly relay: boolean;
  /** Knows BIP324. */
  readonly v2transport: boolean;
  readonly v2only: boolean;
  readonly v2fault?: V2FaultName;
}

/** `node` and `to` are places in {@link Plan.residents}, `at` is milliseconds of virtual time. */
export type Act =
  | { readonly at: number; readonly does: 'start'; readonly node: number }
  | { readonly at: number; readonly does: 'stop' | 'crash' | 'close'; readonly node: number }
  | {
      readonly at: number;
      readonly does: 'dial';
      readonly node: number;
      readonly to: number;
      readonly type: Exclude<ConnectionType, 'inbound'>;
      readonly persistent: boolean;
    }
  /** A share of all paths breaks at once, or goes dead without anybody being told. */
  | { readonly at: number; readonly does: 'sever'; readonly share: number }
  | { readonly at: number; readonly does: 'deaden'; readonly share: number }
  /** For `ms`, nothing passes between `side` and the others: dials are lost or refused, bytes wait. */
  | { readonly at: number; readonly does: 'part'; readonly side: readonly number[]; readonly ms: number };

export interface Plan {
  readonly seed: number;
  readonly rules: Rules;
  readonly residents: readonly Resident[];
  readonly acts: readonly Act[];
  /** When the last act is over and the quiet begins. */
  readonly calmat: number;
}

export interface PlanOptions {
  readonly nodes: number;
  /** Minutes of trouble before the quiet. */
  readonly minutes: number;
  readonly rules: Rules;
}

/** Core's rules with shorter limits, so that minutes of virtual time see every deadline pass. */
export const BRISK_RULES: Rules = {
  ...CORE_RULES,
  handshakeTimeout: 12_000,
  pingInterval: 10_000,
  pongTimeout: 20_000,
  idleTimeout: 25_000,
  addrFetchTimeout: 20_000,
};

/** The longest that a partition lasts, milliseconds. */
export const LONGEST_PART = 12_000;

const OUTBOUND = CONNECTION_TYPES.filter((type) => type !== 'inbound');
/** Of all nodes, those that know BIP324; of these, those that want nothing else, and those that get it wrong. */
const V2_SHARE = 1 / 3;
const V2_ONLY_SHARE = 0.2;
const V2_FAULT_SHARE = 0.3;
/** Twenty decoys a second make by far the most steps, so they are rare. */
const DECOY_SHARE = 0.03;
const BRIEF_FAULTS = V2_FAULT_NAMES.filter((name) => name !== 'v2-endless-decoys');
const VALUES: Readonly<Record<string, string>> = { split: '=3', slow: '=1500' };

export function planOf(seed: number, { nodes, minutes, rules }: PlanOptions): Plan {
  const chance = new Chance(seed);
  const calmat = minutes * 60_000;
  const residents = Array.from({ length: nodes }, (_, node) => residentAt(node, chance));
  const acts = [
    ...residents.flatMap((_, node) => life(node, nodes, calmat, chance)),
    ...weather(nodes, calmat, chance),
  ];
  return { seed, rules, residents, acts: acts.sort((a, b) => a.at - b.at), calmat };
}

function residentAt(node: number, chance: Chance): Resident {
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

function transportOf(chance: Chance): Pick<Resident, 'v2transport' | 'v2only' | 'v2fault'> {
  if (!chance.often(V2_SHARE)) return { v2transport: false, v2only: false };
  const v2only = chance.often(V2_ONLY_SHARE);
  if (!chance.often(V2_FAULT_SHARE)) return { v2transport: true, v2only };
  const v2fault = chance.often(DECOY_SHARE) ? 'v2-endless-decoys' : chance.pick(BRIEF_FAULTS);
  return { v2transport: true, v2only, v2fault };
}

/** Starts, dials, perhaps closes a peer, perhaps goes away and comes back. */
function life(node: number, nodes: number, calmat: number, chance: Chance): Act[] {
  const start = chance.whole(0, 5_000);
  const acts: Act[] = [{ at: start, does: 'start', node }, ...dials(node, nodes, start, calmat, chance)];
  if (chance.often(0.3)) acts.push({ at: chance.whole(start, calmat), does: 'close', node });
  if (!chance.often(0.4)) return acts;
  const gone = chance.whole(start + 1, calmat);
  const back = gone + chance.whole(1, 30_000);
  acts.push({ at: gone, does: chance.often(0.5) ? 'stop' : 'crash', node });
  if (back < calmat)
    acts.push({ at: back, does: 'start', node }, ...dials(node, nodes, back, calmat, chance));
  return acts;
}

function dials(node: number, nodes: number, from: number, calmat: number, chance: Chance): Act[] {
  return Array.from({ length: chance.whole(1, 3) }, () => ({
    at: chance.whole(from, Math.min(calmat, from + 60_000)),
    does: 'dial' as const,
    node,
    to: chance.often(0.03) ? node : chance.whole(0, nodes - 1),
    type: chance.often(0.5) ? 'manual' : chance.pick(OUTBOUND),
    persistent: chance.often(0.4),
  }));
}

function weather(nodes: number, calmat: number, chance: Chance): Act[] {
  const when = () => chance.whole(10_000, calmat);
  const storms = Array.from({ length: 4 }, (): Act => ({ at: when(), does: 'sever', share: 0.15 }));
  const holes = Array.from({ length: 3 }, (): Act => ({ at: when(), does: 'deaden', share: 0.15 }));
  const parts = Array.from({ length: 2 }, (): Act => {
    const side = Array.from({ length: nodes }, (_, node) => node).filter(() => chance.often(0.4));
    return { at: when(), does: 'part', side, ms: chance.whole(1_000, LONGEST_PART) };
  });
  return [...storms, ...holes, ...parts];
}
