/** The listening processes: the program itself, the raw server it is compared with, real nodes. Each ends with this process. */
import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Child, freshFolder } from '../e2e/nodes/child-process.js';
import { missing } from '../e2e/nodes/installed.js';
import { claimPorts } from '../e2e/nodes/ports.js';
import { bcoin, bitcoind } from '../e2e/nodes/real-node.js';
import { pinned } from './machine.js';
import { Worker } from './worker.js';

const PROGRAM = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const START_MS = 20_000;
const POLL_MS = 20;

/** A process that accepts peers on 127.0.0.1. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Idempotent. */
  readonly stop: () => Promise<void>;
}

/** Those that listen now. */
const listening = new Set<Server>();

/** The program at work. */
export interface Verack extends Server {
  readonly interrupt: () => Promise<void>;
  /** What it printed when it started. */
  readonly said: string;
}

/** `verack listen --regtest --quiet` with room for `connections`, on one core. `flags` are Node's, `more` its own. */
export async function startVerack(
  core: number | undefined,
  connections: number,
  flags: readonly string[] = [],
  more: readonly string[] = [],
): Promise<Verack> {
  const ports = await claimPorts();
  const port = ports.p2p;
  const args = ['--port', String(port), '--maxconnections', String(connections), ...more];
  const command = [execPath, ...flags, PROGRAM, 'listen', '--regtest', '--quiet', ...args];
  const child = new Child(...pinned(core, command), freshFolder('bench'));
  const server = keep(port, child.pid, async () => {
    await child.stop();
    ports.release();
  });
  await started(child);
  return { ...server, interrupt: () => child.interrupt(), said: child.tail() };
}

/** A server that is a script of ours: `listener`, a node made with the library, or `raw-listener`, the ceiling. `flags` are Node's; `addresses`: from 127.0.0.1 on. */
export async function startScript(
  core: number | undefined,
  name: 'listener' | 'raw-listener',
  { flags = [], addresses = 1 }: { flags?: readonly string[]; addresses?: number } = {},
): Promise<Server & { readonly worker: Worker }> {
  const ports = await claimPorts();
  const port = ports.p2p;
  const worker = new Worker(core, name, flags);
  const server = keep(port, worker.pid, async () => {
    await worker.stop();
    ports.release();
  });
  await worker.ask('listen', { port, addresses });
  return { ...server, worker };
}

function keep(port: number, pid: number, end: () => Promise<void>): Server {
  const stop = async (): Promise<void> => {
    listening.delete(server);
    await end();
  };
  const server = { port, pid, stop };
  listening.add(server);
  return server;
}

async function started(child: Child): Promise<void> {
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
  return { port: node.port, pid: node.pid, stop: () => node.stop() };
}

/** Stops the servers that are ours and still run. */
export async function stopServers(): Promise<void> {
  await Promise.all([...listening].map((server) => server.stop()));
}
