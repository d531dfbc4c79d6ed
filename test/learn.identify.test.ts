/** The questions that distinguish models, and our own node identified over memory on a virtual clock. */
import { describe, expect, test } from '@jest/globals';
import {
  dialledConnections,
  identify,
  type IdentifyOptions,
  type KnownModel,
  loadKnownModels,
  UNKNOWN,
} from '../src/learn/index.js';
import { splittingWord } from '../src/learn/automata/index.js';
import { inputsOf } from '../src/learn/alphabet.js';
import { politeAfter, solicited } from '../src/learn/polite-inputs.js';
import { createNode, NETWORKS, VirtualClock } from '../src/index.js';
import { memoryNet } from '../src/net/index.js';
import { driven } from './support/drive-clock.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { play, type Script } from './support/scripted-node.js';

const MODELS = loadKnownModels();
const AT = { host: '10.0.0.1', port: 18_444 };

describe('a splitting word', () => {
  const transition = (output: string, target: number) => ({ output, target });
  /** Two machines that differ behind `a` alone: there `b` is answered with x or y, and `c` ends one of them. */
  const machine = (output: string, end: string) => ({
    inputs: ['a', 'b', 'c'],
    states: [
      [transition('', 1), transition('', 0), transition('', 0)],
      [transition('', 1), transition(output, 1), transition(end, 1)],
    ],
  });
  const places = [machine('x', ''), machine('y', 'closed')].map((one) => ({ machine: one, state: 0 }));
  const options = { allowed: () => [0, 1, 2], isFinal: (output: string) => output === 'closed', longest: 4 };

  test('is a shortest one', () => {
    expect(splittingWord(places, options)).toEqual([0, 1]);
  });

  test('uses no input that ends one of the machines', () => {
    expect(splittingWord(places, { ...options, allowed: () => [0, 2] })).toBeUndefined();
  });

  test('uses allowed inputs only, and ends with the longest word', () => {
    expect(splittingWord(places, { ...options, allowed: () => [1] })).toBeUndefined();
    expect(splittingWord(places, { ...options, longest: 1 })).toBeUndefined();
  });
});

describe('what is asked', () => {
  test('begins with one version, then verack, then each request once', () => {
    expect(politeAfter([])).toContain('version');
    expect(politeAfter(['version'])).toEqual(['verack']);
    const requests = politeAfter(['version', 'verack']);
    expect(requests).not.toContain('verack');
    expect(politeAfter(['version', 'verack', ...requests])).toEqual([]);
  });

  test('is in the alphabet, and no known node closes for it', () => {
    const names = inputsOf('v1').map(({ name }) => name);
    const requests = politeAfter(['version', 'verack']);
    expect(names).toEqual(expect.arrayContaining([...politeAfter([]), 'verack', ...requests]));
    for (const { model } of MODELS) {
      const word = ['version', 'verack', ...requests].map((name) => names.indexOf(name));
      let state = 0;
      for (const input of word) {
        const next = model.machine.states[state]?.[input];
        expect(next?.output).not.toMatch(/close$/);
        state = next?.target ?? 0;
      }
    }
  });

  test('leaves out of an answer what comes by itself', () => {
    expect(solicited('inv sendcmpct addr ping')).toBe('sendcmpct ping');
  });
});

describe('our own node', () => {
  async function identified(models: readonly KnownModel[], options: Partial<IdentifyOptions> = {}) {
    const { clock, net, node } = memoryNetwork();
    const v2only = options.transport === 'v2';
    const ours = node({ subver: '/Satoshi:29.0.0/', v2transport: v2only, v2only }, AT.host);
    await ours.listen(AT);
    const connections = dialledConnections(AT, clock, net.at('10.0.0.2'));
    const chain = NETWORKS.regtest;
    const found = await driven(clock, identify({ connections, chain, clock, models, ...options }), 50);
    await driven(clock, ours.stop());
    return found;
  }

  test('is named whatever it claims to be, with the answers that exclude the others', async () => {
    const { label, claimed, questions } = await identified(MODELS);
    expect(label).toBe('verack');
    expect(claimed.subver).toBe('/Satoshi:29.0.0/');
    const excluded = new Set(questions.flatMap(({ excludes }) => excludes.map((one) => one.label)));
    const others = MODELS.map((one) => one.label).filter((one) => one !== 'verack');
    expect([...excluded]).toEqual(expect.arrayContaining(others));
  });

  test('is named over v2 too, where it refuses v1', async () => {
    const { label, claimed } = await identified(MODELS, { transport: 'v2' });
    expect([label, claimed.subver]).toEqual(['verack', '/Satoshi:29.0.0/']);
  });

  test('has four times its slowest answer to answer the next message', async () => {
    let latency = 0;
    const clock = new VirtualClock();
    const net = memoryNet({ timers: clock, latency: () => latency });
    const ours = createNode({ chain: 'regtest', clock, net: net.at(AT.host) });
    await ours.listen(AT);
    const connections = dialledConnections(AT, clock, net.at('10.0.0.2'));
    const open = async () => {
      const link = await connections.open();
      latency = 130;
      return link;
    };
    const slow = { ...connections, open };
    const options = { connections: slow, chain: NETWORKS.regtest, clock, models: MODELS };
    const { label, questions, ms } = await driven(clock, identify(options), 10);
    const unanswered = questions.filter(({ input, output }) => input !== '' && output === '');
    expect([label, unanswered.length]).toEqual(['verack', 5]);
    expect(ms).toBeGreaterThan(unanswered.length * 4 * 2 * latency);
    await driven(clock, ours.stop());
  });

  test.each([
    ['a ping every 100 ms', 1, 100],
    ['300 pings every 100 ms', 300, 100],
  ])('a node that does not stop sending is given up: %s', async (_name, count, ms) => {
    const { clock, net } = memoryNetwork();
    const chatty: Script = {
      opened: (connection) => {
        const chatter = (): void => {
          for (let n = 0; n < count; n += 1) connection.send('ping', new Uint8Array(8));
          clock.setTimeout(chatter, ms);
        };
        chatter();
      },
    };
    await net.at(AT.host).listen(AT, (link) => play(link, chatty));
    const connections = dialledConnections(AT, clock, net.at('10.0.0.2'));
    const options = { connections, chain: NETWORKS.regtest, clock, models: MODELS };
    const { label, questions } = await driven(clock, identify(options), 50);
    expect([label, questions.map(({ output }) => output)]).toEqual([UNKNOWN, ['endless']]);
    expect(clock.now()).toBeLessThan(22_000);
  });

  test('is unknown when no model is one of it', async () => {
    const { label } = await identified(MODELS.filter((one) => one.label !== 'verack'));
    expect(label).toBe(UNKNOWN);
  });
});
