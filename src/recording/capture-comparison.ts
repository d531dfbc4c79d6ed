/**
 * Compares the messages that a capturing node sent with those that a node of verack sends in its place. The kinds (commands)
 * of the messages between two received messages are compared.
 *
 * The bytes are not compared, since a capture contains neither random values nor chunk boundaries nor timers. Only the kinds
 * in {@link COMPARED} are compared; the capturing node sends others because it has a chain and a mempool. Of pings only the
 * number is compared, since each node sends them by its own timer.
 */
import type { BitcoinNode } from '../index.js';
import type { CapturedMessage, CaptureFault, MergedMessage } from './core-capture.js';
import { type ReferenceNodeOptions, ReferenceNode } from './reference-node.js';
import { MAX_LINES, type MessageLine, messageLine, type SessionLine } from './transcripts.js';

/** The kinds that are compared: those of the handshake, in the order in which a node sends them, then ping and pong. */
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

/** A place where the two nodes sent different kinds. */
export interface KindDifference {
  /** The number of the connection, from 1. */
  readonly session: number;
  /** The command that was received before, and its byte offset in its file; -1 for the beginning, the end and the whole session. */
  readonly after: string;
  readonly offset: number;
  /** The commands that the capturing node sent; `ours`: those that the reference node sent, or its reason code. */
  readonly captured: readonly string[];
  readonly ours: readonly string[];
}

/** One connection of a capture. */
export interface CapturedSession {
  readonly number: number;
  readonly inbound: boolean;
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** The side `tester` is the capturing node; lines of both sides describe the reference node. */
  readonly entries: readonly SessionLine[];
  /** The number of further lines that were not kept. */
  readonly left: number;
}

/** The result of a comparison. */
export interface CaptureVerdict {
  readonly sessions: number;
  readonly messages: number;
  /** The number of differences. */
  readonly differing: number;
  /** The first 20 differences. */
  readonly differences: readonly KindDifference[];
  /** Kinds that the capturing node sent and that were not compared, in the order of their first appearance. */
  readonly left_out: readonly string[];
  readonly faults: readonly CaptureFault[];
}

/** What to compare, and what to report. */
export interface CompareOptions {
  /** The peer, as the name of its directory. */
  readonly peer: string;
  /** Whether both directions are present; otherwise nothing is compared. */
  readonly isWhole: boolean;
  readonly node?: ReferenceNodeOptions;
  /** Called with each reference node before its first input. */
  readonly watch?: (node: BitcoinNode) => void;
  /** Called with each message, its line in the transcript and the number of its session. */
  readonly message?: (message: CapturedMessage, entry: MessageLine, session: number) => void;
  /** Called with each session when it has ended. */
  readonly session?: (session: CapturedSession) => void;
  /** Stops between two messages. */
  readonly signal?: AbortSignal;
}

/** Differences that are kept; further ones are only counted. */
const MAX_DIFFERENCES = 20;
/** Most kinds that are kept: of those not compared, and of those between two received messages. */
const MAX_KINDS = 64;

/** Compares the capture of one peer offline, on a virtual clock. Never rejects because of what the capture contains. */
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

/** The kinds that both nodes sent since a message was received. */
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
  /** The reason code with which the reference node ended; empty before. */
  #ended = '';
  /** Whether the rest cannot be compared. */
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
   * Whether the message is the first one of the next connection with the same address. A node sends `version` once on each
   * connection; on an inbound one it sends it in answer to the `version` of the other side.
   */
  isOverWith({ direction, command }: CapturedMessage, next: CapturedMessage | undefined): boolean {
    if (command !== 'version' || !this.#versions[direction]) return false;
    return direction === 'sent' || (next?.direction === 'sent' && next.command === 'version');
  }

  take(message: MergedMessage): void {
    const { at, direction, command, isOneSided } = message;
    if (command === 'version') this.#versions[direction] = true;
    this.#now = Math.max(this.#now, at);
    if (isOneSided) this.#isOff = true;
    if (!this.#isOff) this.#reference.wait(at);
    if (direction === 'received') this.#closeGap(gapAfter(command, message.offset));
    this.#report(message);
    if (this.#isOff) return;
    if (direction === 'received') this.#reference.receive(message);
    else this.#count('captured', message);
  }

  /** Ends the session. `isWhole`: no message is missing at its end. */
  end(isWhole: boolean): void {
    if (!isWhole) this.#isOff = true;
    this.#closeGap(gapAfter('the end', -1));
    this.#comparePings();
    const { number, opening } = this;
    const { inbound, at } = opening;
    this.options.session?.({ number, inbound, at, entries: this.#entries, left: this.#left });
  }

  /** Adds a message to the transcript. It is decoded only when it is shown. */
  #report(message: CapturedMessage): void {
    if (this.#isFull && !this.options.message) return void this.#left++;
    const entry = messageLine(message.direction, message.command, message.payload);
    this.options.message?.(message, entry, this.number);
    this.#note(entry);
  }

  #begin(node: BitcoinNode): void {
    node.on('message', ({ direction, command, payload }) => {
      if (direction === 'sent') this.#count('ours', { command, payload });
    });
    node.on('transition', ({ from, to }) => this.#noteBoth(`verack: ${from} → ${to}`));
    node.on('ended', ({ lastreason }) => {
      this.#ended = lastreason?.code ?? 'ERR_LOCAL_CANCELLED';
      this.#noteBoth(`verack: ${this.#ended}`);
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

  /** The reference node has ended its connection, but the capturing node still sends. */
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

  /** Accepts a difference of one ping, plus one in fifty, since the timers of two nodes differ. */
  #comparePings(): void {
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
    this.#noteBoth(`captured: ${listed(captured)}; verack sends ${listed(ours)}`);
    this.differs({ session: this.number, ...found });
  }

  get #isFull(): boolean {
    return this.#entries.length >= MAX_LINES;
  }

  #noteBoth(text: string): void {
    this.#note({ side: 'both', text });
  }

  #note(entry: MessageLine): void {
    if (this.#isFull) return void this.#left++;
    this.#entries.push({ at: (this.#now - this.opening.at) / 1_000, conn: '', ...entry });
  }
}

const listed = (kinds: readonly string[]): string => kinds.join(', ') || 'nothing';
