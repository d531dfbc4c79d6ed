/** What the page knows of the node: the sum of all updates. No document here. */
import type {
  FeedStart,
  LabState,
  TranscriptEntry,
  StateChange,
  Row,
  State,
  Transcript,
  OutcomeCounts,
  Update,
} from './feed-messages.js';

/** Moves that are kept for the log. */
export const MOVES = 1_000;

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
  /** The latest {@link MOVES}, oldest first. */
  moves: StateChange[] = [];
  /** Moves since the page was opened, and those that were left out for their number. */
  moved = 0;
  missed = 0;
  hello: FeedStart = { reasons: {}, sessions: [] };
  tally: OutcomeCounts = { outcomes: {}, handshakes: [] };
  lab: LabState | undefined;
  story: Transcript | undefined;

  /** A new connection to the node tells everything anew. */
  clear(): void {
    this.rows.clear();
    for (const state of STATES) this.counts.set(state, 0);
    this.moves = [];
    this.story = undefined;
  }

  take(update: Update): void {
    for (const row of update.rows) this.#put(row);
    for (const key of update.gone) this.#remove(key);
    this.moves = [...this.moves, ...update.changes].slice(-MOVES);
    this.moved += update.changes.length;
    this.missed += update.missed;
    if (update.start) this.hello = update.start;
    if (update.outcomes) this.tally = update.outcomes;
    if (update.lab) this.lab = update.lab;
    if (update.transcript) this.story = joined(this.story, update.transcript);
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

/** Moments that a page keeps of one story: what the node keeps. */
const MOMENTS = 448;
const FIRST = 48;

/** The story so far, with what was told now behind it. */
export function joined(before: Transcript | undefined, now: Transcript): Transcript {
  if (before?.key !== now.key || now.moments[0]?.n === 0) return now;
  const from = now.moments[0]?.n ?? Infinity;
  const moments = [...before.moments.filter(({ n }) => n < from), ...now.moments];
  const dropped = Math.max(0, moments.length - MOMENTS);
  return { ...now, moments: [...moments.slice(0, FIRST), ...moments.slice(FIRST + dropped)] };
}

/** Where the peer's machine is once the first `count` moments have happened. */
export function stateAfter({ moments }: Transcript, count: number): string {
  const moves = moments.slice(0, count).filter(isMove);
  return moves.at(-1)?.to ?? moments.find(isMove)?.state ?? 'connecting';
}

type MoveCell = Extract<TranscriptEntry, { kind: 'cell' }> & { readonly to: string };

/** A cell of the peer's machine that leads somewhere. */
export const isMove = (moment: TranscriptEntry): moment is MoveCell =>
  moment.kind === 'cell' && moment.lane === 'peer' && moment.to !== undefined;
