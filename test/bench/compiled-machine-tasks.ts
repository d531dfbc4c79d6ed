/** What the life of one peer actor costs, compiled and as XState interprets it, nobody else involved: the tasks of a `Worker`. */
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { copyPeerContext, CORE_RULES, type PeerEvent, peerMachine } from '../../machines/index.js';
import { compile } from '../../src/xstate/compile.js';
import { serveTasks } from './tasks.js';

const BATCH = 4_000;
const machines = {
  compiled: compile(peerMachine, { copy: copyPeerContext }),
  spread: compile(peerMachine),
  interpreted: peerMachine,
};
const input = { id: 1, connection_type: 'inbound', rules: CORE_RULES } as const;

const facts = { version: 70_017, services: '0000000000000409', timeoffset: 0, nonce: '00', subver: '/x/' };
const LIFE: readonly PeerEvent[] = [
  { type: 'link.open', at: 1.25, elapsed: 0 },
  {
    type: 'wire.version',
    at: 2.25,
    ...facts,
    startingheight: 1,
    relaytxes: true,
    addrlocal: '',
    ownnonce: false,
  },
  { type: 'wire.wtxidrelay' },
  { type: 'wire.sendaddrv2' },
  { type: 'wire.verack', at: 3.25, nonce: '01' },
  { type: 'wire.ping', nonce: '02' },
  { type: 'wire.pong', at: 4.25, nonce: '01' },
  { type: 'link.closed', code: 'ERR_LINK_EOF' },
];
const parent = createActor(fromTransition((state: number) => state, 0)).start() as AnyActorRef;

/** Microseconds for one life, the mean over a batch. */
export type Life = Record<keyof typeof machines, number>;

function lifeOf(machine: typeof peerMachine): number {
  const began = performance.now();
  for (let i = 0; i < BATCH; i++) {
    const actor = createActor(machine, { id: `peer.${i}`, input, parent }).start();
    for (const event of LIFE) actor.send(event);
  }
  return ((performance.now() - began) * 1e3) / BATCH;
}

const lives = (): Life => ({
  compiled: lifeOf(machines.compiled),
  spread: lifeOf(machines.spread),
  interpreted: lifeOf(machines.interpreted),
});

serveTasks({ life: lives });
