/** The program under attack, its attackers, and what is measured meanwhile: newcomers, the event loop, memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createNode, tcpNet } from '../../src/index.js';
import { Program } from '../support/cli-process.js';

/** Milliseconds that the event loop was late, since the last time that was asked. */
export interface LoopDelays {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const attackers = new Set<ChildProcess>();

/** Ends the attackers that still run. */
export function endAttacks(): void {
  for (const child of attackers) child.kill('SIGKILL');
  attackers.clear();
}

/** Starts an attacker with a number of connections, and waits until they are open. */
export async function attacked(attack: string, peers: number, port: number): Promise<void> {
  const args = ['test/attack/attacker.mjs', attack, String(peers), String(port)];
  const child = spawn('nice', ['-n', '5', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  attackers.add(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

/** Milliseconds that a newcomer needs until its handshake is complete. */
export async function handshakeTime(port: number): Promise<number> {
  const node = createNode({ chain: 'regtest', net: tcpNet({ localAddress: '127.9.9.9' }) });
  const beganat = performance.now();
  await node.dial({ host: '127.0.0.1', port }).established();
  const taken = performance.now() - beganat;
  await node.stop();
  return taken;
}

/** Newcomers one after the other for a number of seconds: their times in milliseconds. */
export async function newcomers(port: number, seconds: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    times.push(await handshakeTime(port));
    await pause(100);
  }
  return times;
}

/** `verack listen` on a free port of loopback. */
export class Target {
  readonly port: Promise<number>;

  constructor(readonly program: Program) {
    this.port = this.#port();
  }

  /** `args`: further options of `verack listen`. */
  static listen(args: string, maxconnections = 1_100): Target {
    const line = `listen --regtest --port 0 --maxconnections ${maxconnections} --datadir none ${args}`;
    const node = [process.execPath, '--import', './test/attack/loop-delay.mjs', 'dist/src/cli/main.js'];
    return new Target(new Program(line.trim().split(/\s+/), {}, node));
  }

  async #port(): Promise<number> {
    const pattern = /listening on \S+:(\d+)$|"event":"listening".*"port":(\d+)/m;
    const [, port, portInJson] = await this.program.until('stdout', pattern);
    return Number(port ?? portInJson);
  }

  /** The delays of the event loop since the last call. */
  async delays(): Promise<LoopDelays> {
    const before = this.program.stderr.length;
    this.program.kill('SIGUSR2');
    for (;;) {
      const found = /^delays (\{.*\})$/m.exec(this.program.stderr.slice(before));
      if (found) return JSON.parse(found[1] ?? '') as LoopDelays;
      await pause(10);
    }
  }

  /** Resident memory in MB. */
  get rss(): number {
    const status = readFileSync(`/proc/${this.program.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  }

  /** The highest resident memory within a number of seconds, MB. */
  async peakOf(seconds: number): Promise<number> {
    let most = 0;
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; await pause(100))
      most = Math.max(most, this.rss);
    return most;
  }
}
