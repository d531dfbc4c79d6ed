/** Reads a crawl file back into a frontier and a snapshot, so that the crawl goes on where it was cut. */
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { parseEndpoint, VerackError } from '../index.js';
import { hostOf } from './addr-text.js';
import { cutBack, type FileState, readEvents } from './event-file.js';
import type { BeginEvent, CrawlFileEvent, RoundEvent } from './events.js';
import type { Frontier } from './frontier.js';
import { originOf } from './known-address.js';
import { classifyHost } from './netgroup.js';
import type { Snapshot } from './snapshot.js';

/** The progress of the crawl in a file. */
export interface Progress {
  readonly begin: BeginEvent | undefined;
  readonly round: RoundEvent | undefined;
  /** Whether the last crawl in the file is complete. */
  readonly isComplete: boolean;
  /** Addresses that were contacted in the last round. */
  readonly contacted: ReadonlySet<string>;
  readonly file: FileState;
}

/** Applies the events of a crawl file to the frontier and the snapshot. */
export class Replay {
  #round: RoundEvent | undefined;
  #contacted = new Set<string>();

  constructor(
    private readonly frontier: () => Frontier,
    private readonly snapshot: Snapshot,
  ) {}

  apply(event: CrawlFileEvent): void {
    this.snapshot.apply(event);
    if (event.event === 'round') this.#beginRound(event);
    if (event.event === 'seed') this.frontier().add(event.addr, originOf(event));
    if (event.event === 'reply') this.#addReply(event);
    if (event.event !== 'attempt') return;
    this.#contacted.add(event.addr);
    this.frontier().replay(event.addr, event.outcome === 'reachable');
  }

  progress(file: FileState): Progress {
    const { begin, end } = this.snapshot;
    const isComplete = end?.completeness === 'complete';
    return { begin, round: this.#round, isComplete, contacted: this.#contacted, file };
  }

  #beginRound(event: RoundEvent): void {
    if (this.#round?.round === event.round) return;
    this.#round = event;
    this.#contacted = new Set();
  }

  #addReply({ addr, addresses }: Extract<CrawlFileEvent, { event: 'reply' }>): void {
    const frontier = this.frontier();
    const known = frontier.get(addr);
    const source = known?.sourceName ?? classifyHost(hostOf(addr)).group;
    const distance = (known?.distance ?? 0) + 1;
    for (const [each, , services] of addresses) frontier.add(each, { source, distance, services });
  }
}

/** Events of a crawl file between two pauses, in which signals are handled. */
const EVENTS_AT_ONCE = 2_000;

/** Applies the events of a crawl file, which can have gigabytes, and returns the state of the file behind them. */
async function applyEvents(
  file: string,
  apply: (event: CrawlFileEvent) => void,
  interrupted?: AbortSignal,
): Promise<FileState> {
  const events = readEvents(file);
  let next = events.next();
  for (let count = 0; next.done !== true; next = events.next()) {
    if (count++ % EVENTS_AT_ONCE === 0) await setImmediate();
    if (interrupted?.aborted) throw new VerackError('ERR_LOCAL_CANCELLED');
    apply(next.value);
  }
  return next.value;
}

/**
 * Reads the file and truncates it to its last complete contact.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when the file holds something else than a crawl of that chain, and
 * `ERR_LOCAL_CANCELLED` when interrupted; the file is left as it is
 */
export async function resumeFrom(
  file: string,
  chain: string,
  replay: Replay,
  interrupted?: AbortSignal,
): Promise<Progress> {
  const state = await applyEvents(file, (event) => replay.apply(event), interrupted);
  const progress = replay.progress(state);
  // Nothing of a file that is no crawl is cut away.
  if (!progress.begin && statSync(file).size > 0) throw noCrawl(file);
  const other = progress.begin?.chain;
  if (other !== undefined && other !== chain)
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: file, why: `it is a crawl of ${other}` });
  cutBack(file, state);
  return progress;
}

/**
 * The snapshot of a crawl file, for views and comparisons; the file is not changed.
 *
 * @throws VerackError as {@link readEvents} does, `ERR_LOCAL_ARGUMENT` for a file that holds no crawl, and
 * `ERR_LOCAL_CANCELLED` when interrupted
 */
export async function loadSnapshot(
  file: string,
  snapshot: Snapshot,
  interrupted?: AbortSignal,
): Promise<Snapshot> {
  await applyEvents(file, (event) => snapshot.apply(event), interrupted);
  if (!snapshot.begin) throw noCrawl(file);
  return snapshot;
}

const noCrawl = (file: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', { value: file, why: 'it holds no crawl' });

/** Finds the network of an address text; remembers what it has found. */
export function networkLookup(): (addr: string) => string {
  const known = new Map<string, string>();
  return (addr) => {
    const before = known.get(addr);
    if (before !== undefined) return before;
    const { network } = classifyHost(hostOf(addr));
    if (known.size < MAX_KNOWN) known.set(addr, network);
    return network;
  };
}

/** Most cached results. */
const MAX_KNOWN = 50_000;

/**
 * Parses a list of addresses, one per line; `#` begins a comment.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a line that is not an address
 */
export function addressesIn(text: string, port: number): { readonly host: string; readonly port: number }[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter((line) => line !== '').map((line) => parseEndpoint(line, port));
}
