/**
 * How often `identify` names the implementation of a node that claims to be another one: 200 connections, each through a proxy
 * that replaces the user agent. And what it says of an implementation that it has no model of.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NETWORKS, systemClock } from '../../src/index.js';
import {
  dialledConnections,
  identify,
  type KnownModel,
  loadKnownModels,
  UNKNOWN,
} from '../../src/learn/index.js';
import { LEARNED_NODES, type LearnedNode, type RunningNode } from '../models/learned-nodes.js';
import { userAgentProxy } from '../models/user-agent-proxy.js';
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

/** One connection to a node that claims to be another one. */
async function trial({ node, running }: Started, n: number, models: readonly KnownModel[]): Promise<Trial> {
  const own = MODELS.find(({ label }) => label === node.label)?.model.node.subver;
  const others = AGENTS.filter((agent) => agent !== own);
  const agent = others[n % others.length] ?? '';
  await using proxy = await userAgentProxy(running, CHAIN.magic, agent);
  const connections = dialledConnections({ host: '127.0.0.1', port: proxy.port }, systemClock);
  const { label, claimed } = await identify({ connections, chain: CHAIN, clock: systemClock, models });
  expect(claimed.subver).toBe(agent);
  return { truth: node.label, claimed: agent, label };
}

/** `count` trials, some at a time, each node in turn. */
async function trials(
  nodes: readonly Started[],
  count: number,
  modelsOf: (label: string) => readonly KnownModel[],
): Promise<Trial[]> {
  const results: Trial[] = [];
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const lane = async (): Promise<void> => {
    for (const n of numbers) {
      const started = nodes[n % nodes.length];
      if (started) results.push(await trial(started, n, modelsOf(started.node.label)));
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

  test(`at least ${WANTED} of ${TRIALS} are named`, async () => {
    const results = await trials(nodes, TRIALS, () => MODELS);
    const wrong = results.filter(({ truth, label }) => truth !== label);
    expect(results).toHaveLength(TRIALS);
    expect(wrong.length > TRIALS - WANTED ? wrong : []).toEqual([]);
  });

  test('none is named when it was left out of the models', async () => {
    const without = (label: string) => MODELS.filter((one) => one.label !== label);
    const results = await trials(nodes, 5 * nodes.length, without);
    expect(results.filter(({ label }) => label !== UNKNOWN)).toEqual([]);
  });
});

test('every model has the inputs of the alphabet, and no word of it varies', () => {
  for (const { model } of MODELS) {
    expect(model.machine.inputs).toEqual(MODELS[0]?.model.machine.inputs);
    expect(model.nondeterminism).toEqual([]);
  }
});
