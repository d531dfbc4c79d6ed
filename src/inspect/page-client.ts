/** One open page: collects what has changed since its last update, and sends it. A page that reads too slowly is disconnected. */
import type { WebSocket } from 'ws';
import type {
  ActorStates,
  CrawlReport,
  FeedStart,
  LabState,
  LocalAddress,
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
/** Most rows of one update, and most changes. */
export const ROWS = 256;
export const CHANGES = 200;
/** Updates between two refreshes of visible rows, of rows that changed without a change of state, and of local addresses. */
const ROW_REFRESH = 20;
/** Updates between two readings of the selected peer's facts, and of the actors. */
const SLOW_REFRESH = 5;
/** A page is disconnected after this many intervals without reading an update. */
export const MAX_UNREAD = 50;
const OPEN = 1;

/** A value that is only sent when its version has changed. */
export interface Versioned<T> {
  readonly version: number;
  readonly read: () => T;
}

/** The sources of an update. */
export interface UpdateSource {
  readonly at: number;
  readonly rowOf: (key: string) => Row | undefined;
  readonly transcriptOf: (key: string, from: number) => Transcript | undefined;
  readonly outcomeCounts: Versioned<OutcomeCounts>;
  readonly actors: Versioned<ActorStates>;
  readonly localAddresses: () => readonly LocalAddress[];
  readonly lab: () => LabState | undefined;
  readonly crawl: () => CrawlReport | undefined;
}

/** The connection to one page. */
export class PageClient {
  /** The keys of the rows that are visible on the page. */
  visible: ReadonlySet<string> = new Set();
  #selected = '';
  #start: FeedStart | undefined;
  readonly #urgent = new Set<string>();
  readonly #changed = new Set<string>();
  #gone: string[] = [];
  #changes: StateChange[] = [];
  #missed = 0;
  #nextEntry = 0;
  #facts = '';
  #outcomesVersion = -1;
  #actorsVersion = -1;
  #lab = '';
  #crawl = '';
  #localAddresses = '[]';
  #turn = 0;
  #unread = 0;

  /** `behind`: most characters of one update; a longer one disconnects the page. */
  constructor(
    private readonly socket: WebSocket,
    private readonly behind: number,
    onRequest: (request: Request) => void,
  ) {
    socket.on('message', (data: Buffer) => {
      const request = requestOf(data.toString());
      if (request) onRequest(request);
    });
  }

  /** The key of the peer whose transcript the page shows; empty for none. */
  get selected(): string {
    return this.#selected;
  }

  /** Sets the content of the first update. */
  begin(start: FeedStart, keys: Iterable<string>, changes: readonly StateChange[]): void {
    this.#start = start;
    this.#changes = [...changes];
    for (const key of keys) this.#urgent.add(key);
  }

  select(key: string): void {
    this.#selected = key;
    this.#nextEntry = 0;
    this.#facts = '';
  }

  /** Marks a row as changed; `atOnce`: it is sent with the next update. */
  markRow(key: string, atOnce: boolean): void {
    (atOnce ? this.#urgent : this.#changed).add(key);
  }

  removeRow(key: string): void {
    this.#urgent.delete(key);
    this.#changed.delete(key);
    this.#gone.push(key);
  }

  addChange(change: StateChange): void {
    if (this.#changes.length < CHANGES) this.#changes.push(change);
    else this.#missed += 1;
  }

  disconnect(): void {
    this.socket.terminate();
  }

  /** Sends the next update, unless the page has not read the previous one. */
  tick(source: UpdateSource): void {
    if (this.socket.readyState !== OPEN) return;
    if (this.socket.bufferedAmount > 0) return this.#wait();
    this.#unread = 0;
    this.#turn += 1;
    const update = this.#update(source);
    if (update) this.#send(JSON.stringify(update));
  }

  #wait(): void {
    this.#unread += 1;
    if (this.#unread > MAX_UNREAD) this.disconnect();
  }

  #send(text: string): void {
    if (text.length > this.behind) return this.disconnect();
    this.socket.send(text);
  }

  #update(source: UpdateSource): Update | undefined {
    const [gone, changes, missed] = [this.#gone, this.#changes, this.#missed];
    const rows = this.#rows(source);
    const parts = this.#parts(source);
    if (gone.length + changes.length + rows.length + Object.keys(parts).length === 0) return undefined;
    this.#start = undefined;
    this.#gone = [];
    this.#changes = [];
    this.#missed = 0;
    return { at: source.at, rows, gone, changes, missed, ...parts };
  }

  #parts(source: UpdateSource): Partial<Update> {
    const outcomes = this.#outcomesOf(source);
    const transcript = this.#transcriptOf(source);
    const lab = this.#labOf(source);
    const actors = this.#actorsOf(source);
    const crawl = this.#crawlOf(source);
    const localAddresses = this.#localAddressesOf(source);
    return {
      ...(this.#start && { start: this.#start }),
      ...(outcomes && { outcomes }),
      ...(transcript && { transcript }),
      ...(lab && { lab }),
      ...(actors && { actors }),
      ...(crawl && { crawl }),
      ...(localAddresses && { localAddresses }),
    };
  }

  #rows({ rowOf }: UpdateSource): Row[] {
    if (this.#turn % ROW_REFRESH === 0) this.#refresh();
    const rows: Row[] = [];
    for (const key of this.#urgent) {
      if (rows.length >= ROWS) break;
      this.#urgent.delete(key);
      const row = rowOf(key);
      if (row) rows.push(row);
    }
    return rows;
  }

  #refresh(): void {
    for (const key of [...this.visible, ...this.#changed]) this.#urgent.add(key);
    this.#changed.clear();
  }

  #outcomesOf({ outcomeCounts }: UpdateSource): OutcomeCounts | undefined {
    if (outcomeCounts.version === this.#outcomesVersion) return undefined;
    this.#outcomesVersion = outcomeCounts.version;
    return outcomeCounts.read();
  }

  #actorsOf({ actors }: UpdateSource): ActorStates | undefined {
    const isDue = this.#actorsVersion < 0 || this.#turn % SLOW_REFRESH === 0;
    if (!isDue || actors.version === this.#actorsVersion) return undefined;
    this.#actorsVersion = actors.version;
    return actors.read();
  }

  /** The facts change continuously, so they are sent with new entries, and otherwise at most twice a second. */
  #transcriptOf({ transcriptOf }: UpdateSource): Transcript | undefined {
    if (this.#selected === '') return undefined;
    const transcript = transcriptOf(this.#selected, this.#nextEntry);
    const last = transcript?.entries.at(-1);
    if (!transcript || (!last && this.#turn % SLOW_REFRESH !== 0)) return undefined;
    if (last) this.#nextEntry = last.n + 1;
    const facts = JSON.stringify([transcript.facts, transcript.pings.length]);
    if (!last && facts === this.#facts) return undefined;
    this.#facts = facts;
    return transcript;
  }

  #crawlOf(source: UpdateSource): CrawlReport | undefined {
    const report = this.#turn % SLOW_REFRESH === 1 ? source.crawl() : undefined;
    const text = report ? JSON.stringify(report) : this.#crawl;
    if (text === this.#crawl) return undefined;
    this.#crawl = text;
    return report;
  }

  #localAddressesOf(source: UpdateSource): readonly LocalAddress[] | undefined {
    if (this.#turn % ROW_REFRESH !== 1) return undefined;
    const addresses = source.localAddresses();
    const text = JSON.stringify(addresses);
    if (text === this.#localAddresses) return undefined;
    this.#localAddresses = text;
    return addresses;
  }

  #labOf(source: UpdateSource): LabState | undefined {
    const report = source.lab();
    if (!report || this.#turn % 2 !== 0) return undefined;
    const text = JSON.stringify(report);
    if (text === this.#lab) return undefined;
    this.#lab = text;
    return report;
  }
}
