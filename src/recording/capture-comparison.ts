/**
 * What a node that captured its messages sent, beside what a node of ours sends in its place: by kind (command), between
 * one received message and the next.
 *
 * Not byte for byte: a capture holds neither the node's random draws nor the edges of chunks nor deadlines that passed.
 * {@link COMPARED} is compared; whatever else the other node sends it sends because it has a chain and a mempool. Pings go by a
 * timer of each node's own, so only their number is compared.
 */
import type { BitcoinNode } from '../index.js';
import type { CapturedMessage, CaptureFault, MergedMessage } from './core-capture.js';
import { type ReferenceNodeOptions, ReferenceNode } from './reference-node.js';
import { MAX_LINES, said, type SessionLine } from './transcripts.js';

/** The kinds of the handshake, in the order of their first appearance, and those that keep a connection open. */
export const COMPARED = [
  'version',
  'wtxidrelay',
  'sendaddrv2',
  'sendtxrcncl',
  'feature',
  'verack',
  'alert',
  'ping',
  'pong',
] as const;

const isCompared = (command: string): boolean => (COMPARED as readonly string[]).includes(command);

/** Where the two sent other kinds. */
export interface KindDifference {
  /** The connection, from 1. */
  readonly session: number;
  /** What was received before, and where it stands in its file; -1 for the beginning and for the whole session. */
  readonly after: string;
  readonly offset: number;
  /** Of the node that captured, and of ours. */
  readonly captured: readonly string[];
  readonly ours: readonly string[];
}

/** One connection from its beginning. */
export interface CapturedSession {
  readonly number: number;
  readonly inbound: boolean;
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** `tester` is the node that captured. What stands between the columns is what our node made of it. */
  readonly entries: readonly SessionLine[];
  /** Lines that were left out at the end. */
  readonly left: number;
}

export interface CaptureVerdict {
  readonly sessions: number;
  readonly messages: number;
  readonly differing: number;
  /** The first of them. */
  readonly differences: readonly KindDifference[];
  /** Kinds that were sent and not compared, in the order in which they came. */
  readonly left_out: readonly string[];
  readonly faults: readonly CaptureFault[];
}

export interface CompareOptions {
  /** The peer, as its folder is named. */
  readonly peer: string;
  /** Both directions are there: without one of them there is nothing to compare. */
  readonly isWhole: boolean;
  readonly node?: ReferenceNodeOptions;
  /** Called with each reference node before its first input. */
  readonly watch?: (node: BitcoinNode) => void;
  /** Called with each message, its line in the transcript and the number of its session. */
  readonly message?: (message: CapturedMessage, entry: Said, session: number) => void;
  /** Called with each session when it is over. */
  readonly session?: (session: CapturedSession) => void;
  /** Stops between two messages. */
  readonly signal?: AbortSignal;
}

type Said = Omit<SessionLine, 'at' | 'conn'>;

/** Differences that are kept; the others are counted. */
const MAX_DIFFERENCES = 20;
/** Kinds that are kept of those left out, and of those between two received messages. */
const MAX_KINDS = 64;

/** Compares one peer's capture offline: no time passes, nothing is dialled. */
export async function compare(
  messages: AsyncGenerator<MergedMessage, readonly CaptureFault[]>,
  options: CompareOptions,
): Promise<CaptureVerdict> {
  const comparison = new Comparison(options);
  let head = await messages.next();
  while (!head.done && !options.signal?.aborted) {
    const next = await messages.next();
    comparison.take(head.value, next.done ? undefined : next.value);
    head = next;
  }
  if (!head.done) await messages.return([]);
  return comparison.verdict(head.done ? head.value : []);
}

class Comparison {
  readonly #differences: KindDifference[] = [];
  readonly #leftOut = new Set<string>();
  #differing = 0;
  #sessions = 0;
  #messages = 0;
  #session: Session | undefined;

  constructor(private readonly options: CompareOptions) {}

  take(message: MergedMessage, next: CapturedMessage | undefined): void {
    if (!this.#session || this.#session.isOverWith(message, next)) {
      this.#session?.end(true);
      this.#session = this.#opened(message, next);
    }
    this.#messages++;
    const { command, direction } = message;
    if (direction === 'sent' && !isCompared(command) && this.#leftOut.size < MAX_KINDS)
      this.#leftOut.add(command);
    this.#session.take(message);
  }

  verdict(faults: readonly CaptureFault[]): CaptureVerdict {
    this.#session?.end(faults.length === 0);
    return {
      sessions: this.#sessions,
      messages: this.#messages,
      differing: this.#differing,
      differences: this.#differences,
      left_out: [...this.#leftOut],
      faults,
    };
  }

  #opened(message: CapturedMessage, next: CapturedMessage | undefined): Session {
    const own = [message, next].find((one) => one?.direction === 'sent' && one.command === 'version');
    const inbound = message.direction === 'received';
    const opening = { inbound, peer: this.options.peer, at: message.at, version: own?.payload };
    return new Session(++this.#sessions, opening, this.options, (difference) => {
      if (this.#differing++ < MAX_DIFFERENCES) this.#differences.push(difference);
    });
  }
}

/** What the two sent since a message was received. */
interface Gap {
  readonly after: string;
  readonly offset: number;
  readonly captured: string[];
  readonly ours: string[];
}

const gapAfter = (after: string, offset: number): Gap => ({ after, offset, captured: [], ours: [] });

class Session {
  readonly #reference: ReferenceNode;
  readonly #entries: SessionLine[] = [];
  readonly #pings = { captured: 0, ours: 0 };
  readonly #versions = { received: false, sent: false };
  #gap = gapAfter('the beginning', -1);
  #left = 0;
  #now: number;
  /** What our node ended for. */
  #ended = '';
  /** The rest cannot be compared. */
  #isOff: boolean;

  constructor(
    private readonly number: number,
    private readonly opening: ConstructorParameters<typeof ReferenceNode>[0],
    private readonly options: CompareOptions,
    private readonly differs: (difference: KindDifference) => void,
  ) {
    this.#now = opening.at;
    this.#isOff = !options.isWhole;
    this.#reference = new ReferenceNode(opening, options.node);
    if (!this.#isOff) this.#begin(this.#reference.node);
  }

  /**
   * Whether the message is the first of another connection with the same address. A node sends `version` once for each; to
   * one that dialled it as the answer to theirs.
   */
  isOverWith({ direction, command }: CapturedMessage, next: CapturedMessage | undefined): boolean {
    if (command !== 'version' || !this.#versions[direction]) return false;
    return direction === 'sent' || (next?.direction === 'sent' && next.command === 'version');
  }

  take(message: MergedMessage): void {
    const { at, direction, command, isAlone } = message;
    if (command === 'version') this.#versions[direction] = true;
    this.#now = Math.max(this.#now, at);
    if (isAlone) this.#isOff = true;
    if (!this.#isOff) this.#reference.wait(at);
    if (direction === 'received') this.#closeGap(gapAfter(command, message.offset));
    this.#report(message);
    if (this.#isOff) return;
    if (direction === 'received') this.#reference.receive(message);
    else this.#count('captured', message);
  }

  /** `isWhole`: nothing is missing at the end. */
  end(isWhole: boolean): void {
    if (!isWhole) this.#isOff = true;
    this.#closeGap(gapAfter('the end', -1));
    this.#judgePings();
    const { number, opening } = this;
    const { inbound, at } = opening;
    this.options.session?.({ number, inbound, at, entries: this.#entries, left: this.#left });
  }

  /** A message is decoded only when it will be shown. */
  #report(message: CapturedMessage): void {
    if (this.#isFull && !this.options.message) return void this.#left++;
    const entry = said(message.direction, message.command, message.payload);
    this.options.message?.(message, entry, this.number);
    this.#note(entry);
  }

  #begin(node: BitcoinNode): void {
    node.on('message', ({ direction, command, payload }) => {
      if (direction === 'sent') this.#count('ours', { command, payload });
    });
    node.on('transition', ({ from, to }) => this.#say(`ours: ${from} → ${to}`));
    node.on('ended', ({ lastreason }) => {
      this.#ended = lastreason?.code ?? 'ERR_LOCAL_CANCELLED';
      this.#say(`ours: ${this.#ended}`);
    });
    this.options.watch?.(node);
    this.#reference.open();
  }

  #count(
    side: 'captured' | 'ours',
    { command, payload }: Pick<CapturedMessage, 'command' | 'payload'>,
  ): void {
    if (command === 'ping') this.#pings[side]++;
    if (command === 'ping' && side === 'captured') this.#reference.notePing(payload);
    const kinds = this.#gap[side];
    if (command !== 'ping' && isCompared(command) && kinds.length < MAX_KINDS) kinds.push(command);
    if (side === 'captured' && this.#ended !== '') this.#continuesAfterEnd(command);
  }

  /** The reference node has ended, and the captured one still sends. */
  #continuesAfterEnd(command: string): void {
    const { after, offset } = this.#gap;
    this.#isOff = true;
    this.#differ({ after, offset, captured: [command], ours: [this.#ended] });
  }

  #closeGap(next: Gap): void {
    const gap = this.#gap;
    this.#gap = next;
    if (!this.#isOff && gap.captured.join() !== gap.ours.join()) this.#differ(gap);
  }

  /** One more or less, or one in fifty: no two timers are the same. */
  #judgePings(): void {
    const { captured, ours } = this.#pings;
    if (this.#isOff || Math.abs(captured - ours) <= 1 + Math.max(captured, ours) / 50) return;
    const counted = (count: number): string[] => [`${count} × ping`];
    this.#differ({
      after: 'the whole session',
      offset: -1,
      captured: counted(captured),
      ours: counted(ours),
    });
  }

  #differ(found: Gap): void {
    const { captured, ours } = found;
    this.#say(`here it sent ${listed(captured)}; ours sends ${listed(ours)}`);
    this.differs({ session: this.number, ...found });
  }

  get #isFull(): boolean {
    return this.#entries.length >= MAX_LINES;
  }

  #say(text: string): void {
    this.#note({ side: 'both', text });
  }

  #note(entry: Said): void {
    if (this.#isFull) return void this.#left++;
    this.#entries.push({ at: (this.#now - this.opening.at) / 1_000, conn: '', ...entry });
  }
}

const listed = (kinds: readonly string[]): string => kinds.join(', ') || 'nothing';
