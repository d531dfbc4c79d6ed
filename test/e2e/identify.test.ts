/**
 * How often `identify` names the implementation of a node that claims to be another one: 200 connections over v1 and 200 over
 * v2, each through a proxy that replaces the user agent. And that an implementation without a model is `unknown`.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NETWORKS, systemClock } from '../../src/index.js';
import {
  dialledConnections,
  identify,
  type KnownModel,
  loadKnownModels,
  type TransportName,
  UNKNOWN,
} from '../../src/learn/index.js';
import { LEARNED_NODES, type LearnedNode, type RunningNode } from '../models/learned-nodes.js';
import { userAgentProxy } from '../models/user-agent-proxy.js';
import { v2UserAgentProxy } from '../models/v2-user-agent-proxy.js';
import { print } from '../support/print.js';
import type { Endpoint } from '../../src/net/link.js';
import { describeNode, type RealNode } from './nodes/nodes.js';

const TRIALS = 200;
const WANTED = 198;
const AT_ONCE = 20;
const MINING = ['bitcoind-blocksonly', 'litecoind'];
const CHAIN = NETWORKS.regtest;
const MODELS = loadKnownModels();
const AGENTS = [...new Set(MODELS.map(({ model }) => model.node.subver))];

interface Started {
  readonly node: LearnedNode;
  readonly running: RunningNode;
}

interface Trial {
  readonly truth: string;
  readonly claimed: string;
  readonly label: string;
}

/** A proxy in front of a node, by transport. */
const PROXIES = {
  v1: (at: Endpoint, agent: string) => userAgentProxy(at, CHAIN.magic, agent),
  v2: (at: Endpoint, agent: string) => v2UserAgentProxy(at, CHAIN, agent),
} as const;

type Models = (label: string) => readonly KnownModel[];

/** One connection to a node that claims to be another one. */
async function trial(
  { node, running }: Started,
  n: number,
  transport: TransportName,
  modelsOf: Models,
): Promise<Trial> {
  const own = MODELS.find(({ label }) => label === node.label)?.model.node.subver;
  const others = AGENTS.filter((agent) => agent !== own);
  const agent = others[n % others.length] ?? '';
  await using proxy = await PROXIES[transport](running, agent);
  const connections = dialledConnections({ host: '127.0.0.1', port: proxy.port }, systemClock);
  const models = modelsOf(node.label);
  const shared = { chain: CHAIN, clock: systemClock, transport };
  const { label, claimed } = await identify({ ...shared, connections, models });
  expect(claimed.subver).toBe(agent);
  return { truth: node.label, claimed: agent, label };
}

/** `count` trials, some at a time, each node in turn. */
async function trials(
  nodes: readonly Started[],
  count: number,
  transport: TransportName,
  modelsOf: Models,
): Promise<Trial[]> {
  const results: Trial[] = [];
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const lane = async (): Promise<void> => {
    for (const n of numbers) {
      const started = nodes[n % nodes.length];
      if (started) results.push(await trial(started, n, transport, modelsOf));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'nodes that claim to be others', () => {
  let nodes: readonly Started[] = [];
  beforeAll(async () => {
    nodes = await Promise.all(LEARNED_NODES.map(async (node) => ({ node, running: await node.start() })));
    // Some of them with a chain, which none had when it was learned.
    for (const { node, running } of nodes)
      if (MINING.includes(node.name)) await (running as RealNode).rpc('generatetodescriptor', [1, 'raw(51)']);
  });
  afterAll(() => Promise.all(nodes.map(({ running }) => running[Symbol.asyncDispose]())));

  /** The nodes that accept a transport. */
  const accepting = (transport: TransportName): readonly Started[] =>
    nodes.filter(({ node }) => transport === 'v1' || node.v2);

  test.each(['v1', 'v2'] as const)(`at least ${WANTED} of ${TRIALS} are named over %s`, async (transport) => {
    const results = await trials(accepting(transport), TRIALS, transport, () => MODELS);
    const wrong = results.filter(({ truth, label }) => truth !== label);
    expect(results).toHaveLength(TRIALS);
    print(`${TRIALS - wrong.length} of ${TRIALS} nodes with swapped user agents named over ${transport}`);
    expect(wrong.length > TRIALS - WANTED ? wrong : []).toEqual([]);
  });

  test.each(['v1', 'v2'] as const)(
    'none is named over %s when it was left out of the models',
    async (transport) => {
      const without: Models = (label) => MODELS.filter((one) => one.label !== label);
      const some = accepting(transport);
      const results = await trials(some, 5 * some.length, transport, without);
      expect(results.filter(({ label }) => label !== UNKNOWN)).toEqual([]);
    },
  );
});

test('every model has the inputs of the alphabet, and no word of it varies', () => {
  for (const { model } of MODELS) {
    expect(model.machine.inputs).toEqual(MODELS[0]?.model.machine.inputs);
    expect(model.nondeterminism).toEqual([]);
  }
});
