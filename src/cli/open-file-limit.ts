/** Reads the limit on open files, and limits the number of connections to it, since each connection is an open file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Output } from './output.js';

/**
 * Open files that are reserved for everything except connections. A listener with `--inspect` has 22; the rest is for name
 * lookups, observers, and connections that are closing. (Core reserves 150, most of them for its databases.)
 */
export const RESERVED = 40;

/**
 * The limit on open files: Infinity for no limit, undefined when it cannot be read. It cannot be raised further, since
 * Node.js sets the soft limit to the hard limit when it starts. The permission model of Node.js may forbid reading it.
 */
export const openFilesLimit = (): number | undefined => limitOfSystem() ?? limitOfShell();

function limitOfSystem(): number | undefined {
  try {
    return limitIn(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return undefined;
  }
}

function limitOfShell(): number | undefined {
  try {
    return asLimit(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout);
  } catch {
    return undefined;
  }
}

/** The soft limit in the text of Linux's `/proc/self/limits`. */
export const limitIn = (text: string): number | undefined =>
  asLimit(/^Max open files\s+(\S+)/m.exec(text)?.[1]);

function asLimit(text: string | null | undefined): number | undefined {
  const word = text?.trim() ?? '';
  if (word === 'unlimited') return Infinity;
  return /^\d+$/.test(word) ? Number(word) : undefined;
}

/** `wanted`, or the number of connections that the limit allows, with a warning, if that is less. */
export function slotsThatFit(wanted: number, out: Output, limit = openFilesLimit()): number {
  if (limit === undefined || wanted + RESERVED <= limit) return wanted;
  const slots = Math.max(1, limit - RESERVED);
  out.failure(
    `the limit of ${limit} open files allows only ${slots} of ${wanted} connections; ` +
      `to allow all of them, first type: ulimit -n ${wanted + RESERVED} (or, if that is not permitted, set LimitNOFILE= or limits.conf)`,
  );
  out.event('limited', { files: limit, reserved: RESERVED, wanted, slots });
  return slots;
}
