/**
 * Records the inputs and effects of one node, as its observer and as its `Env`.
 *
 * While the node handles an input, both of its clocks are stopped, so a replay needs only one time per turn.
 */
import {
  type Clock,
  type DialHandler,
  type Endpoint,
  type Env,
  type Link,
  type LinkHandler,
  LinkWrapper,
  type Listener,
  type Lookup,
  type Net,
} from '../net/index.js';
import { type LinkCode, type NodeEvents, type NodeObserver, VerackError } from '../index.js';
import { hexOf } from '../wire/index.js';
import type { Effect, Input } from './recording-format.js';

/** Where the recorder writes lines. */
export interface Sink {
  /** Whether lines are still accepted. */
  readonly isOpen: boolean;
  /** Writes the lines of one complete turn. */
  take(lines: readonly string[]): void;
}

/** Events that are not recorded: the recording contains their facts as bytes or inputs, or they occur before an input (lookups of the source). */
const UNRECORDED: ReadonlySet<keyof NodeEvents> = new Set(['message', 'listening', 'unroutable']);

/** Wraps the environment of a node, and passes everything on to the wrapped one. */
export class Recorder implements NodeObserver, Env {
  readonly clock: Clock;
  readonly net: Net;
  readonly #timers = new Map<number, unknown>();
  #lines: string[] = [];
  #depth = 0;
  #now = 0;
  #wall = 0;
  #armed = 0;
  #links = 0;
  #lookups = 0;
  #listeners = 0;

  /** `number`: the number of the node in the recording, from 1. */
  constructor(
    private readonly inner: Env,
    private readonly sink: Sink,
    private readonly number: number,
  ) {
    this.clock = {
      now: () => (this.#depth > 0 ? this.#now : inner.clock.now()),
      wall: () => (this.#depth > 0 ? this.#wall : inner.clock.wall()),
      setTimeout: (fn, ms) => this.#arm(fn, ms),
      clearTimeout: (timer) => this.#disarm(timer as number),
      ...(inner.clock.cpu && { cpu: () => this.#cpu() }),
    };
    this.net = {
      dial: (to, handler) => this.#dial(to, handler),
      listen: (to, accepted) => this.#listen(to, accepted),
    };
  }

  #cpu(): number {
    const ms = this.inner.clock.cpu?.() ?? 0;
    this.note({ out: 'cpu', ms });
    return ms;
  }

  readonly random = (count: number): Uint8Array => {
    const bytes = this.inner.random(count);
    this.note({ out: 'draw', bytes: hexOf(bytes) });
    return bytes;
  };

  readonly lookup: Lookup = (name, handler) => {
    const lookup = ++this.#lookups;
    this.note({ out: 'lookup', lookup, name });
    const cancel = this.inner.lookup(name, {
      found: (hosts) => this.input({ in: 'found', lookup, hosts }, () => handler.found(hosts)),
      failed: (reason) => this.input({ in: 'unfound', lookup, ...reason }, () => handler.failed(reason)),
    });
    return () => {
      this.note({ out: 'cancel', lookup });
      cancel();
    };
  };

  input<T>(input: Input, run: () => T): T {
    if (this.#depth > 0) this.#write(input);
    else this.#begin(input);
    this.#depth++;
    try {
      return run();
    } finally {
      if (--this.#depth === 0) this.#flush();
    }
  }

  emit(event: keyof NodeEvents, payload: object, run: () => boolean): boolean {
    if (!UNRECORDED.has(event)) this.note(eventEffect(event, payload));
    return run();
  }

  /** Records an effect of the node. */
  note(effect: Effect): void {
    this.#write(effect);
    if (this.#depth === 0) this.#flush();
  }

  /** Records received bytes. They are converted to hex only while the sink is open. */
  data(link: number, chunk: Uint8Array, run: () => void): void {
    this.input({ in: 'data', link, bytes: this.sink.isOpen ? hexOf(chunk) : '' }, run);
  }

  /** Records written bytes, in the same way. */
  write(link: number, frames: readonly Uint8Array[]): void {
    if (this.sink.isOpen) this.note({ out: 'write', link, bytes: hexOf(Buffer.concat(frames)) });
  }

  /** Whether the node is handling an input. */
  get isBusy(): boolean {
    return this.#depth > 0;
  }

  #begin(input: Input): void {
    this.#now = this.inner.clock.now();
    this.#wall = this.inner.clock.wall();
    this.#write({ node: this.number, at: this.#now, wall: this.#wall, ...input });
  }

  #write(line: object): void {
    if (this.sink.isOpen) this.#lines.push(JSON.stringify(line));
  }

  #flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.sink.take(lines);
  }

  #arm(fn: () => void, ms: number): number {
    const timer = ++this.#armed;
    this.note({ out: 'arm', timer, ms });
    const handle = this.inner.clock.setTimeout(() => {
      this.#timers.delete(timer);
      this.input({ in: 'timer', timer }, fn);
    }, ms);
    this.#timers.set(timer, handle);
    return timer;
  }

  #disarm(timer: number): void {
    if (!this.#timers.has(timer)) return;
    this.note({ out: 'disarm', timer });
    this.inner.clock.clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }

  #dial(to: Endpoint, handler: DialHandler): () => void {
    const link = ++this.#links;
    this.note({ out: 'dial', ...at(to), link });
    const giveUp = this.inner.net.dial(to, {
      opened: (opened) =>
        this.#open({ in: 'opened', link, ...ends(opened) }, opened, (observed) => handler.opened(observed)),
      failed: (code, facts) =>
        this.input({ in: 'failed', link, code, facts }, () => handler.failed(code, facts)),
    });
    return () => {
      this.note({ out: 'giveup', link });
      giveUp();
    };
  }

  #open(input: Input & { readonly link: number }, link: Link, opened: (link: Link) => void): void {
    this.input(input, () => opened(new RecordedLink(link, input.link, this)));
  }

  async #listen(to: Endpoint, accepted: (link: Link) => void): Promise<Listener> {
    const listener = ++this.#listeners;
    this.note({ out: 'listen', listener, ...at(to) });
    try {
      const opened = await this.inner.net.listen(to, (link) =>
        this.#open({ in: 'accepted', listener, link: ++this.#links, ...ends(link) }, link, accepted),
      );
      this.input({ in: 'listening', listener, local: at(opened.local) }, () => undefined);
      return { local: opened.local, close: () => this.#unlisten(listener, () => opened.close()) };
    } catch (error) {
      const facts = error instanceof VerackError ? error.facts : {};
      this.input({ in: 'listenfailed', listener, facts }, () => undefined);
      throw error;
    }
  }

  /** Not recorded outside of a turn, where it has no effect on the node. */
  #unlisten(listener: number, close: () => Promise<void>): Promise<void> {
    if (this.#depth > 0) this.note({ out: 'unlisten', listener });
    return close();
  }
}

const at = ({ host, port }: Endpoint): Endpoint => ({ host, port });
const ends = ({ local, remote }: Link) => ({ local: at(local), remote: at(remote) });

/** The recorded form of a node event; a payload that is a `PeerInfo` becomes the field `peer`. */
export const eventEffect = (event: keyof NodeEvents, payload: object): Effect =>
  'conntime' in payload ? { out: event, peer: payload } : { out: event, ...payload };

class RecordedLink extends LinkWrapper implements LinkHandler {
  #pending = 0;

  constructor(
    inner: Link,
    private readonly number: number,
    private readonly recorder: Recorder,
  ) {
    super(inner);
  }

  /** A read is recorded if the value has changed since the last one, and only within a turn. */
  override get pending(): number {
    const { pending } = this.inner;
    if (pending === this.#pending || !this.recorder.isBusy) return pending;
    this.#pending = pending;
    this.recorder.note({ out: 'pending', link: this.number, size: pending });
    return pending;
  }

  override attach(handler: LinkHandler): void {
    this.#note('attach');
    super.attach(handler);
  }

  override write(frames: readonly Uint8Array[]): void {
    this.recorder.write(this.number, frames);
    super.write(frames);
  }

  override pause(): void {
    this.#note('pause');
    super.pause();
  }

  override resume(): void {
    this.#note('resume');
    super.resume();
  }

  override rest(): void {
    this.#note('rest');
    super.rest();
  }

  override end(): void {
    this.#note('end');
    super.end();
  }

  override destroy(): void {
    this.#note('destroy');
    super.destroy();
  }

  override data(chunk: Uint8Array): void {
    this.recorder.data(this.number, chunk, () => super.data(chunk));
  }

  override closed(code: LinkCode): void {
    this.recorder.input({ in: 'closed', link: this.number, code }, () => super.closed(code));
  }

  override drained(): void {
    this.recorder.input({ in: 'drained', link: this.number }, () => super.drained());
  }

  #note(out: string): void {
    this.recorder.note({ out, link: this.number });
  }
}
