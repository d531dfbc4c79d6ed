/** A node made with the public library that dials: the tasks of a `Worker`. */
import { createNode, type PeerInfo } from '../../src/index.js';
import { serveTasks } from './tasks.js';

/** Dials `total` times, each of the first `addresses` of 127.0.0.1, … under way once at a time. */
export interface Dials {
  readonly port: number;
  readonly addresses: number;
  readonly total: number;
  /** BIP324. Default v1. */
  readonly v2?: boolean;
}

/** What came of it: those that got a pong, and how long all took. */
export interface Dialled {
  readonly done: number;
  readonly seconds: number;
}

const ROOM = 1_000;
const node = createNode({ chain: 'regtest', maxinbound: 0, maxoutbound: ROOM });
let done = 0;
node.on('pong', ({ id }) => {
  done++;
  node.close(id);
});

function dialAll({ port, addresses, total, v2 = false }: Dials): Promise<Dialled> {
  const began = performance.now();
  let [started, ended] = [0, 0];
  done = 0;
  const dial = (host: string): void => {
    started++;
    node.dial({ host, port }, { v2transport: v2 });
  };
  return new Promise((resolve) => {
    const next = ({ addr }: PeerInfo): void => {
      if (++ended === total) {
        node.off('ended', next);
        resolve({ done, seconds: (performance.now() - began) / 1e3 });
      } else if (started < total) dial(addr.slice(0, addr.lastIndexOf(':')));
    };
    node.on('ended', next);
    for (let i = 1; i <= Math.min(addresses, total); i++) dial(`127.0.0.${i}`);
  });
}

serveTasks({ dialAll });
