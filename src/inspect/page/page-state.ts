/** The state of the page, which all updates have been applied to. Does not use the document. */
import type {
  ActorStates,
  CrawlReport,
  MachineName,
  FeedStart,
  LabState,
  LocalAddress,
  TranscriptEntry,
  StateChange,
  Row,
  State,
  Transcript,
  OutcomeCounts,
  Update,
} from './feed-messages.js';

/** Most changes that are kept for the view of transitions. */
export const CHANGES = 1_000;

export const STATES: readonly State[] = [
  'connecting',
  'awaitingVersion',
  'versionSent',
  'versionReceived',
  'established',
  'closed',
  'failed',
];

export const isOver = (state: string): boolean => state === 'failed' || state === 'closed';

export class PageState {
  readonly rows = new Map<string, Row>();
  readonly counts = new Map<State, number>(STATES.map((state) => [state, 0]));
  /** The latest {@link CHANGES}, oldest first. */
  changes: StateChange[] = [];
  /** The number of changes since the page was opened; `missed`: the number of those that were omitted. */
  changeCount = 0;
  missed = 0;
  start: FeedStart = { reasons: {}, sessions: [], machines: [] };
  outcomeCounts: OutcomeCounts = { outcomes: {}, handshakes: [] };
  actors: ActorStates = { rows: [], deadlines: {} };
  localAddresses: readonly LocalAddress[] = [];
  lab: LabState | undefined;
  crawl: CrawlReport | undefined;
  transcript: Transcript | undefined;

  /** Removes everything that the node sends again on a new connection. */
  clear(): void {
    this.rows.clear();
    for (const state of STATES) this.counts.set(state, 0);
    this.changes = [];
    this.localAddresses = [];
    this.transcript = undefined;
  }

  apply(update: Update): void {
    for (const row of update.rows) this.#put(row);
    for (const key of update.gone) this.#remove(key);
    this.changes = [...this.changes, ...update.changes].slice(-CHANGES);
    this.changeCount += update.changes.length;
    this.missed += update.missed;
    if (update.start) this.start = update.start;
    if (update.outcomes) this.outcomeCounts = update.outcomes;
    if (update.actors) this.actors = update.actors;
    if (update.crawl) this.crawl = update.crawl;
    if (update.localAddresses) this.localAddresses = update.localAddresses;
    if (update.lab) this.lab = update.lab;
    if (update.transcript) this.transcript = joined(this.transcript, update.transcript);
  }

  /** How many actors of a machine are in each state. */
  actorCounts(machine: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const row of this.actors.rows)
      if (row.machine === machine) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
    return counts;
  }

  /** Delays in the context of a node's supervisor, milliseconds, by their name in the chart. */
  supervisorDelays(node: string): Record<string, number> {
    const key = node === '' ? 'supervisor' : `${node}.supervisor`;
    const facts = Object.entries(this.actors.rows.find((row) => row.key === key)?.facts ?? {});
    return Object.fromEntries(
      facts.filter((fact): fact is [string, number] => fact[0].endsWith('Timeout') && Number(fact[1]) > 0),
    );
  }

  #put(row: Row): void {
    this.#remove(row.key);
    this.rows.set(row.key, row);
    this.#count(row.state, 1);
  }

  #remove(key: string): void {
    const row = this.rows.get(key);
    if (!row) return;
    this.rows.delete(key);
    this.#count(row.state, -1);
  }

  #count(state: State, by: number): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + by);
  }
}

/** Most entries of a transcript, and how many of the first ones are always kept: the same as in the node. */
const MAX_ENTRIES = 448;
const FIRST = 48;

/** The transcript so far, followed by the new entries. */
export function joined(before: Transcript | undefined, now: Transcript): Transcript {
  if (before?.key !== now.key || now.entries[0]?.n === 0) return now;
  const from = now.entries[0]?.n ?? Infinity;
  const entries = [...before.entries.filter(({ n }) => n < from), ...now.entries];
  const dropped = Math.max(0, entries.length - MAX_ENTRIES);
  return { ...now, entries: [...entries.slice(0, FIRST), ...entries.slice(FIRST + dropped)] };
}

/** The state of the machine after the first `count` entries. */
export function stateAfter({ entries }: Transcript, count: number, machine: MachineName = 'peer'): string {
  const isChange = (entry: TranscriptEntry): entry is StateChangeEntry => isStateChange(entry, machine);
  const last = entries.slice(0, count).findLast(isChange);
  return last?.to ?? entries.find(isChange)?.state ?? (machine === 'peer' ? 'connecting' : '');
}

type StateChangeEntry = Extract<TranscriptEntry, { kind: 'transition' }> & { readonly to: string };

/** A transition of the machine to another state. */
export const isStateChange = (
  entry: TranscriptEntry,
  machine: MachineName = 'peer',
): entry is StateChangeEntry =>
  entry.kind === 'transition' && entry.machine === machine && entry.to !== undefined;
