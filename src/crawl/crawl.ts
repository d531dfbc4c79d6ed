/**
 * A running crawl: executes the effects of the crawl machine with a frontier, contacts and a file.
 *
 *   const crawl = await Crawl.open(options);
 *   const summary = await crawl.run();
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type ActorRefFrom, createActor, toPromise } from 'xstate';
import { crawlMachine } from '../../machines/index.js';
import { VerackError } from '../index.js';
import { hasServices, servicesOf } from '../wire/index.js';
import type { ContactReport } from './contact.js';
import { EventWriter } from './event-file.js';
import { type AttemptEvent, type CrawlFileEvent, FORMAT_VERSION, type ReplyEvent } from './events.js';
import { endpointOf } from './addr-text.js';
import { type CrawlCounts, mostFrequent } from './counts.js';
import { Frontier } from './frontier.js';
import { type KnownAddress, originOf } from './known-address.js';
import type { CrawlOptions } from './options.js';
import { networkLookup, type Progress, Replay, resumeFrom } from './resume.js';
import { Snapshot } from './snapshot.js';
import { type CrawlSummary, summaryOf, writeManifest } from './summary.js';

/** The status of a crawl. */
export interface CrawlStatus {
  /** The state of the crawl machine. */
  readonly state: string;
  readonly round: number;
  /** Number of crawls so far, including this one. */
  readonly crawls: number;
  /** Number of addresses that were contacted. */
  readonly attempted: number;
  /** Number of addresses that answered. */
  readonly reachable: number;
  /** Number of open contacts. */
  readonly active: number;
  /** Number of addresses that wait for a contact. */
  readonly queued: number;
  /** Number of known addresses. */
  readonly known: number;
}

/** The status of a crawl with its counts. */
export interface CrawlReport
  extends CrawlStatus, Pick<CrawlCounts, 'outcomes' | 'networks' | 'transports' | 'versions' | 'curve'> {}

/** Number of user agents in a report: the most frequent ones. */
const SHOWN_VERSIONS = 20;

const P2P_V2 = servicesOf('P2P_V2');

/** Most attempts at a contact that this computer could not make, for example for lack of sockets. */
const LOCAL_TRIES = 10;
/** Smallest limit of open contacts, to which failures of this computer can reduce it. */
const MIN_PARALLEL = 8;

export class Crawl {
  readonly actor: ActorRefFrom<typeof crawlMachine>;
  #frontier: Frontier;
  #snapshot: Snapshot;
  #before: Snapshot | undefined;
  readonly #writer: EventWriter | undefined;
  #progress: Progress | undefined;
  #id = '';
  #round = 1;
  #repeats: readonly string[] = [];
  #localTries = new Map<string, number>();
  /** Most open contacts: less than `parallel` after this computer failed to make some. */
  #limit: number;
  #startedat: number;
  #summary: CrawlSummary | undefined;
  #failure: unknown;
  readonly #networkOf: (addr: string) => string;

  /**
   * Opens the output file; with `resume`, reads the results in it.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` or `ERR_LOCAL_LIMIT` when the output file cannot be used, `ERR_LOCAL_CANCELLED` when
   * interrupted
   */
  static async open(options: CrawlOptions, interrupted?: AbortSignal): Promise<Crawl> {
    const networkOf = networkLookup();
    const frontier = new Frontier(options);
    const snapshot = new Snapshot(networkOf, options.maxAddresses);
    const replay = new Replay(() => frontier, snapshot);
    return new Crawl(options, {
      networkOf,
      frontier,
      snapshot,
      ...(await openFile(options, replay, interrupted)),
    });
  }

  private constructor(
    private readonly options: CrawlOptions,
    opened: OpenedCrawl,
  ) {
    const { clock, rounds, roundDelay, cancelTimeout, every } = options;
    this.#networkOf = opened.networkOf;
    this.#frontier = opened.frontier;
    this.#snapshot = opened.snapshot;
    this.#writer = opened.writer;
    this.#progress = opened.progress;
    this.#before = options.before;
    this.#startedat = clock.now();
    this.#limit = options.parallel;
    const machine = crawlMachine.provide({
      actions: {
        'effect.seed': ({ context }) => void this.#seed(context.crawls),
        'effect.beginRound': ({ context }) => this.#attempt(() => this.#beginRound(context.round)),
        'effect.fill': () => this.#attempt(() => this.#fill()),
        'effect.cancel': () => options.contacts.cancel(),
        'effect.finish': ({ context }) => this.#attempt(() => this.#finish(context.end)),
      },
    });
    const round = this.#progress?.round?.round ?? 1;
    const input = { rounds, roundDelay, cancelTimeout, every, round };
    this.actor = createActor(machine, { id: 'crawl', input, clock });
  }

  get status(): CrawlStatus {
    const { value: state, context } = this.actor.getSnapshot();
    const { round, crawls } = context;
    const { active, queued, size } = this.#frontier;
    const [attempted, reachable] = [this.#snapshot.nodes.size, this.#snapshot.reachable];
    return { state, round, crawls, attempted, reachable, active, queued, known: size };
  }

  /** The status with all counts, for a page or metrics. */
  get report(): CrawlReport {
    const { outcomes, networks, transports, versions, curve } = this.#snapshot.counts;
    const agents = Object.fromEntries(mostFrequent(versions, SHOWN_VERSIONS));
    return { ...this.status, outcomes, networks, transports, versions: agents, curve };
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Runs the crawl to its end. Rejects with the error of a failed effect, for example when the file cannot be written. */
  async run(signal?: AbortSignal): Promise<CrawlSummary> {
    const stop = (): void => this.stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (!this.#isNothingLeft()) {
        this.actor.start();
        if (signal?.aborted) this.stop();
        await toPromise(this.actor);
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      await this.options.contacts.stop();
    }
    this.#writer?.close();
    // An error inside an effect is thrown here, because XState would not report it to the caller.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (this.#failure !== undefined) throw this.#failure;
    return this.#summary ?? this.#summarize('complete');
  }

  /** Interrupts the crawl. The results so far are kept. */
  stop(): void {
    if (!this.#isOver()) this.actor.send({ type: 'user.stop' });
  }

  #isOver(): boolean {
    return this.actor.getSnapshot().status !== 'active';
  }

  #isNothingLeft(): boolean {
    return this.#progress?.isComplete === true && this.options.every === 0;
  }

  /** Executes an effect. An error ends the crawl, and is thrown by {@link run}. */
  #attempt(effect: () => void): void {
    try {
      effect();
    } catch (error) {
      this.#failure ??= error;
      this.options.contacts.cancel();
      queueMicrotask(() => this.stop());
    }
  }

  async #seed(crawls: number): Promise<void> {
    const isResumed = this.#progress !== undefined && !this.#progress.isComplete;
    try {
      this.#renew(crawls, isResumed);
      const hasSeeds = isResumed && this.#frontier.size > 0;
      const seeds = hasSeeds ? [] : await this.options.seeds();
      this.#attempt(() => {
        for (const seed of seeds) this.#write([{ event: 'seed', t: this.#wall, ...seed }]);
        for (const seed of seeds) this.#frontier.add(seed.addr, originOf(seed));
      });
    } catch (error) {
      this.#failure ??= error;
      this.stop();
    }
    if (!this.#isOver()) this.actor.send({ type: 'frontier.seeded' });
  }

  /** Starts a new crawl with empty data. The previous crawl is kept to compute churn. */
  #renew(crawls: number, isResumed: boolean): void {
    if (crawls > 1) {
      this.#before = this.#snapshot;
      this.#snapshot = new Snapshot(this.#networkOf, this.options.maxAddresses);
      this.#frontier = new Frontier(this.options);
      this.#progress = undefined;
      this.#repeats = [];
      this.#startedat = this.options.clock.now();
    }
    const resumed = isResumed && crawls === 1;
    const before = resumed ? this.#progress?.begin?.crawl : undefined;
    this.#id = before ?? randomBytes(8).toString('hex');
    this.#write([this.#beginEvent(resumed)]);
  }

  #beginEvent(resumed: boolean): CrawlFileEvent {
    const { chain, vantage, agent, parallel, perNetgroup, rounds, sample } = this.options;
    const { networks, allowUnroutable, anyPort, maxAddresses, v2transport } = this.options;
    return {
      event: 'begin',
      t: this.#wall,
      format: FORMAT_VERSION,
      resumed,
      chain: chain.name,
      crawl: this.#id,
      vantage,
      agent,
      options: {
        parallel,
        perNetgroup,
        rounds,
        sample,
        networks,
        allowUnroutable,
        anyPort,
        maxAddresses,
        v2transport,
      },
    };
  }

  get #wall(): number {
    return Math.floor(this.options.clock.wall());
  }

  #write(events: readonly CrawlFileEvent[]): void {
    this.#writer?.write(events);
    for (const event of events) {
      this.#snapshot.apply(event);
      this.options.observe?.(event);
    }
  }

  #beginRound(round: number): void {
    this.#round = round;
    const before = this.#progress?.round?.round === round ? this.#progress : undefined;
    this.#progress = undefined;
    if (before) this.#repeats = before.round?.repeats ?? [];
    else {
      if (round === 2) this.#repeats = this.#draw();
      this.#write([{ event: 'round', t: this.#wall, round, repeats: this.#repeats }]);
    }
    for (const addr of this.#repeats) {
      if (!before?.contacted.has(addr)) this.#frontier.requeue(addr);
    }
    this.#frontier.settle();
    this.#report('frontier.filled');
  }

  /** The addresses that are contacted again: a random sample of those that answered, and one of those that did not. */
  #draw(): string[] {
    const nodes = [...this.#snapshot.nodes.values()].filter(({ last }) => last.outcome !== 'local');
    const kinds = [true, false].map((wanted) => nodes.filter(({ last }) => isAnswered(last) === wanted));
    return kinds.flatMap((kind) => this.#sampled(kind.map(({ addr }) => addr)));
  }

  /** A random sample: the first steps of a Fisher–Yates shuffle. */
  #sampled(addrs: string[]): string[] {
    const count = Math.min(this.options.sample, addrs.length);
    for (let at = 0; at < count; at++) {
      const fraction = Buffer.from(this.options.random(4)).readUInt32LE(0) / 2 ** 32;
      const other = at + Math.floor(fraction * (addrs.length - at));
      [addrs[at], addrs[other]] = [addrs[other]!, addrs[at]!];
    }
    return addrs.slice(0, count);
  }

  #report(type: 'frontier.filled' | 'contact.ended'): void {
    const { queued, active } = this.#frontier;
    if (this.#isOver()) return;
    this.actor.send({ type, queued, active });
  }

  #fill(): void {
    if (this.#failure !== undefined) return;
    this.#beginMany();
    this.#frontier.settle();
    if (this.#frontier.active === 0) this.#beginMany();
    this.#report('frontier.filled');
  }

  #beginMany(): void {
    while (this.#frontier.active < this.#limit) {
      const next = this.#frontier.take();
      if (!next) return;
      this.#begin(next);
    }
  }

  #begin(known: KnownAddress): void {
    const { addr } = known;
    const services = known.services?.padStart(16, '0');
    const v2 = this.options.v2transport && services !== undefined && hasServices(services, P2P_V2);
    const round = this.#round;
    this.options.contacts.begin({ crawl: this.#id, addr, ...endpointOf(addr), round, v2 }, (report) => {
      this.#attempt(() => this.#ended(known, report, services));
      this.#report('contact.ended');
    });
  }

  #ended(known: KnownAddress, report: ContactReport | undefined, gossip: string | undefined): void {
    if (!report || this.#mayTryAgain(known, report)) return this.#frontier.giveBack(known.addr);
    const { addr, distance, network, sourceName: source } = known;
    const { round, vantage } = report;
    const replies = report.replies.map((reply): ReplyEvent => ({
      event: 'reply',
      addr,
      round,
      vantage,
      ...reply,
    }));
    this.#write([...replies, attemptOf(report, { network, distance }, gossip)]);
    for (const { addresses } of report.replies) {
      for (const [each, , services] of addresses)
        this.#frontier.add(each, { source, distance: distance + 1, services });
    }
    this.#frontier.finish(addr, report.outcome === 'reachable');
  }

  /** A failure of this computer says nothing about the address: the limit of open contacts is reduced, and the contact is repeated. */
  #mayTryAgain({ addr }: KnownAddress, { outcome }: ContactReport): boolean {
    if (outcome !== 'local') {
      this.#limit = Math.min(this.options.parallel, this.#limit + 1);
      return false;
    }
    this.#limit = Math.max(MIN_PARALLEL, Math.floor(this.#frontier.active * 0.75));
    const tries = (this.#localTries.get(addr) ?? 0) + 1;
    this.#localTries.set(addr, tries);
    return tries < LOCAL_TRIES;
  }

  #summarize(completeness: 'complete' | 'interrupted'): CrawlSummary {
    const seconds = (this.options.clock.now() - this.#startedat) / 1_000;
    return summaryOf(this.#snapshot, this.#frontier, { completeness, seconds, before: this.#before });
  }

  #finish(completeness: 'complete' | 'interrupted'): void {
    this.#summary = this.#summarize(completeness);
    const { attempted, reachable, known } = this.#summary;
    const counts = { attempted, reachable, known, ...this.#summary.skipped };
    this.#write([{ event: 'end', t: this.#wall, completeness, counts }]);
    if (this.#writer && this.options.output !== undefined)
      writeManifest(this.options.output, this.#writer.state, this.#snapshot, this.#summary);
  }
}

/** The output file of a crawl, and the progress in it. */
interface OpenedFile {
  readonly writer?: EventWriter;
  readonly progress?: Progress;
}

/** What a crawl begins with: nothing, or the results in the file that it resumes. */
interface OpenedCrawl extends OpenedFile {
  readonly networkOf: (addr: string) => string;
  readonly frontier: Frontier;
  readonly snapshot: Snapshot;
}

async function openFile(
  { output: file, resume, chain }: CrawlOptions,
  replay: Replay,
  interrupted?: AbortSignal,
): Promise<OpenedFile> {
  if (file === undefined) return {};
  // With `resume` too: a crawl that never began is begun.
  if (!existsSync(file)) return { writer: new EventWriter(file) };
  if (!resume)
    throw new VerackError('ERR_LOCAL_ARGUMENT', {
      value: file,
      why: 'it exists already; --resume continues it',
    });
  const progress = await resumeFrom(file, chain.name, replay, interrupted);
  return { progress, writer: new EventWriter(file, progress.file) };
}

const isAnswered = ({ outcome }: Pick<AttemptEvent, 'outcome'>): boolean => outcome === 'reachable';

function attemptOf(
  { replies, dropped, ...report }: ContactReport,
  place: Pick<AttemptEvent, 'network' | 'distance'>,
  gossip: string | undefined,
): AttemptEvent {
  return {
    event: 'attempt',
    ...report,
    ...place,
    ...(gossip !== undefined && { gossip_services: gossip }),
    replies: replies.length,
    replies_dropped: dropped,
  };
}
