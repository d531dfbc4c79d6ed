/** Two ends of a key exchange with a queue in each direction: everything that can happen, breadth first. */
import { type End, quit, type Reaction } from './key-exchange.js';

/** `graceful` moves are those that happen without interference and timeouts. */
export type ExchangeKind = 'graceful' | 'timeout' | 'disconnect' | 'hostile';

/** One moment. Index 0 has dialled, 1 has accepted. */
export interface Exchange {
  readonly index: number;
  readonly ends: readonly [End, End];
  /** What each end has sent and the other has not read yet. */
  readonly queues: readonly [readonly string[], readonly string[]];
  /** Whether a byte of the other's has been read. */
  readonly received: readonly [boolean, boolean];
  /** Who has seen TCP open: the accepting end may be first. */
  readonly opened: readonly [boolean, boolean];
  /** Resets and bad packets so far. */
  readonly harm: number;
  readonly by: { readonly from: Exchange; readonly move: string } | undefined;
}

export interface ExchangeMove {
  readonly from: Exchange;
  readonly to: Exchange;
  readonly kind: ExchangeKind;
}

export interface Exchanges {
  readonly all: readonly Exchange[];
  readonly moves: readonly ExchangeMove[];
  readonly longest: number;
}

type Who = 0 | 1;
type Draft = Pick<Exchange, 'ends' | 'queues' | 'received' | 'opened' | 'harm'>;

const NAMES = ['initiator', 'responder'] as const;
/** More than two flights of everything. */
const BOUND = 12;
const MOST = 50_000;

const other = (who: Who): Who => (who === 0 ? 1 : 0);
const replaced = <T>([a, b]: readonly [T, T], who: Who, value: T): [T, T] =>
  who === 0 ? [value, b] : [a, value];

/** Explores every state of the two ends; `hostile` may go wrong once: a reset, or a bad packet from either end. */
export const exchangesOf = (initiator: End, responder: End, hostile = true): Exchanges =>
  new Explorer(hostile ? 1 : 0).run([initiator, responder]);

class Explorer {
  readonly #all: Exchange[] = [];
  readonly #known = new Map<string, Exchange>();
  readonly #moves: ExchangeMove[] = [];
  #longest = 0;

  constructor(readonly budget: number) {}

  run(ends: readonly [End, End]): Exchanges {
    const neither = [false, false] as const;
    this.#intern({ ends, queues: [[], []], received: neither, opened: neither, harm: 0 }, undefined);
    for (const exchange of this.#all) this.#expand(exchange); // the list grows on the way
    return { all: this.#all, moves: this.#moves, longest: this.#longest };
  }

  /** What goes to an end that is over is lost. */
  #intern(draft: Draft, by: Exchange['by']): Exchange {
    const [a, b] = draft.ends;
    const queues = [b.over ? [] : draft.queues[0], a.over ? [] : draft.queues[1]] as const;
    const key = JSON.stringify([a.key, b.key, queues, draft.received, draft.opened, draft.harm]);
    const known = this.#known.get(key);
    if (known) return known;
    this.#longest = Math.max(this.#longest, ...queues.map(({ length }) => length));
    if (this.#longest > BOUND || this.#all.length > MOST) throw new Error(`without end: ${key}`);
    const exchange = { ...draft, queues, index: this.#all.length, by };
    this.#known.set(key, exchange);
    this.#all.push(exchange);
    return exchange;
  }

  #go(from: Exchange, kind: ExchangeKind, move: string, change: Partial<Draft>): void {
    const { ends, queues, received, opened, harm } = from;
    const to = this.#intern({ ends, queues, received, opened, harm, ...change }, { from, move });
    this.#moves.push({ from, to, kind });
  }

  #expand(exchange: Exchange): void {
    for (const who of [0, 1] as const) {
      const end = exchange.ends[who];
      if (end.over) continue;
      if (exchange.opened[who]) this.#react(exchange, who, end);
      else this.#open(exchange, who, end);
    }
    if (exchange.opened.every(Boolean) && exchange.harm < this.budget) this.#harm(exchange);
  }

  #open(exchange: Exchange, who: Who, end: End): void {
    const opened = replaced(exchange.opened, who, true);
    this.#apply(exchange, who, 'graceful', 'open', end.react('open'), { opened });
  }

  #react(exchange: Exchange, who: Who, end: End): void {
    const [token, ...rest] = exchange.queues[other(who)];
    if (token !== undefined) {
      const queues = replaced(exchange.queues, other(who), rest);
      const isByte = token !== 'END' && token !== 'RESET';
      const received = isByte ? replaced(exchange.received, who, true) : exchange.received;
      this.#apply(exchange, who, 'graceful', token, end.react(token), { queues, received });
    }
    for (const timer of end.armed) this.#apply(exchange, who, 'timeout', 'timeout', end.react(timer), {});
    this.#apply(exchange, who, 'disconnect', 'close', quit(end), {});
  }

  #apply(
    from: Exchange,
    who: Who,
    kind: ExchangeKind,
    name: string,
    { end, sends }: Reaction,
    change: Partial<Draft>,
  ): void {
    const queues = change.queues ?? from.queues;
    this.#go(from, kind, `${NAMES[who]}: ${name}`, {
      ...change,
      ends: replaced(from.ends, who, end),
      queues: replaced(queues, who, [...queues[who], ...sends]),
    });
  }

  /** A reset, which loses what is under way; or an end sends bytes that cannot be decrypted. */
  #harm(exchange: Exchange): void {
    const harm = exchange.harm + 1;
    this.#go(exchange, 'disconnect', 'the link is reset', { queues: [['RESET'], ['RESET']], harm });
    for (const who of [0, 1] as const) {
      if (exchange.ends[who].over) continue;
      const queues = replaced(exchange.queues, who, [...exchange.queues[who], 'x']);
      this.#go(exchange, 'hostile', `${NAMES[who]} sends x`, { queues, harm });
    }
  }
}

/** Those from which one that `good` accepts can be reached by moves that `usable` allows. */
export function leadingTo(
  { all, moves }: Exchanges,
  good: (exchange: Exchange) => boolean,
  usable: (move: ExchangeMove) => boolean,
): Set<Exchange> {
  const sources: Exchange[][] = all.map(() => []);
  for (const move of moves) if (usable(move)) sources[move.to.index]!.push(move.from);
  const reached = new Set(all.filter(good));
  for (const exchange of reached) for (const source of sources[exchange.index]!) reached.add(source);
  return reached;
}

/** The moves that lead there, as few as possible. */
export const wayOf = ({ by }: Exchange): string[] => (by ? [...wayOf(by.from), by.move] : []);

/** As text: the states of both ends, and the queues between them. */
export const describeExchange = ({ ends: [a, b], queues: [ab, ba] }: Exchange): string =>
  `${a.leaf} [${ab.join(' ')}] [${ba.join(' ')}] ${b.leaf}`;
