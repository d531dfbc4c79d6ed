/**
 * `npm run models`: learns every node of learned-nodes.ts and writes its model to src/learn/models. With names: those alone.
 * A model that equals one of the same label is not kept.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dialledConnections, learnNode, modelFolder, type Model } from '../../src/learn/index.js';
import { systemClock } from '../../src/index.js';
import { NETWORKS } from '../../src/networks.js';
import { LEARNED_NODES, type LearnedNode, type RunningNode } from './learned-nodes.js';

/**
 * Two runs must give the same machine: on a busy machine an answer may come too late to count. A word varies when it does so in
 * both of them.
 */
async function confirmed(node: LearnedNode): Promise<Model> {
  await using running = await node.start();
  const seen = new Map<string, Model>();
  for (;;) {
    const model = await learned(node, running);
    const text = JSON.stringify([model.greeting, model.machine]);
    const before = seen.get(text);
    if (before) return { ...model, nondeterminism: common(model, before) };
    seen.set(text, model);
  }
}

const common = (one: Model, other: Model): Model['nondeterminism'] => {
  const known = new Set(other.nondeterminism.map(({ word }) => word.join(' ')));
  return one.nondeterminism.filter(({ word }) => known.has(word.join(' ')));
};

async function learned(node: LearnedNode, running: RunningNode): Promise<Model> {
  const result = await learnNode({
    ...{ chain: NETWORKS.regtest, clock: systemClock, transport: 'v1', parallel: 24, pause: 0 },
    connection_type: 'inbound',
    connections: dialledConnections({ host: running.host, port: running.port }, systemClock),
  });
  const { words, states, seconds, model } = result;
  const varying = model.nondeterminism.length;
  console.log(`${node.name}: ${words} words, ${states} states, ${seconds} s, ${varying} words vary`);
  return model;
}

// The processes of the nodes do not keep the event loop running.
const keepRunning = setInterval(() => undefined, 1_000);
const kept = new Map<string, string>();
const wanted = process.argv.slice(2);
for (const node of LEARNED_NODES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const { label, settings } = node;
  const model = await confirmed(node);
  const behaviour = JSON.stringify([label, model.greeting, model.machine]);
  const file = join(modelFolder(), `${node.name}.json`);
  if (kept.has(behaviour)) {
    console.log(`${node.name}: as ${kept.get(behaviour) ?? ''}`);
    rmSync(file, { force: true });
    continue;
  }
  kept.set(behaviour, node.name);
  writeFileSync(file, `${JSON.stringify({ label, settings, ...model })}\n`);
}
clearInterval(keepRunning);
