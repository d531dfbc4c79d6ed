/** The product of two sides: states, moves, and what can be reached by which moves. */
import { type Sequences, type Local, Side } from './peer-product.js';

/** `graceful` moves are those that happen without interference and timeouts. */
export type Kind = 'graceful' | 'timeout' | 'disconnect' | 'hostile' | 'loss';

/** One moment of both sides. Index 0 is the dialler, 1 the acceptor, which is created when it accepts. */
export interface Pair {
  readonly index: number;
  readonly sides: readonly [Local, Local | undefined];
  /** What each side has sent and the other has not read yet. */
  readonly queues: readonly [readonly string[], readonly string[]];
  /** Whether each side has sent a version and a verack, in its own name. */
  readonly said: readonly [string, string];
  readonly hostile: number;
  readonly resets: number;
  /** Messages garbled on the way so far. */
  readonly losses: number;
  readonly by: { readonly from: Pair; readonly move: string } | undefined;
}

export interface Move {
  readonly from: Pair;
  readonly to: Pair;
  readonly kind: Kind;
}

export interface Product {
  readonly pairs: readonly Pair[];
  readonly moves: readonly Move[];
  readonly longest: number;
}

export interface ProductOptions {
  readonly sequences: Sequences;
  /** How many hostile messages may be sent in all, and which. */
  readonly budget: number;
  readonly hostile: readonly string[];
  /** How many messages may be garbled on the way, so that the receiver drops them. Default 0. */
  readonly losses?: number;
  /** The longest queue that is thinkable; the exploration throws beyond. */
  readonly bound: number;
}

type Draft = Pick<Pair, 'sides' | 'queues' | 'said' | 'hostile' | 'resets' | 'losses'>;
type Who = 0 | 1;

/** Explores every state of the pair. */
export const productOf = (options: ProductOptions): Product => new Explorer(options).run();

class Explorer {
  readonly #pairs: Pair[] = [];
  readonly #known = new Map<string, Pair>();
  readonly #moves: Move[] = [];
  readonly #machines: readonly [Side, Side];
  #longest = 0;

  constructor(readonly options: ProductOptions) {
    this.#machines = [new Side('manual', options.sequences), new Side('inbound', options.sequences)];
  }

  run(): Product {
    const dialler = this.#machines[0].begin();
    this.#intern(
      { sides: [dialler, undefined], queues: [[], []], said: ['', ''], hostile: 0, resets: 0, losses: 0 },
      undefined,
    );
    for (const pair of this.#pairs) this.#leave(pair); // the list grows on the way
    return { pairs: this.#pairs, moves: this.#moves, longest: this.#longest };
  }

  /** The pair of a draft. What goes to a side that has ended is lost. */
  #intern(draft: Draft, by: Pair['by']): Pair {
    const [a, b] = draft.sides;
    const queues = [b?.done ? [] : draft.queues[0], a.done ? [] : draft.queues[1]] as const;
    const [ab, ba] = queues;
    const key = `${a.id}/${b?.id ?? ''}/${ab.join()}/${ba.join()}/${draft.said.join()}/${draft.hostile}/${draft.resets}/${draft.losses}`;
    const known = this.#known.get(key);
    if (known) return known;
    this.#longest = Math.max(this.#longest, ab.length, ba.length);
    if (this.#longest > this.options.bound) throw new Error(`a queue of ${this.#longest} messages: ${key}`);
    const pair = { ...draft, queues, index: this.#pairs.length, by };
    this.#known.set(key, pair);
    this.#pairs.push(pair);
    return pair;
  }

  #go(from: Pair, kind: Kind, move: string, change: Partial<Draft>): void {
    const { sides, queues, said, hostile, resets, losses } = from;
    const to = this.#intern({ sides, queues, said, hostile, resets, losses, ...change }, { from, move });
    this.#moves.push({ from, to, kind });
  }

  #leave(pair: Pair): void {
    const [dialler, acceptor] = pair.sides;
    if (dialler.leaf === 'connecting') this.#apply(pair, 0, 'graceful', 'open');
    if (dialler.leaf === 'connecting' && !acceptor) this.#apply(pair, 0, 'disconnect', 'refused');
    if (!acceptor) this.#accept(pair);
    for (const who of [0, 1] as const) this.#leaveBy(pair, who);
    if (acceptor && dialler.leaf !== 'connecting' && pair.resets === 0) this.#reset(pair);
  }

  /** What one side can do or suffer. */
  #leaveBy(pair: Pair, who: Who): void {
    const local = pair.sides[who];
    if (!local || local.done) return;
    if (local.leaf !== 'connecting') this.#deliver(pair, who);
    if (local.leaf !== 'connecting' && pair.losses < (this.options.losses ?? 0)) this.#lose(pair, who);
    for (const timer of local.armed.keys()) this.#apply(pair, who, 'timeout', timer);
    this.#apply(pair, who, 'disconnect', 'close');
    if (local.leaf === 'connecting' || pair.hostile >= this.options.budget) return;
    for (const name of this.options.hostile) this.#inject(pair, who, name);
  }

  #accept(pair: Pair): void {
    const side = this.#machines[1];
    const { local } = side.react(side.begin(), 'open');
    this.#go(pair, 'graceful', 'acceptor: accepts', { sides: [pair.sides[0], local] });
  }

  /** Takes the first message of the queue. */
  #deliver(pair: Pair, who: Who): void {
    const [name, ...rest] = pair.queues[other(who)];
    const read = { ...pair, queues: replaced(pair.queues, other(who), rest) };
    if (name !== undefined) this.#apply(read, who, 'graceful', name, pair);
  }

  /** The first message of the queue comes garbled and is dropped; the end of a link cannot get lost. */
  #lose(pair: Pair, who: Who): void {
    const [name, ...rest] = pair.queues[other(who)];
    if (name === undefined || ENDS.has(name)) return;
    const read = { ...pair, queues: replaced(pair.queues, other(who), rest), losses: pair.losses + 1 };
    this.#apply(read, who, 'loss', 'checksum', pair);
  }

  #apply(pair: Pair, who: Who, kind: Kind, name: string, from = pair): void {
    const { local, sends, closes } = this.#machines[who].react(pair.sides[who]!, name);
    const queue = [...pair.queues[who], ...sends, ...(closes ? ['END'] : [])];
    this.#go(from, kind, `${NAMES[who]}: ${name}`, {
      sides: who === 0 ? [local, pair.sides[1]] : [pair.sides[0], local],
      queues: replaced(pair.queues, who, queue),
      said: replaced(pair.said, who, heardFrom(pair.said[who], sends)),
      losses: pair.losses,
    });
  }

  #inject(pair: Pair, who: Who, name: string): void {
    this.#go(pair, 'hostile', `${NAMES[who]} sends ${name}`, {
      queues: replaced(pair.queues, who, [...pair.queues[who], name]),
      said: replaced(pair.said, who, heardFrom(pair.said[who], [name.replace('!', '')])),
      hostile: pair.hostile + 1,
    });
  }

  /** The path breaks: what is under way is lost, and each side that has not ended gets an event. */
  #reset(pair: Pair): void {
    const [a, b] = pair.sides;
    if (a.done && b?.done) return;
    const queues = [['RESET'], ['RESET']] as const;
    this.#go(pair, 'disconnect', 'the link is reset', { queues, resets: 1 });
  }
}

const NAMES = ['dialler', 'acceptor'] as const;
const ENDS: ReadonlySet<string> = new Set(['END', 'RESET']);
const other = (who: Who): Who => (who === 0 ? 1 : 0);

const replaced = <T>([a, b]: readonly [T, T], who: Who, value: T): [T, T] =>
  who === 0 ? [value, b] : [a, value];

/** `a` for version, `b` for verack: what has been said so far. */
function heardFrom(said: string, sends: readonly string[]): string {
  const version = said.includes('a') || sends.some((name) => name.startsWith('version')) ? 'a' : '';
  return version + (said.includes('b') || sends.includes('verack') ? 'b' : '');
}

/** The pairs from which one that `good` accepts can be reached by moves that `usable` allows. */
export function reaching(
  { pairs, moves }: Product,
  good: (pair: Pair) => boolean,
  usable: (move: Move) => boolean,
): Set<Pair> {
  const sources: Pair[][] = pairs.map(() => []);
  for (const move of moves) if (usable(move)) sources[move.to.index]!.push(move.from);
  const reached = new Set(pairs.filter(good));
  for (const pair of reached) for (const source of sources[pair.index]!) reached.add(source);
  return reached;
}

/** The moves that lead to a pair, as few as possible. */
export const traceTo = ({ by }: Pair): string[] => (by ? [...traceTo(by.from), by.move] : []);
