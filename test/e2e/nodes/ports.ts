/**
 * Ports that no other process can take before the node binds them.
 *
 * If a test asks the system for a free port and closes it again, another test file could take it before the node binds
 * it. So ports come in blocks, and whoever listens on the first port of a block owns the others. The reservation ends with
 * the process that made it, however that ends. All lie below the ephemeral range, where outgoing connections live.
 */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

const FIRST = 12_000;
const LAST = 32_000;
const BLOCK = 4;
const TRIES = 100;

/** The ports of one node, ours until `release`. */
export interface Ports {
  readonly p2p: number;
  readonly rpc: number;
  readonly spare: number;
  /** Gives the block back. */
  release(): void;
}

/** Claims a block of ports on 127.0.0.1; throws when none of a hundred random blocks is free. */
export async function claimPorts(): Promise<Ports> {
  for (let tries = 0; tries < TRIES; tries++) {
    const base = FIRST + BLOCK * randomInt((LAST - FIRST) / BLOCK);
    const guard = await listen(base);
    if (guard === undefined) continue;
    const release = () => void guard.close();
    const [p2p, rpc, spare] = [base + 1, base + 2, base + 3];
    const free = await Promise.all([p2p, rpc, spare].map(isFree));
    if (free.every(Boolean)) return { p2p, rpc, spare, release };
    release();
  }
  throw new Error(`no free ports on 127.0.0.1 between ${FIRST} and ${LAST}: end what occupies them`);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((closed) => server.close(closed));
  return true;
}

/** Listens on the port without keeping the process alive; undefined when another process listens there. */
function listen(port: number): Promise<Server | undefined> {
  const server = createServer().unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
