/** The forms of a learned model: an XState config that runs, a Mermaid diagram, and differences with their explanations. */
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { createMachine, initialTransition, transition } from 'xstate';
import {
  chartModel,
  compare,
  explanationOf,
  type KnownModel,
  loadKnownDifferences,
  loadKnownModels,
  mermaidOf,
  xstateConfigOf,
} from '../src/learn/index.js';
import { accessWords, outputsOf } from '../src/learn/automata/index.js';
import { NETWORKS } from '../src/networks.js';

/** Of the two implementations that differ most, with the default settings. */
const MODELS: readonly (readonly [string, KnownModel])[] = loadKnownModels()
  .filter(({ label, settings }) => settings === '' && /^bcoin|^Bitcoin/.test(label))
  .map((one) => [one.label, one]);
const KNOWN = loadKnownDifferences();

const referenceOf = ({ model }: KnownModel) =>
  chartModel({
    ...{ chain: NETWORKS.regtest, connection_type: model.connection_type, transport: model.transport },
    ...model.node,
  });

describe.each(MODELS)('%s', (_, known) => {
  const { machine } = known.model;

  test('as an XState machine answers every word to every state as the model does', () => {
    const chart = createMachine(xstateConfigOf(machine, 'node') as never);
    for (const access of accessWords(machine)) {
      for (const input of machine.inputs.keys()) {
        const word = [...(access ?? []), input];
        let [snapshot] = initialTransition(chart);
        const outputs = word.map((symbol) => {
          const [next, actions] = transition(chart, snapshot, {
            type: `receive.${machine.inputs[symbol] ?? ''}`,
          });
          snapshot = next;
          return actions.map(({ type }) => type.replace('send.', '')).join(' ');
        });
        expect(outputs).toEqual(outputsOf(machine, word));
      }
    }
  });

  test('as an XState config is read whole by the extractor of the Stately editor', () => {
    const require = createRequire(new URL('./extractor/package.json', import.meta.url));
    const { extractMachinesFromFile } = require('@xstate/machine-extractor') as {
      extractMachinesFromFile: (source: string) => { machines: { toConfig(): object }[] } | null;
    };
    const config = xstateConfigOf(machine, 'node');
    const source = `import { createMachine } from 'xstate';\ncreateMachine(${JSON.stringify(config)});`;
    const seen = extractMachinesFromFile(source)?.machines[0]?.toConfig() as { states: object };
    expect(Object.keys(seen.states)).toEqual(Object.keys(config.states));
  });

  test('as a Mermaid diagram has every state', () => {
    const text = mermaidOf(machine);
    for (const state of machine.states.keys()) expect(text).toMatch(new RegExp(`\\bs${state}\\b`));
  });

  test('differs from our chart only as it is known to', () => {
    const unexplained = compare(referenceOf(known), known.model).filter(
      (one) => explanationOf(one, known.model, KNOWN) === undefined,
    );
    expect(unexplained).toEqual([]);
  });
});

describe('a known difference', () => {
  const bcoin = MODELS.find(([, { label }]) => label.startsWith('bcoin'))?.[1].model;
  const pong = { word: ['version', 'ping'], expected: ['', ''], actual: ['', 'pong'], rule: '' };

  test('explains what it names in the states that it names, and in no other', () => {
    if (!bcoin) throw new Error('there is no model of bcoin');
    const explained = (change: object) =>
      explanationOf({ ...pong, state: 'versionReceived', ...change }, bcoin, KNOWN) !== undefined;
    expect(explained({})).toBe(true);
    expect(explained({ state: 'closed' })).toBe(false);
    expect(explained({ expected: ['', 'pong'], actual: ['', ''] })).toBe(false);
    expect(explained({ actual: ['', 'close'] })).toBe(false);
    expect(explained({ word: ['version', 'pong'] })).toBe(false);
  });

  test('is known of an implementation, by its user agent', () => {
    if (!bcoin) throw new Error('there is no model of bcoin');
    const other = { ...bcoin, node: { ...bcoin.node, subver: '/other:1.0/' } };
    expect(explanationOf({ ...pong, state: 'versionReceived' }, other, KNOWN)).toBeUndefined();
  });

  test('has an explanation in a sentence', () => {
    for (const { explanation, inputs, states } of KNOWN) {
      expect(explanation).toMatch(/^[A-Za-z].*\.$/);
      expect(inputs.length * states.length).toBeGreaterThan(0);
    }
  });
});
