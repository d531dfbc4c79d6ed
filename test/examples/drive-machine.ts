/** The peer machine alone: no socket and no bytes. It takes events and names the messages that are to be sent. */
import { createActor } from 'xstate';
import { CORE_RULES, messagesOf, peerMachine, type PeerEvent } from 'verack/machines';

const machine = peerMachine.provide({
  actions: {
    'effect.send': ({ context, event }, { sequence }) =>
      console.log(
        'send',
        messagesOf(sequence, context, event)
          .map(({ command }) => command)
          .join(' '),
      ),
  },
});
const actor = createActor(machine, { input: { id: 1, connection_type: 'manual', rules: CORE_RULES } });
actor.subscribe(({ value }) => console.log(JSON.stringify(value)));
actor.start();

const version: PeerEvent = {
  ...{ type: 'wire.version', at: 0, version: 70016, services: '0000000000000409', timeoffset: 0 },
  ...{ nonce: '0000000000000001', subver: '/peer/', startingheight: 0, relaytxes: true },
  ...{ addrlocal: '', ownnonce: false },
};
actor.send({ type: 'link.open', at: 0, elapsed: 0 });
actor.send(version);
actor.send({ type: 'wire.sendaddrv2' });
actor.send({ type: 'wire.verack', at: 0, nonce: '0000000000000002' });
actor.send(version); // a second version is ignored
actor.send({ type: 'wire.wtxidrelay' }); // after verack: BIP339 forbids it
console.log(actor.getSnapshot().output);

// Prints:
// "connecting"
// send version
// {"handshaking":"versionSent"}
// send wtxidrelay sendaddrv2 verack getaddr
// {"handshaking":"versionReceived"}
// {"handshaking":"versionReceived"}
// send sendcmpct ping
// "established"
// "established"
// "failed"
// { code: 'ERR_PROTO_LATE_FEATURE', facts: { command: 'wtxidrelay' } }
