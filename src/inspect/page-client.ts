/** One open page: what it has been told, what it looks at, and what it must still be told. Slow readers are dropped. */
import type { WebSocket } from 'ws';
import type {
  FeedStart,
  LabState,
  StateChange,
  Request,
  Row,
  Transcript,
  OutcomeCounts,
  Update,
} from './page/feed-messages.js';
import { requestOf } from './page-requests.js';

/** Milliseconds between two updates. */
export const TICK = 100;
/** Rows and moves of one update. */
export const ROWS = 256;
export const MOVES = 200;
/** A row that changed without changing its state is told every so many updates, one in sight whether it changed or not. */
const SELDOM = 20;
/** The facts of the chosen peer are looked at every so many updates. */
const OFTEN = 5;
/** Updates that a page may take to read one. */
export const PATIENCE = 50;
const OPEN = 1;

/** What an update is made from; asked only for what is told. */
export interface Sight {
  readonly at: number;
  readonly rowOf: (key: string) => Row | undefined;
  readonly storyOf: (key: string, from: number) => Transcript | undefined;
  readonly tally: { readonly version: number; readonly tell: () => OutcomeCounts };
  readonly lab: () => LabState | undefined;
}

export class PageClient {
  /** Keys of rows in sight. */
  view: ReadonlySet<string> = new Set();
  #chosen = '';
  #hello: FeedStart | undefined;
  readonly #now = new Set<string>();
  readonly #later = new Set<string>();
  #gone: string[] = [];
  #moves: StateChange[] = [];
  #missed = 0;
  #told = 0;
  #facts = '';
  #tally = -1;
  #lab = '';
  #turn = 0;
  #late = 0;

  /** `behind`: characters that may wait in its socket. */
  constructor(
    private readonly socket: WebSocket,
    private readonly behind: number,
    hear: (request: Request) => void,
  ) {
    socket.on('message', (data: Buffer) => {
      const request = requestOf(data.toString());
      if (request) hear(request);
    });
  }

  /** The key of the peer whose story it reads; empty for none. */
  get chosen(): string {
    return this.#chosen;
  }

  greet(hello: FeedStart, keys: Iterable<string>, moves: readonly StateChange[]): void {
    this.#hello = hello;
    this.#moves = [...moves];
    for (const key of keys) this.#now.add(key);
  }

  choose(key: string): void {
    this.#chosen = key;
    this.#told = 0;
    this.#facts = '';
  }

  /** A row has changed. */
  mark(key: string, atOnce: boolean): void {
    (atOnce ? this.#now : this.#later).add(key);
  }

  forget(key: string): void {
    this.#now.delete(key);
    this.#later.delete(key);
    this.#gone.push(key);
  }

  move(move: StateChange): void {
    if (this.#moves.length < MOVES) this.#moves.push(move);
    else this.#missed += 1;
  }

  drop(): void {
    this.socket.terminate();
  }

  /** Says what is new, unless the page still reads the update before. */
  tick(sight: Sight): void {
    if (this.socket.readyState !== OPEN) return;
    if (this.socket.bufferedAmount > 0) return this.#wait();
    this.#late = 0;
    this.#turn += 1;
    const update = this.#update(sight);
    if (update) this.#send(JSON.stringify(update));
  }

  /** Little piles up meanwhile: moves, which are counted, and keys of rows that are gone. */
  #wait(): void {
    this.#late += 1;
    if (this.#late > PATIENCE) this.drop();
  }

  #send(text: string): void {
    if (text.length > this.behind) return this.drop();
    this.socket.send(text);
  }

  #update(sight: Sight): Update | undefined {
    const [hello, gone, moves, missed] = [this.#hello, this.#gone, this.#moves, this.#missed];
    const rows = this.#rows(sight);
    const tally = this.#tallyOf(sight);
    const story = this.#story(sight);
    const lab = this.#labOf(sight);
    const isIdle = !hello && gone.length + moves.length + rows.length === 0 && !tally && !story && !lab;
    if (isIdle) return undefined;
    this.#hello = undefined;
    this.#gone = [];
    this.#moves = [];
    this.#missed = 0;
    const parts = {
      ...(hello && { start: hello }),
      ...(tally && { outcomes: tally }),
      ...(story && { transcript: story }),
      ...(lab && { lab }),
    };
    return { at: sight.at, rows, gone, changes: moves, missed, ...parts };
  }

  #rows({ rowOf }: Sight): Row[] {
    if (this.#turn % SELDOM === 0) this.#hasten();
    const rows: Row[] = [];
    for (const key of this.#now) {
      if (rows.length >= ROWS) break;
      this.#now.delete(key);
      const row = rowOf(key);
      if (row) rows.push(row);
    }
    return rows;
  }

  #hasten(): void {
    for (const key of [...this.view, ...this.#later]) this.#now.add(key);
    this.#later.clear();
  }

  #tallyOf({ tally }: Sight): OutcomeCounts | undefined {
    if (tally.version === this.#tally) return undefined;
    this.#tally = tally.version;
    return tally.tell();
  }

  /** Its facts change all the time, so they are told with new moments, else twice a second. */
  #story({ storyOf }: Sight): Transcript | undefined {
    if (this.#chosen === '') return undefined;
    const story = storyOf(this.#chosen, this.#told);
    const last = story?.moments.at(-1);
    if (!story || (!last && this.#turn % OFTEN !== 0)) return undefined;
    if (last) this.#told = last.n + 1;
    const facts = JSON.stringify([story.facts, story.pings.length]);
    if (!last && facts === this.#facts) return undefined;
    this.#facts = facts;
    return story;
  }

  #labOf(sight: Sight): LabState | undefined {
    const report = sight.lab();
    if (!report || this.#turn % 2 !== 0) return undefined;
    const text = JSON.stringify(report);
    if (text === this.#lab) return undefined;
    this.#lab = text;
    return report;
  }
}
