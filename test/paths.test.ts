/**
 * Is every state reached, every branch of the config taken, and can every path go on to an end? The paths are generated
 * from the machines; each one is then replayed on a real actor with a clock.
 *
 * Two snapshots of a peer are one state when they agree on everything that a guard reads: leaf, connection type (one graph
 * each), what the common version allows, whether a ping waits, the age of an addr-fetch connection, and the reason.
 */
import { describe, expect, test } from '@jest/globals';
import { type AnyStateMachine, type AnyStateNode, createActor, type SnapshotFrom } from 'xstate';

import {
  commonVersion,
  CONNECTION_TYPES,
  type ConnectionType,
  contactMachine,
  crawlMachine,
  ignoredReason,
  NO_PONG_UNTIL,
  outboundMachine,
  type PeerContext,
  peerMachine,
  SINCE,
  supervisorMachine,
  type TransportEvent,
  transportMachine,
} from '../machines/index.js';
import { VirtualClock } from '../src/net/virtual-clock.js';
import { stepperOf } from './grid/cell.js';
import { ROWS } from './grid/rows.js';
import { CONTACT_GRAPHS, CRAWL_GRAPHS } from './grid/crawl-graphs.js';
import { GRID_EVENTS, impossible, isTimer, LIMITS } from './grid/supervisor.js';
import { ONE_SHOT_GRAPHS, OUTBOUND_GRAPHS } from './grid/outbound-graph.js';
import {
  canReach,
  type Edge,
  explore,
  type Graph,
  type Node,
  pathTo,
  simplePaths,
  type Trial,
} from './support/explore.js';
import { print } from './support/print.js';
import { branchesOf, leafOf, leavesOf, Stepper } from './support/step.js';

type PeerSnapshot = SnapshotFrom<typeof peerMachine>;

const band = (context: PeerContext): string => {
  const common = commonVersion(context);
  if (common >= SINCE.feature) return 'features';
  return common > NO_PONG_UNTIL ? 'pongs' : 'old';
};

/** Only an addr-fetch connection has a longest duration. */
const ageOf = ({ connection_type, pingsentat, openedat, rules }: PeerContext): number =>
  connection_type === 'addr-fetch' ? Math.min(pingsentat - openedat, rules.addrFetchTimeout) : 0;

function peerKey({ value, context }: PeerSnapshot): string {
  const leaf = leafOf(value);
  if (context.reason) return `${leaf} ${context.reason.code}`;
  const facts = context.versionat < 0 ? [] : [band(context)];
  if (leaf === 'connecting' && context.connectedat >= 0) facts.push('TCP is open');
  if (context.selfnonce) facts.push('our nonce came back');
  if (context.establishedat >= 0)
    facts.push(context.pingnonce === '' ? 'no ping' : 'ping waits', `${ageOf(context)}`);
  return [leaf, ...facts].join(' ');
}

const peerTrials = ({ context }: PeerSnapshot): Trial[] =>
  ROWS.flatMap((row): Trial[] => {
    const event = row.event(context);
    return event && !event.type.startsWith('xstate.') ? [{ name: row.name, event }] : [];
  });

const peerGraph = (type: ConnectionType): Graph =>
  explore(stepperOf(type), { key: peerKey, trials: peerTrials });

const graphs = new Map(CONNECTION_TYPES.map((type) => [type, peerGraph(type)]));

/** The delay does not change which transition is taken, nor does the number of rounds. */
const supervisorKey = ({ value, context }: SnapshotFrom<typeof supervisorMachine>): string => {
  const { inbound, outbound, targets, blocktargets, candidates, wanted, hasOutcome, feeleropen } = context;
  return [
    leafOf(value),
    inbound,
    outbound,
    targets,
    blocktargets,
    candidates,
    wanted,
    hasOutcome,
    feeleropen,
  ].join(' ');
};

const supervisorTrials = ({ context }: SnapshotFrom<typeof supervisorMachine>): Trial[] =>
  Object.entries(GRID_EVENTS)
    .filter(([, event]) => !isTimer(event) && impossible(event, context) === '')
    // The evicted peer ends before another one is selected.
    .filter(([, { type }]) => type !== 'eviction.selected' || context.inbound <= context.maxinbound)
    .map(([name, event]) => ({ name, event }));

const supervisorGraphs = [
  { ...LIMITS, maxinbound: 2, maxoutbound: 2 },
  { ...LIMITS, wanted: 2, blockwanted: 1, feelerInterval: 120_000 },
  ...[1, 2].flatMap((wanted) => [false, true].map((once) => ({ ...LIMITS, wanted, once }))),
].map((input) =>
  explore(new Stepper(supervisorMachine, input), { key: supervisorKey, trials: supervisorTrials }),
);

const TRANSPORT_EVENTS: Readonly<Record<string, TransportEvent>> = {
  'TCP opens': { type: 'link.connected' },
  'a byte comes': { type: 'bytes.arrived' },
  v1: { type: 'bytes.v1' },
  'not v1': { type: 'bytes.v2' },
  'their key': { type: 'bytes.key' },
  'their terminator': { type: 'bytes.garbage', size: 7 },
  'a decoy': { type: 'packet.decoy' },
  'their version packet': { type: 'packet.version' },
  'a bad packet': { type: 'bytes.broken', code: 'ERR_V2_AUTH', facts: { packet: 0 } },
  'the end': { type: 'link.closed', code: 'ERR_LINK_EOF' },
};
const transportTrials: Trial[] = Object.entries(TRANSPORT_EVENTS).map(([name, event]) => ({ name, event }));

const transportGraphs = (['initiator', 'responder'] as const).flatMap((role) =>
  [false, true].map((v2only) =>
    explore(new Stepper(transportMachine, { id: 1, role, v2only, handshakeTimeout: 60_000 }), {
      key: ({ value, context }) => [leafOf(value), context.received, context.reason?.code].join(' '),
      trials: () => transportTrials,
    }),
  ),
);

/** Its last `always` has no guard, so no snapshot shows it. */
const isLeftAtOnce = ({ always }: AnyStateNode): boolean =>
  always !== undefined && always.length > 0 && always.at(-1)?.guard === undefined;

const edgesOf = ({ nodes }: Graph): Edge[] => [...nodes.values()].flatMap(({ edges }) => edges);

describe.each([
  ['peer', peerMachine as AnyStateMachine, [...graphs.values()]],
  ['transport', transportMachine as AnyStateMachine, transportGraphs],
  ['outbound', outboundMachine as AnyStateMachine, OUTBOUND_GRAPHS],
  ['supervisor', supervisorMachine as AnyStateMachine, supervisorGraphs],
  ['crawl', crawlMachine as AnyStateMachine, CRAWL_GRAPHS],
  ['contact', contactMachine as AnyStateMachine, CONTACT_GRAPHS],
] as const)('the %s machine', (name, machine, found) => {
  const nodes = found.flatMap(({ nodes }) => [...nodes.values()]);
  const edges = found.flatMap(edgesOf);

  test('is explored by an abstraction without loss', () => {
    expect(found.flatMap(({ conflicts }) => conflicts)).toEqual([]);
  });

  test('reaches each of its states', () => {
    const leaves = leavesOf(machine)
      .filter((leaf) => !isLeftAtOnce(leaf))
      .map(({ key }) => key);
    const reached = new Set(nodes.map(({ leaf }) => leaf));
    expect(leaves.filter((leaf) => !reached.has(leaf))).toEqual([]);
    print(
      `${name}: ${leaves.length} of ${leaves.length} states, as ${nodes.length} abstract states and ${edges.length} edges`,
    );
  });

  test('takes each branch of its config', () => {
    const taken = new Set(edges.map(({ branch }) => branch));
    const branches = branchesOf(machine);
    const missing = branches.filter(({ definition }) => !taken.has(definition)).map(({ id }) => id);
    expect(missing).toEqual([]);
    print(`${name}: ${branches.length} of ${branches.length} branches taken`);
  });

  test('ignores no event without a reason', () => {
    const silent = edges.filter(
      ({ branch, trial, from }) =>
        !branch &&
        !trial.name.startsWith('xstate.') &&
        ignoredReason(name, from.leaf, trial.event.type) === undefined,
    );
    expect(silent.map(({ from, trial }) => `${from.key} · ${trial.name}`)).toEqual([]);
  });

  test('can end from every state', () => {
    const ending = canReach(nodes, ({ final }) => final);
    expect(nodes.filter((node) => !ending.has(node)).map(({ key }) => key)).toEqual([]);
  });
});

test('a one-shot target dials each address at most once with each transport, and cannot go round', () => {
  for (const { start } of ONE_SHOT_GRAPHS) expect(cycleFrom(start)).toEqual([]);
});

/** The states of a cycle; empty when every path from `start` ends. Edges that stay in their state are left out. */
function cycleFrom(start: Node): string[] {
  const done = new Set<Node>();
  const walk = (node: Node, above: readonly Node[]): string[] => {
    if (above.includes(node)) return [...above, node].map(({ key }) => key);
    if (done.has(node)) return [];
    const next = node.edges.filter(({ to }) => to !== node);
    const found = next.map(({ to }) => walk(to, [...above, node])).find((cycle) => cycle.length > 0);
    done.add(node);
    return found ?? [];
  };
  return walk(start, []);
}

/** Drives a real actor along a path; returns the key of each state on it. */
function replay(type: ConnectionType, path: readonly Edge[]): string[] {
  const clock = new VirtualClock();
  const { machine, input } = stepperOf(type);
  const actor = createActor(machine, { input, clock }).start();
  return path.map(({ trial }) => {
    const event = trial.event;
    if (event.type.startsWith('xstate.after.'))
      clock.advance(event.type.includes('connect') ? 5_000 : 60_000);
    else actor.send(event as never);
    return peerKey(actor.getSnapshot());
  });
}

/** The shortest path that takes each branch of a graph. */
function shortest(graph: Graph): Edge[][] {
  const first = new Map<object | undefined, Edge>();
  for (const edge of edgesOf(graph)) {
    const known = first.get(edge.branch);
    if (!known || pathTo(edge.from).length < pathTo(known.from).length) first.set(edge.branch, edge);
  }
  return [...first.values()].map((edge) => [...pathTo(edge.from), edge]);
}

describe.each(CONNECTION_TYPES)('a real actor (%s)', (type) => {
  const graph = graphs.get(type)!;
  test.each([
    ['shortest path to each branch', shortest(graph)],
    ['simple path to an end', simplePaths(graph.start)],
  ])('follows the %s', (what, paths) => {
    for (const path of paths) expect(replay(type, path)).toEqual(path.map(({ to }) => to.key));
    const longest = Math.max(...paths.map((path) => path.length));
    expect(paths.length).toBeGreaterThan(10);
    print(`${type}: replayed ${paths.length} × ${what}, up to ${longest} events`);
  });
});
