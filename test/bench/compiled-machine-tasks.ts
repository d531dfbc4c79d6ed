/** The cost of one peer actor from start to end, compiled and as XState interprets it, without a connection: the tasks of a `Worker`. */
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { copyPeerContext, CORE_RULES, type PeerEvent, peerMachine } from '../../machines/index.js';
import { compile } from '../../src/xstate/compile.js';
import { serveTasks } from './tasks.js';
import { type Actor6, peers6 } from './xstate6.js';

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

/** Microseconds of CPU for one life, the mean over a batch; `xstate6`: NaN when it is not installed. */
export type Life = Record<keyof typeof machines | 'xstate6', number>;

type Create = (id: string) => Pick<Actor6, 'start' | 'send' | 'getSnapshot'>;

const using =
  (machine: typeof peerMachine): Create =>
  (id) =>
    createActor(machine, { id, input, parent });

function liveOnce(create: Create, id: string): ReturnType<Actor6['getSnapshot']> {
  const actor = create(id);
  actor.start();
  for (const event of LIFE) actor.send(event);
  return actor.getSnapshot();
}

function lifeOf(create: Create | undefined): number {
  if (!create) return NaN;
  const before = process.cpuUsage();
  for (let i = 0; i < BATCH; i++) liveOnce(create, `peer.${i}`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BATCH;
}

const create6 = peers6();
const xstate6: Create | undefined = create6 && ((id) => create6(id, input));

/** Both charts must say the same of the same life, or comparing them means nothing. */
function demandSame(): void {
  if (!xstate6) return;
  const [five, six] = [using(peerMachine), xstate6].map((create) => {
    const { value, context, status } = liveOnce(create, 'peer.0');
    return JSON.stringify([value, context, status]);
  });
  if (five !== six) throw new Error(`XState 5 and 6 differ: ${five ?? ''} and ${six ?? ''}`);
}

demandSame();

const lives = (): Life => ({
  compiled: lifeOf(using(machines.compiled)),
  spread: lifeOf(using(machines.spread)),
  interpreted: lifeOf(using(machines.interpreted)),
  xstate6: lifeOf(xstate6),
});

serveTasks({ life: lives });
