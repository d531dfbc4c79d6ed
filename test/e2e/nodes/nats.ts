/** Debian's `nats-server` with JetStream on a free port of loopback, for the tests of the fleet. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { claimPorts, type Ports } from './ports.js';

/** Whether it is installed. */
export function hasNats(): boolean {
  try {
    execFileSync('nats-server', ['--version']);
    return true;
  } catch {
    return false;
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A server whose streams live in `directory`, so that they survive {@link NatsServer.restart}. */
export class NatsServer {
  #child: ChildProcess | undefined;

  private constructor(
    private readonly ports: Ports,
    private readonly directory: string,
    private readonly config: string | undefined,
  ) {}

  /** `config`: a configuration file beside the options that are given here. */
  static async start(directory: string, config?: string): Promise<NatsServer> {
    const server = new NatsServer(await claimPorts(), directory, config);
    await server.#run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.ports.p2p}`;
  }

  /** `SIGKILL`: as after a crash. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#end(signal);
    await this.#run();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    this.ports.release();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null) return;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exit;
  }

  async #run(): Promise<void> {
    const where = ['-a', '127.0.0.1', '-p', String(this.ports.p2p), '-js', '-sd', this.directory];
    const args = this.config === undefined ? where : ['-c', this.config, ...where];
    this.#child = spawn('nats-server', args, { stdio: 'ignore' });
    while (!(await isOpen(this.ports.p2p))) await wait(50);
  }
}
