/**
 * Model-based tests with xstate/graph. `createTestModel` refuses a machine with `after` or `invoke`; `new TestModel`
 * takes it. By default only events that a state handles are tried: pass all events, or no path has an invalid one.
 */
import { TestModel } from 'xstate/graph';
import { CORE_RULES, peerMachine, type PeerEvent } from 'verack/machines';

const version: PeerEvent = {
  ...{ type: 'wire.version', at: 0, version: 70016, services: '0000000000000409', timeoffset: 0 },
  ...{ nonce: '0000000000000001', subver: '/peer/', startingheight: 0, relaytxes: true },
  ...{ addrlocal: '', ownnonce: false },
};
const events: PeerEvent[] = [
  { type: 'link.open', at: 0, elapsed: 0 },
  version,
  { type: 'wire.wtxidrelay' },
  { type: 'wire.verack', at: 0, nonce: '0000000000000002' },
  { type: 'link.closed', code: 'ERR_LINK_EOF' },
];
const model = new TestModel(peerMachine, {
  events,
  input: { id: 1, connection_type: 'manual', rules: CORE_RULES },
  // One node for each pair of a state and the event that led there: the paths cover every transition.
  serializeState: ({ value }, event) => JSON.stringify([value, event?.type]),
  stopWhen: ({ status }) => status === 'done',
});

for (const { steps, state } of model.getShortestPaths()) {
  const names = steps.slice(1).map(({ event }) => event.type);
  console.log(names.join(' '), '→', JSON.stringify(state.value), state.context.reason?.code ?? '');
}
// Your node takes the same steps: `await path.test({ events: { 'wire.version': async (step) => … } })`.

// Prints:
// link.open wire.version wire.verack link.open → "established"
// link.open wire.version wire.verack wire.version → "established"
// link.open wire.version wire.verack wire.wtxidrelay → "failed" ERR_PROTO_LATE_FEATURE
// …
