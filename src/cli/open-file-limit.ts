/** How many files the system lets this program open (each connection is one), and how many connections fit into that. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Output } from './output.js';

/**
 * Files kept for all but connections. A listener with `--inspect` holds 22; the rest is for name look-ups, observers, and
 * connections that are closing. (Core keeps 150, most of them for its databases.)
 */
export const RESERVED = 40;

/**
 * The limit on open files: Infinity for none, undefined when it cannot be read. Node.js raises the soft limit to
 * the hard one when it starts, so this is as far as it goes. The permission model of Node.js may forbid both ways to read it.
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

/** As many of the `wanted` connections as can be open at a time; prints a warning when that is not all of them. */
export function slotsThatFit(wanted: number, out: Output, limit = openFilesLimit()): number {
  if (limit === undefined || wanted + RESERVED <= limit) return wanted;
  const slots = Math.max(1, limit - RESERVED);
  out.failure(
    `this system lets a program open ${limit} files, which is enough for ${slots} of ${wanted} connections; ` +
      `for all of them, first type: ulimit -n ${wanted + RESERVED} (where that is not permitted, LimitNOFILE= or limits.conf)`,
  );
  out.event('limited', { files: limit, reserved: RESERVED, wanted, slots });
  return slots;
}
