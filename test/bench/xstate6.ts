/** Actors of XState 6, which is installed in `xstate6`, apart from the xstate 5 of the machines. */
import { createRequire } from 'node:module';
import type { PeerEvent, PeerInput } from '../../machines/index.js';
import { peerConfig6, peerDelays6 } from './xstate6-chart.js';

/** What the benchmark calls. */
export interface Actor6 {
  start(): Actor6;
  send(event: PeerEvent): void;
  getSnapshot(): { readonly value: unknown; readonly context: unknown; readonly status: string };
}

interface XState6 {
  setup(sources: object): { createMachine(config: object): object };
  createActor(logic: object, options: object): Actor6;
}

/** Makes peer actors as XState 6 runs them, children of one parent; undefined when it is not installed. */
export function peers6(): ((id: string, input: PeerInput) => Actor6) | undefined {
  const xstate = load();
  if (!xstate) return undefined;
  const machine = xstate.setup({ delays: peerDelays6 }).createMachine(peerConfig6);
  const parent = xstate.createActor(xstate.setup({}).createMachine({}), {}).start();
  return (id, input) => xstate.createActor(machine, { id, input, parent });
}

function load(): XState6 | undefined {
  try {
    return createRequire(new URL('../../../test/bench/xstate6/package.json', import.meta.url))(
      'xstate',
    ) as XState6;
  } catch {
    return undefined;
  }
}
