/** One run of one case: its connections, its listener, the captured payloads, and the clock that limits every wait. */
import { type Clock, formatEndpoint, type Link, type Listener, type Net } from '../net/index.js';
import { type Chain, REASONS } from '../index.js';
import { AnswerTimes } from './answer-times.js';
import type { Reference } from './message-bytes.js';
import type { Case } from './case.js';
import { TranscriptRecorder } from './transcript.js';
import { Deviation, CannotRun } from './deviation.js';
import { TesterConnection } from './tester-connection.js';
import type { NodeInfo, NodeUnderTest } from './node-under-test.js';

/** What all cases of a run use. */
export interface CaseEnvironment {
  readonly subject: NodeUnderTest;
  readonly chain: Chain;
  readonly clock: Clock;
  /** What the node announced; absent during the probe before the run. */
  readonly nodeinfo?: NodeInfo;
  /** Shared by the cases of a run; by default each case has its own. */
  readonly answers?: AnswerTimes;
  /** Awaited before each connection, for the pauses of the polite mode. */
  readonly pause?: () => Promise<void>;
}

const CONNECT_MS = 5_000;

/** The state of one run. */
export class CaseRun implements Reference {
  readonly captured = new Map<string, Uint8Array>();
  readonly transcript: TranscriptRecorder;
  readonly answers: AnswerTimes;
  readonly #connections = new Map<string, TesterConnection>();
  readonly #accepted: Link[] = [];
  readonly #net: Net;
  #listener: Listener | undefined;
  #onAccepted: (() => void) | undefined;

  constructor(
    readonly it: Case,
    readonly environment: CaseEnvironment,
  ) {
    this.transcript = new TranscriptRecorder(() => this.now);
    this.answers = environment.answers ?? new AnswerTimes();
    this.#net = this.subject.netOfCase?.() ?? this.subject.net;
  }

  get chain(): Chain {
    return this.environment.chain;
  }

  get subject(): NodeUnderTest {
    return this.environment.subject;
  }

  get clock(): Clock {
    return this.environment.clock;
  }

  get now(): number {
    return this.clock.now();
  }

  /** The connection with this name; `A` for a step that names none. */
  connection(name = 'A'): TesterConnection {
    const connection = this.#connections.get(name);
    if (!connection) throw new CannotRun(`no connection ${name} is open at this step`);
    return connection;
  }

  /** The local endpoints of the tester's connections, as the node sees them. */
  get addresses(): readonly string[] {
    return [...this.#connections.values()].map(({ link }) => formatEndpoint(link.local));
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms));
  }

  /** Dials the node under test. */
  async connect(name = 'A'): Promise<void> {
    await this.environment.pause?.();
    this.transcript.note(name, 'tester', 'connects');
    this.#add(name, await this.#dialled());
  }

  /** Starts to listen for the node under test. */
  async listen(): Promise<void> {
    const { net, host = '127.0.0.1' } = this.subject;
    this.#listener = await net.listen({ host, port: 0 }, (link) => {
      this.#accepted.push(link);
      this.#onAccepted?.();
    });
  }

  /** Makes the node under test dial the tester. */
  async triggerDial(v2: boolean): Promise<void> {
    const { dialler } = this.subject;
    if (!dialler || !this.#listener) throw new CannotRun('there is no way to make the node under test dial');
    const type = dialTypeOf(this.it, dialler.types);
    if (type === undefined) throw new CannotRun('the node cannot be asked for such a connection');
    this.transcript.note('A', 'both', `the node is asked to dial (${type})`);
    await dialler.dial({ at: this.#listener.local, type, v2 });
  }

  /** The next connection that the node opens; undefined when none comes in time. */
  async accept(name: string, ms: number): Promise<TesterConnection | undefined> {
    const until = this.now + ms;
    while (this.#accepted.length === 0 && this.now < until) await this.#acceptedOrTimeout(until);
    const link = this.#accepted.shift();
    if (!link) return undefined;
    this.transcript.note(name, 'node', 'connects');
    return this.#add(name, link);
  }

  /** Closes every connection and the listener. */
  async end(): Promise<void> {
    for (const { link } of this.#connections.values()) link.destroy();
    for (const link of this.#accepted) link.destroy();
    await this.#listener?.close();
  }

  #add(name: string, link: Link): TesterConnection {
    const speaksFirst = this.environment.nodeinfo?.speaksfirst === true;
    const connection = new TesterConnection(
      name,
      link,
      this.chain.magic,
      this.clock,
      this.transcript,
      speaksFirst,
    );
    this.#connections.set(name, connection);
    return connection;
  }

  #acceptedOrTimeout(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => this.#onAccepted?.(), until - this.now);
      this.#onAccepted = () => {
        this.#onAccepted = undefined;
        this.clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  #dialled(): Promise<Link> {
    const { at } = this.subject;
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(
        () => {
          giveUp();
          reject(new Deviation('could not connect: no answer in time'));
        },
        this.#net.timeoutOf?.(at.host, CONNECT_MS) ?? CONNECT_MS,
      );
      const giveUp = this.#net.dial(at, {
        opened: (link) => {
          this.clock.clearTimeout(timer);
          resolve(link);
        },
        failed: (code) => {
          this.clock.clearTimeout(timer);
          reject(new Deviation(`could not connect: ${REASONS[code].says}`));
        },
      });
    });
  }
}

/** The connection type to ask the node for: that of the case, or `manual` if the case allows it; undefined if the dialler has neither. */
export function dialTypeOf(
  { connection_type, as_manual }: Case,
  types: readonly string[],
): string | undefined {
  if (connection_type !== undefined && types.includes(connection_type)) return connection_type;
  return as_manual === true && types.includes('manual') ? 'manual' : undefined;
}
