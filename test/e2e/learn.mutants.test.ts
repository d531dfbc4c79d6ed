/** The learner detects mutants of our own machine: each has one broken rule, which shows as a difference from the chart. */
import { describe, expect, test } from '@jest/globals';
import { learn, type Mealy, outputsOf, type Teacher } from '../../src/learn/automata/index.js';
import { type ChartOptions, chartModel } from '../../src/learn/chart-model.js';
import { compare } from '../../src/learn/compare.js';
import { isFinal } from '../../src/learn/output.js';
import { NETWORKS } from '../../src/networks.js';
import { mutantOf, PEER_MUTANTS } from '../support/peer-mutants.js';

const OURS: ChartOptions = {
  ...{ chain: NETWORKS.regtest, connection_type: 'inbound', transport: 'v1', v2: false },
  ...{ version: 70017, services: '0000000000000000', relay: true },
};

const teacherOf = (machine: Mealy): Teacher => ({
  inputs: machine.inputs,
  isFinal,
  ask: (words) => Promise.resolve(words.map((word) => untilFinal(outputsOf(machine, word)))),
});

function untilFinal(outputs: string[]): string[] {
  const end = outputs.findIndex(isFinal);
  return end < 0 ? outputs : outputs.slice(0, end + 1);
}

describe('planted mutants', () => {
  const reference = chartModel(OURS);
  const found: string[] = [];

  test.each(Object.entries(PEER_MUTANTS))('%s', async (name, edit) => {
    const broken = chartModel({ ...OURS, machine: mutantOf(edit) });
    const teacher = teacherOf(broken.machine);
    const learned = await learn({ teacher, reference: reference.machine });
    expect(learned.words).toBeLessThanOrEqual(3_000);
    if (compare(reference, { greeting: '', machine: learned.machine }).length > 0) found.push(name);
  });

  test('are found, 29 of 30 at least', () => {
    const missed = Object.keys(PEER_MUTANTS).filter((name) => !found.includes(name));
    expect(Object.keys(PEER_MUTANTS)).toHaveLength(30);
    expect(missed.length > 1 ? missed : []).toEqual([]);
    console.info(`${30 - missed.length} of 30 planted mutants found ${missed.join()}`);
  });

  test('are none in the unchanged chart', async () => {
    const same = chartModel({ ...OURS, machine: mutantOf(() => undefined) });
    const learned = await learn({ teacher: teacherOf(same.machine), reference: reference.machine });
    expect(compare(reference, { greeting: '', machine: learned.machine })).toEqual([]);
  });
});
