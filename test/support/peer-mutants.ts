/**
 * Mutants of the peer machine: one rule of its chart is broken in each. Fault seeding for the learner and the
 * conformance cases.
 */
import { createMachine } from 'xstate';
import { peerMachine } from '../../machines/index.js';

/** Transitions of a state by event, as a config has them. */
type On = Record<string, unknown>;

/** What a mutant may change: the transitions of three states, W before version, K before verack, E established. */
export interface Chart {
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

/** What each mutant changes, by what it then does wrong. */
export const PEER_MUTANTS: Readonly<Record<string, (chart: Chart) => void>> = {
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

/** The peer machine with a change. */
export function mutantOf(edit: (chart: Chart) => unknown): typeof peerMachine {
  const config = copy(peerMachine.config) as State;
  edit(chartOf(config));
  return createMachine(
    config as never,
    peerMachine.implementations as never,
  ) as unknown as typeof peerMachine;
}

/** The transitions of a config that a mutant may change. */
export function chartOf(config: unknown): Chart {
  const onOf = (state: State | undefined): On => (state ? (state.on ??= {}) : {});
  const { handshaking, established } = (config as State).states;
  const { awaitingVersion, versionReceived } = handshaking?.states ?? {};
  return { W: onOf(awaitingVersion), K: onOf(versionReceived), E: onOf(established) };
}
