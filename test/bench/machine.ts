/** The machine that a figure was taken on, and what it lets us do. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { execPath, version } from 'node:process';

/** Two processors of ours, by number: one for who is measured, one for who measures. */
export interface Cores {
  readonly measured: number;
  readonly measuring: number;
}

/** As `taskset` names them; undefined when there are not two, or when nothing can be pinned here. */
export function findCores(): Cores | undefined {
  const [measured, measuring] = allowed();
  if (measured === undefined || measuring === undefined) return undefined;
  const tried = spawnSync('taskset', ['-c', `${measured},${measuring}`, 'true']);
  return tried.status === 0 ? { measured, measuring } : undefined;
}

/** The processors that this process may use, `0-3,7` spelled out. */
function allowed(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** What stands above the table. */
export function describeMachine(cores: Cores | undefined): Record<string, string> {
  const [processor] = cpus();
  return {
    machine: `${processor?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}, Node ${version}`,
    load: `${loadavg()[0]?.toFixed(2) ?? ''} in the last minute: others on these cores move every absolute number`,
    pinning: cores
      ? `who is measured on core ${cores.measured}, who measures on core ${cores.measuring}`
      : 'impossible here (no taskset, or a single core): processes share the cores as the system likes',
  };
}

/** The command that runs a program on one core, or anywhere when nothing can be pinned. */
export function pinned(core: number | undefined, command: readonly string[]): [string, string[]] {
  const [program = execPath, ...args] = command;
  return core === undefined ? [program, args] : ['taskset', ['-c', String(core), program, ...args]];
}

/** CPU seconds of the live threads of a process; undefined where the system does not report them. */
export function cpuSeconds(pid: number): number | undefined {
  const folder = `/proc/${pid}/task`;
  const spent = names(folder).map((thread) => Number(read(`${folder}/${thread}/schedstat`).split(' ')[0]));
  return spent.length === 0 ? undefined : spent.reduce((sum, ns) => sum + ns / 1e9, 0);
}

/** Kilobytes of a process in memory (RSS). */
export function residentKilobytes(pid: number): number {
  const size = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1];
  if (size === undefined) throw new Error(`the system does not report the memory of process ${pid} has`);
  return Number(size);
}

/** Descriptors that a child of ours may have open: connections and a few more. */
export function descriptorLimit(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1];
  return Number(limit ?? 1_024);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty when there is no such file: a process that has ended, a system without `/proc`. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
