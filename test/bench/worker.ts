/** A script of this folder in a process of its own that is asked things over IPC, and ends when we do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { pinned } from './machine.js';
import type { Reply } from './tasks.js';

/** Those that run. */
const working = new Set<Worker>();

export class Worker {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  /** Starts `name.js`; `flags` are Node's. */
  constructor(core: number | undefined, name: string, flags: readonly string[] = []) {
    const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
    const [program, args] = pinned(core, [execPath, ...flags, file]);
    this.#process = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve());
      this.#process.once('exit', () => resolve());
    });
    working.add(this);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Has it do one thing, one at a time; rejects when it cannot, or ends. */
  ask<T>(task: string, details: object = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Error(`${task}: the process ended`));
      this.#process.once('exit', end);
      this.#process.once('message', (reply: Reply) => {
        this.#process.off('exit', end);
        if (reply.error === undefined) resolve(reply.result as T);
        else reject(new Error(`${task}: ${reply.error}`));
      });
      this.#process.send({ task, details }, (error) => error && reject(error));
    });
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    working.delete(this);
  }
}

/** Stops all that run. */
export async function stopWorkers(): Promise<void> {
  await Promise.all([...working].map((worker) => worker.stop()));
}
