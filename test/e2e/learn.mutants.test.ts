/** The learner finds mutants of our own machine: one rule is broken in each, and the difference to the chart shows it. */
import { describe, expect, test } from '@jest/globals';
import { createMachine } from 'xstate';
import { peerMachine } from '../../machines/index.js';
import { learn, type Mealy, outputsOf, type Teacher } from '../../src/learn/automata/index.js';
import { type ChartOptions, chartModel } from '../../src/learn/chart-model.js';
import { compare } from '../../src/learn/compare.js';
import { isFinal } from '../../src/learn/output.js';
import { NETWORKS } from '../../src/networks.js';

const OURS: ChartOptions = {
  ...{ chain: NETWORKS.regtest, connection_type: 'inbound', transport: 'v1', v2: false },
  ...{ version: 70017, services: '0000000000000000', relay: true },
};

type On = Record<string, unknown>;

/** What a mutant may change: the transitions of three states, W before version, K before verack, E established. */
interface Chart {
  readonly W: On;
  readonly K: On;
  readonly E: On;
}

const FAIL = { target: '#peer.failed', actions: { type: 'setReason', params: { code: 'ERR_PROTO_LIMIT' } } };
const ESTABLISHED = '#peer.established';
const sends = (sequence: string) => ({ type: 'effect.send', params: { sequence } });

/** A transition of a list, changed. */
function change(on: On, event: string, at: number, changes: object): void {
  const list = on[event] as object[];
  on[event] = list.map((one, n) => (n === at ? { ...one, ...changes } : one));
}
const drop = (on: On, event: string, at: number): void => {
  on[event] = (on[event] as object[]).filter((_, n) => n !== at);
};

const MUTANTS: Readonly<Record<string, (chart: Chart) => void>> = {
  'accepts versions below 31800': ({ W }) => drop(W, 'wire.version', 0),
  'accepts an unreadable version': ({ W }) => drop(W, 'wire.version', 1),
  'closes on an unreadable version': ({ W }) => change(W, 'wire.version', 1, FAIL),
  'does not answer version': ({ W }) => change(W, 'wire.version', 3, { actions: 'recordVersion' }),
  'is established without verack': ({ W }) => change(W, 'wire.version', 3, { target: ESTABLISHED }),
  'closes on every version': ({ W }) => (W['wire.version'] = FAIL),
  'accepts verack before version': ({ W }) => (W['wire.verack'] = { target: ESTABLISHED }),
  'answers ping before version': ({ W }) => (W['wire.ping'] = { actions: sends('pong') }),
  'closes on wtxidrelay before version': ({ W }) => (W['wire.wtxidrelay'] = FAIL),
  'closes on a bad checksum before version': ({ W }) => (W['wire.dropped'] = FAIL),
  'answers ping before verack': ({ K }) => (K['wire.ping'] = { actions: sends('pong') }),
  'closes on wtxidrelay before verack': ({ K }) => (K['wire.wtxidrelay'] = FAIL),
  'takes wtxidrelay for verack': ({ K }) => (K['wire.wtxidrelay'] = { target: ESTABLISHED }),
  'forgets version after wtxidrelay': ({ K }) =>
    (K['wire.wtxidrelay'] = { target: '#peer.handshaking.awaitingVersion' }),
  'closes on sendaddrv2 before verack': ({ K }) => (K['wire.sendaddrv2'] = FAIL),
  'accepts a malformed feature': ({ K }) => drop(K, 'wire.feature', 0),
  'closes on every feature': ({ K }) => (K['wire.feature'] = FAIL),
  'accepts any announce of sendcmpct before verack': ({ K }) => drop(K, 'wire.sendcmpct', 0),
  'closes on a second version': ({ K }) => (K['wire.version'] = FAIL),
  'answers a second version': ({ K }) => (K['wire.version'] = { actions: sends('negotiation') }),
  'closes on getaddr before verack': ({ K }) => (K['wire.getaddr'] = FAIL),
  'closes on addresses before verack': ({ K }) => (K['wire.addr'] = FAIL),
  'sends nothing after verack': ({ K }) => changeOne(K, 'wire.verack', { actions: 'recordEstablished' }),
  'ignores verack': ({ K }) => delete K['wire.verack'],
  'accepts late wtxidrelay': ({ E }) => delete E['wire.wtxidrelay'],
  'accepts late sendaddrv2': ({ E }) => delete E['wire.sendaddrv2'],
  'accepts late feature': ({ E }) => delete E['wire.feature'],
  'answers pings of old peers': ({ E }) => (E['wire.ping'] = { actions: sends('pong') }),
  'accepts too many addresses': ({ E }) => delete E['wire.excess'],
  'serves what was not offered': ({ E }) => delete E['wire.unoffered'],
};

function changeOne(on: On, event: string, changes: object): void {
  on[event] = { ...(on[event] as object), ...changes };
}

/** A copy of a config that can be changed; functions are kept. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
}

interface State {
  on?: On;
  readonly states: Record<string, State>;
}

function mutant(edit: (chart: Chart) => unknown): typeof peerMachine {
  const config = copy(peerMachine.config) as State;
  const onOf = (state: State | undefined): On => (state ? (state.on ??= {}) : {});
  const { handshaking, established } = config.states;
  const { awaitingVersion, versionReceived } = handshaking?.states ?? {};
  edit({ W: onOf(awaitingVersion), K: onOf(versionReceived), E: onOf(established) });
  return createMachine(
    config as never,
    peerMachine.implementations as never,
  ) as unknown as typeof peerMachine;
}

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

  test.each(Object.entries(MUTANTS))('%s', async (name, edit) => {
    const broken = chartModel({ ...OURS, machine: mutant(edit) });
    const teacher = teacherOf(broken.machine);
    const learned = await learn({ teacher, reference: reference.machine });
    expect(learned.words).toBeLessThanOrEqual(3_000);
    if (compare(reference, { greeting: '', machine: learned.machine }).length > 0) found.push(name);
  });

  test('are found, 29 of 30 at least', () => {
    const missed = Object.keys(MUTANTS).filter((name) => !found.includes(name));
    expect(Object.keys(MUTANTS)).toHaveLength(30);
    expect(missed.length > 1 ? missed : []).toEqual([]);
    console.info(`${30 - missed.length} of 30 planted mutants found ${missed.join()}`);
  });

  test('are none in the unchanged chart', async () => {
    const same = chartModel({ ...OURS, machine: mutant(() => undefined) });
    const learned = await learn({ teacher: teacherOf(same.machine), reference: reference.machine });
    expect(compare(reference, { greeting: '', machine: learned.machine })).toEqual([]);
  });
});
