/**
 * Notifies systemd that the node is ready, running and stopping (`sd_notify(3)`, units with `Type=notify` and `WatchdogSec=`).
 *
 * The protocol is one datagram per message to a UNIX socket, and Node has no UNIX datagram sockets. Each message is
 * therefore sent by the program `systemd-notify`, and the unit needs `NotifyAccess=all`. Without `NOTIFY_SOCKET` nothing is
 * sent. If the program is missing or may not be started, the first failure is reported and the node continues.
 */
import { execFile } from 'node:child_process';
import { systemTimers, type Timers } from '../net/index.js';

/** Milliseconds after which `systemd-notify` is killed. */
const SEND_TIMEOUT = 5_000;

export interface SystemdOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Called once, with the error code, when a message could not be sent. */
  readonly failed: (code: string) => void;
  /** The program that sends; default `systemd-notify`, found in PATH. */
  readonly program?: string;
  readonly timers?: Timers;
}

/** Sends the notifications of one node. */
export class SystemdNotifier {
  /** The message that is being sent. */
  #sending: Promise<void> | undefined;
  #hasFailed = false;
  #timer: unknown;

  constructor(private readonly options: SystemdOptions) {}

  /** Whether systemd expects notifications. */
  get isActive(): boolean {
    return (this.options.env.NOTIFY_SOCKET ?? '') !== '';
  }

  /** Sends READY=1 once the node listens, then WATCHDOG=1 twice per interval if the unit has a watchdog. */
  async ready(status: string): Promise<void> {
    await this.#send('READY=1', `STATUS=${oneLine(status)}`);
    this.#arm();
  }

  /** Sends STOPPING=1 when the node begins to stop, as the last message: one that is being sent is sent first. */
  async stopping(): Promise<void> {
    const { timers = systemTimers } = this.options;
    timers.clearTimeout(this.#timer);
    await this.#sending;
    await this.#send('STOPPING=1');
  }

  #arm(): void {
    const { env, timers = systemTimers } = this.options;
    const interval = watchdogInterval(env);
    if (interval === undefined || !this.isActive) return;
    this.#timer = timers.setTimeout(() => this.#watch(), interval / 2);
  }

  /** Runs on the event loop, so that nothing is sent when the loop hangs, and systemd then restarts the node. */
  #watch(): void {
    if (!this.#sending) void this.#send('WATCHDOG=1');
    this.#arm();
  }

  async #send(...assignments: string[]): Promise<void> {
    if (!this.isActive) return;
    await (this.#sending = this.#run(assignments));
    this.#sending = undefined;
  }

  async #run(assignments: string[]): Promise<void> {
    const code = await run(this.options, assignments);
    if (code === undefined || this.#hasFailed) return;
    this.#hasFailed = true;
    this.options.failed(code);
  }
}

/**
 * Milliseconds within which systemd expects a message (`WATCHDOG_USEC`); undefined when it expects none, or expects it
 * from another process (`WATCHDOG_PID`).
 */
export function watchdogInterval(env: NodeJS.ProcessEnv, pid = process.pid): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === '' || Number(WATCHDOG_PID) === pid;
  const ms = Number(WATCHDOG_USEC) / 1_000;
  return isOurs && Number.isFinite(ms) && ms >= 2 ? ms : undefined;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 200);

/** The error code, or undefined on success. Node throws if its permission model does not permit child processes. */
function run(
  { env, program = 'systemd-notify' }: SystemdOptions,
  args: string[],
): Promise<string | undefined> {
  return new Promise((resolve) => {
    try {
      execFile(program, args, { env, timeout: SEND_TIMEOUT }, (error) =>
        resolve(error ? String(error.code ?? error.signal ?? 'EIO') : undefined),
      );
    } catch (error) {
      resolve((error as NodeJS.ErrnoException).code ?? 'EIO');
    }
  });
}
