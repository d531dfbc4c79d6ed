/**
 * Replays one recorded node: a real node in a recorded environment. Each of its effects is compared with the recorded one.
 * An effect that differs is a {@link Difference}; after an effect of another kind, the rest is not replayed.
 */
import {
  type Clock,
  type DialHandler,
  type Endpoint,
  type Env,
  type Link,
  type LinkHandler,
  type Listener,
  type Lookup,
  type LookupHandler,
  type Net,
  netWithFault,
  type SeedAddress,
} from '../net/index.js';
import {
  type BitcoinNode,
  type CandidateSource,
  createNode,
  listenCodeOf,
  type NodeEvents,
  type NodeObserver,
  type NodeOptions,
  type Peer,
  VerackError,
} from '../index.js';
import { type Difference, difference, shown } from './replay-difference.js';
import { type Effect, faultsOf, type Input, nodeOptions, type RecordedOptions } from './recording-format.js';
import type { Line, Turn } from './recording-reader.js';
import { eventEffect } from './recorder.js';

/** The input with a given name. */
export type InputOf<N extends Input['in']> = Extract<Input, { in: N }>;

export class Replay implements NodeObserver, Env {
  readonly node: BitcoinNode;
  readonly clock: Clock;
  readonly net: Net;
  /** True once an effect of another kind than the recorded one has occurred: nothing more is replayed. */
  hasDiverged = false;
  #entries: readonly Line[] = [];
  #next = 0;
  #isWhole = true;
  #now = 0;
  #wall = 0;
  #armed = 0;
  #links = 0;
  #lookups = 0;
  #listeners = 0;
  #dials = 0;
  readonly #looking = new Map<number, LookupHandler>();
  readonly #timers = new Map<number, () => void>();
  readonly #dialled = new Map<number, DialHandler>();
  readonly #open = new Map<number, ReplayedLink>();
  readonly #accepting = new Map<number, (link: Link) => void>();
  readonly #opening = new Map<number, { done: (listener: Listener) => void; failed: (e: Error) => void }>();
  readonly #peers = new Map<number, Peer>();
  #sourceAnswers: ((addresses: readonly SeedAddress[]) => void) | undefined;
  #feelerAnswers: ((address: Endpoint | undefined) => void) | undefined;
  /** The source of automatic connections, which returns the recorded answers. */
  readonly #source: CandidateSource = {
    find: () => new Promise((resolve) => (this.#sourceAnswers = resolve)),
    findFeeler: () => new Promise((resolve) => (this.#feelerAnswers = resolve)),
  };

  /**
   * Creates the node, which may have effects at once: `first` is its first turn, which must be passed to {@link Replay.play}
   * next. `extra` are further options for `createNode`. Throws `ERR_LOCAL_ARGUMENT` for invalid options.
   */
  constructor(
    first: Turn,
    options: RecordedOptions,
    private readonly differs: (difference: Difference) => void,
    extra: Pick<NodeOptions, 'inspect' | 'compiled'> = {},
  ) {
    this.#begin(first);
    // The first line is the input `node`, which has been handled by now.
    this.#next = 1;
    this.clock = {
      now: () => this.#now,
      wall: () => this.#wall,
      setTimeout: (fn, ms) => this.#arm(fn, ms),
      clearTimeout: (timer) => this.#disarm(timer as number),
      cpu: () => this.#cpu(),
    };
    this.net = {
      dial: (to, handler) => this.#dial(to, handler),
      listen: (to, each) => this.#listen(to, each),
    };
    const net = netWithFault(this.net, faultsOf(options), this.clock);
    const parts = {
      clock: this.clock,
      random: this.random,
      lookup: this.lookup,
      net,
      observer: this,
      ...extra,
    };
    this.node = createNode({ ...nodeOptions(options, this.#source), ...parts });
  }

  /** Replays a turn. Resolves when the node has handled it. */
  async play(turn: Turn): Promise<void> {
    if (this.hasDiverged) return;
    const { lines } = turn;
    const [first] = lines;
    // The constructor has handled the input of the first turn.
    if (first && first.entry.in !== 'node') {
      this.#begin(turn);
      await this.#start(first.entry);
    }
    // Messages from the address book are not caused by an event of the node.
    this.#performNested();
    const left = this.#head;
    if (left && !this.hasDiverged) this.#diverge(left, undefined);
    // The code after an opened listener runs in a promise.
    if (lines.some(({ entry }) => entry.in === 'listening' || entry.in === 'listenfailed'))
      await promisesDone();
  }

  /** Gives the node the input of the turn. The source answers with promises, so these are awaited. */
  async #start(entry: Line['entry']): Promise<void> {
    if (entry.in === 'candidates') this.#sourceAnswers?.((entry as InputOf<'candidates'>).addresses);
    else if (entry.in === 'feeler') this.#feelerAnswers?.((entry as InputOf<'feeler'>).addresses[0]);
    else return this.#perform();
    await promisesDone();
  }

  #begin({ at, wall, lines, isWhole }: Turn): void {
    this.#entries = lines;
    this.#next = 0;
    this.#isWhole = isWhole;
    this.#now = at;
    this.#wall = wall;
  }

  readonly random = (count: number): Uint8Array => {
    const found = this.#expect(
      { out: 'draw', bytes: '00'.repeat(count) },
      (line) => bytesOf(line).length === count,
    );
    return found ? bytesOf(found) : new Uint8Array(count);
  };

  readonly lookup: Lookup = (name, handler) => {
    const lookup = ++this.#lookups;
    this.note({ out: 'lookup', lookup, name });
    this.#looking.set(lookup, handler);
    return () => {
      this.note({ out: 'cancel', lookup });
      this.#looking.delete(lookup);
    };
  };

  input<T>(input: Input, run: () => T): T {
    const head = this.#head;
    if (head?.entry.in === input.in) this.#next++;
    else if (!this.hasDiverged) this.#diverge(head, input);
    return run();
  }

  emit(event: keyof NodeEvents, payload: object, run: () => boolean): boolean {
    if (event === 'message' || event === 'listening') return run();
    this.#expect(eventEffect(event, payload));
    const emitted = run();
    // Replays the calls that listeners of the recorded node made in this event.
    this.#performNested();
    return emitted;
  }

  /** Compares an effect of the node with the recorded one. */
  note(effect: Effect): void {
    this.#expect(effect);
  }

  /** The recorded CPU time; 0 in older recordings without it, whose nodes took each late timer for a suspension. */
  #cpu(): number {
    const { out, ms } = this.#head?.entry ?? {};
    if (this.hasDiverged || out !== 'cpu') return 0;
    this.#next++;
    return Number(ms);
  }

  /** The recorded number of pending bytes, if the recorded node read it here and it had changed; otherwise undefined. */
  pendingOf(link: number): number | undefined {
    const { out, link: of, size } = this.#head?.entry ?? {};
    if (this.hasDiverged || out !== 'pending' || of !== link) return undefined;
    this.#next++;
    return Number(size);
  }

  get #head(): Line | undefined {
    return this.#entries[this.#next];
  }

  #expect(effect: Effect, fits: (line: Line) => boolean = () => false): Line | undefined {
    this.#performNested();
    if (this.hasDiverged) return undefined;
    const head = this.#head;
    if (head?.entry.out !== effect.out) return this.#diverge(head, effect);
    this.#next++;
    const found = fits(head) ? undefined : difference(head, effect);
    if (found) this.differs(found);
    return head;
  }

  #performNested(): void {
    while (!this.hasDiverged && this.#head?.entry.in !== undefined) this.#perform();
  }

  #diverge(head: Line | undefined, got: Input | Effect | undefined): undefined {
    this.hasDiverged = true;
    // The recording was cut off here, so the next effect is not known.
    if (!head && !this.#isWhole) return;
    const last = this.#entries.at(-1)?.line ?? 0;
    this.differs({
      line: head?.line ?? last,
      what: 'order',
      recorded: head ? shown(head.entry) : 'the end of the turn',
      got: got ? shown(got) : 'nothing more',
    });
  }

  #perform(): void {
    const head = this.#head;
    if (!head) return;
    const before = this.#next;
    try {
      this.#inputs[head.entry.in as Input['in']](head.entry as never);
    } catch (error) {
      // A VerackError was thrown in the recorded run too; any other error means that no node made this recording.
      if (!(error instanceof VerackError)) this.#diverge(head, { out: 'error', says: String(error) });
    }
    // The input had no effect: there is no such link, timer or peer.
    if (this.#next === before && !this.hasDiverged) this.#diverge(head, undefined);
  }

  /** Handles an input of the environment, unless there is nothing that receives it. */
  #run(input: Input, run: (() => void) | undefined): void {
    if (run) this.input(input, run);
  }

  readonly #inputs: { readonly [N in Input['in']]: (input: InputOf<N>) => void } = {
    node: (input) => this.#run(input, () => undefined),
    dial: ({ to, options }) => {
      const dial = ++this.#dials;
      this.#peers.set(dial, this.node.dial(to, options));
    },
    dialname: ({ name, port, options }) => {
      const dial = ++this.#dials;
      this.#peers.set(dial, this.node.dial(`${name}:${port}`, options));
    },
    // The source answers with a promise, so its answer is always the first input of a turn.
    candidates: () => undefined,
    feeler: () => undefined,
    found: (input) => {
      const handler = this.#looking.get(input.lookup);
      this.#run(input, handler && (() => handler.found(input.hosts)));
    },
    unfound: (input) => {
      const handler = this.#looking.get(input.lookup);
      const { code, facts } = input;
      this.#run(input, handler && (() => handler.failed({ code, facts })));
    },
    closedial: ({ dial }) => this.#peers.get(dial)?.close(),
    listen: (input) => void this.node.listen(input).catch(() => undefined),
    close: ({ id }) => void this.node.close(id),
    send: ({ id, messages }) => {
      const known = messages.map(
        ([name, payload]) => ({ command: 'unknown', name, payload: hexed(payload) }) as const,
      );
      this.node.send(id, ...known);
    },
    stop: () => void this.node.stop(),
    opened: (input) => {
      const handler = this.#dialled.get(input.link);
      this.#dialled.delete(input.link);
      this.#run(input, handler && (() => handler.opened(this.#linkOf(input))));
    },
    failed: (input) => {
      const handler = this.#dialled.get(input.link);
      this.#dialled.delete(input.link);
      this.#run(input, handler && (() => handler.failed(input.code, input.facts)));
    },
    accepted: (input) => {
      const accepted = this.#accepting.get(input.listener);
      this.#links = Math.max(this.#links, input.link);
      this.#run(input, accepted && (() => accepted(this.#linkOf(input))));
    },
    data: (input) => {
      const handler = this.#open.get(input.link)?.handler;
      this.#run(input, handler && (() => handler.data(hexed(input.bytes))));
    },
    closed: (input) => {
      const handler = this.#open.get(input.link)?.handler;
      this.#open.delete(input.link);
      this.#run(input, handler && (() => handler.closed(input.code)));
    },
    drained: (input) => {
      const handler = this.#open.get(input.link)?.handler;
      this.#run(input, handler && (() => handler.drained?.()));
    },
    timer: (input) => {
      const fn = this.#timers.get(input.timer);
      this.#timers.delete(input.timer);
      this.#run(input, fn);
    },
    listening: (input) => {
      const waiting = this.#opening.get(input.listener);
      const { listener, local } = input;
      const close = (): Promise<void> => this.#unlisten(listener);
      this.#run(input, waiting && (() => waiting.done({ local, close })));
    },
    listenfailed: (input) => {
      const waiting = this.#opening.get(input.listener);
      const error = new VerackError(listenCodeOf(String(input.facts.syscode)), input.facts);
      this.#run(input, waiting && (() => waiting.failed(error)));
    },
  };

  #linkOf({ link, local, remote }: InputOf<'opened' | 'accepted'>): Link {
    const made = new ReplayedLink(local, remote, link, this);
    this.#open.set(link, made);
    return made;
  }

  /** Removes a link that the node has closed. */
  forget(link: number): void {
    this.#open.delete(link);
  }

  #arm(fn: () => void, ms: number): number {
    const timer = ++this.#armed;
    this.note({ out: 'arm', timer, ms });
    this.#timers.set(timer, fn);
    return timer;
  }

  #disarm(timer: number): void {
    if (this.#timers.delete(timer)) this.note({ out: 'disarm', timer });
  }

  #dial(to: Endpoint, handler: DialHandler): () => void {
    const link = ++this.#links;
    this.note({ out: 'dial', host: to.host, port: to.port, link });
    this.#dialled.set(link, handler);
    return () => {
      this.note({ out: 'giveup', link });
      this.#dialled.delete(link);
    };
  }

  #listen({ host, port }: Endpoint, accepted: (link: Link) => void): Promise<Listener> {
    const listener = ++this.#listeners;
    this.note({ out: 'listen', listener, host, port });
    this.#accepting.set(listener, accepted);
    return new Promise((done, failed) => this.#opening.set(listener, { done, failed }));
  }

  #unlisten(listener: number): Promise<void> {
    this.note({ out: 'unlisten', listener });
    return Promise.resolve();
  }
}

/** Resolves when the callbacks of all settled promises have run. */
const promisesDone = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const hexed = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const bytesOf = ({ entry }: Line): Uint8Array => hexed(String(entry.bytes));

class ReplayedLink implements Link {
  handler: LinkHandler | undefined;
  #pending = 0;

  constructor(
    readonly local: Endpoint,
    readonly remote: Endpoint,
    private readonly number: number,
    private readonly replay: Replay,
  ) {}

  attach(handler: LinkHandler): void {
    this.handler = handler;
    this.#note('attach');
  }

  write(frames: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(frames).toString('hex');
    this.replay.note({ out: 'write', link: this.number, bytes });
  }

  get pending(): number {
    return (this.#pending = this.replay.pendingOf(this.number) ?? this.#pending);
  }

  pause(): void {
    this.#note('pause');
  }

  resume(): void {
    this.#note('resume');
  }

  rest(): void {
    this.#note('rest');
  }

  end(): void {
    this.#note('end');
    this.replay.forget(this.number);
  }

  destroy(): void {
    this.#note('destroy');
    this.replay.forget(this.number);
  }

  #note(out: string): void {
    this.replay.note({ out, link: this.number });
  }
}
