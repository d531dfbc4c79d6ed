/** Who listens: the program itself, its ceiling, real nodes. Each a process of its own, gone when we are gone. */
import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Child, freshFolder } from '../e2e/nodes/child.js';
import { missing } from '../e2e/nodes/installed.js';
import { claimPorts } from '../e2e/nodes/ports.js';
import { bcoin, bitcoind } from '../e2e/nodes/realnode.js';
import { pinned } from './machine.js';

const PROGRAM = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const RAW = fileURLToPath(new URL('./raw.js', import.meta.url));
const START_MS = 20_000;
const POLL_MS = 20;

/** A process that accepts peers on 127.0.0.1. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Those that listen now. */
const listening = new Set<Server>();

/** `verack listen --regtest --quiet` with room for `connections`, on one core. `flags` are Node's. */
export const startVerack = (core: number | undefined, connections: number, flags: readonly string[] = []) =>
  start(core, (port) => [
    ...[execPath, ...flags, PROGRAM, 'listen', '--regtest', '--quiet'],
    ...['--port', String(port), '--maxconnections', String(connections)],
  ]);

/** The ceiling: a Node server that parses next to nothing and answers with bytes made beforehand. */
export const startRaw = (core: number | undefined) => start(core, (port) => [execPath, RAW, String(port)]);

/** A process that says `listening` once it does. */
async function start(core: number | undefined, commandAt: (port: number) => string[]): Promise<Server> {
  const { p2p, release } = await claimPorts();
  const child = new Child(...pinned(core, commandAt(p2p)), freshFolder('bench'));
  const server = {
    port: p2p,
    pid: child.pid,
    stop: async () => {
      await child.stop();
      release();
      listening.delete(server);
    },
  };
  listening.add(server);
  await heard(child);
  return server;
}

async function heard(child: Child): Promise<void> {
  const until = Date.now() + START_MS;
  while (!child.tail().includes('listening')) {
    if (child.end !== undefined || Date.now() > until)
      throw new Error(`a server did not start (${child.end ?? 'silent'}):\n${child.tail()}`);
    await wait(POLL_MS);
  }
}

/** How a node that stands beside us is started: many peers, all from here, and no log of them. */
const NODES = {
  bitcoind: () => bitcoind({ args: ['-debugexclude=net', '-whitelist=noban@127.0.0.0/8'] }),
  bcoin: () => bcoin({ args: ['--log-level=error', '--ban-score=1000000000'] }),
};

export type Neighbour = keyof typeof NODES;
export const NEIGHBOURS = Object.keys(NODES) as Neighbour[];

/** A real node on one core; the sentence that says why not, where it is not installed. */
export async function startNeighbour(core: number | undefined, name: Neighbour): Promise<Server | string> {
  const lacking = missing(name);
  if (lacking !== undefined) return lacking;
  const node = await NODES[name]();
  if (core !== undefined) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(node.pid)]);
  return node;
}

/** Stops the servers that `startVerack` and `startRaw` made and that still run. */
export async function stopServers(): Promise<void> {
  await Promise.all([...listening].map((server) => server.stop()));
}
