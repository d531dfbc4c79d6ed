/**
 * Initiator × responder, exhaustively: no deadlock, no half-open connection, and `established` means that the other side has
 * sent both of its messages. A variant that waits for their verack before sending its own must be caught.
 */
import { describe, expect, test } from '@jest/globals';

import { print } from './support/print.js';
import { type Sequences, HOSTILE, realSequences } from './support/peer-product.js';
import { type Move, type Pair, type Product, productOf, reaching, traceTo } from './support/product.js';

const BOUND = 16;
const over = (pair: Pair): boolean => pair.sides[0].done && (pair.sides[1]?.done ?? true);
const agreed = ({ sides }: Pair): boolean => sides.every((side) => side?.leaf === 'established');
const graceful = ({ kind }: Move): boolean => kind === 'graceful';

/** A pair for a person: where both are, and what lies between. */
const picture = (pair: Pair): string =>
  `${pair.sides[0].leaf} [${pair.queues[0].join(' ')}] [${pair.queues[1].join(' ')}] ${pair.sides[1]?.leaf ?? 'unborn'}`;

/** Pairs that nothing gets out of but a timeout, an interference or a person; the nearest first. */
function stuck(product: Product): Pair[] {
  const fine = reaching(product, (pair) => over(pair) || agreed(pair), graceful);
  return product.pairs.filter((pair) => !fine.has(pair));
}

function measured(
  name: string,
  budget: number,
  hostile: readonly string[],
  losses = 0,
  sequences = realSequences,
): Product {
  const started = performance.now();
  const product = productOf({ sequences, budget, hostile, losses, bound: BOUND });
  const { pairs, moves, longest } = product;
  const ms = Math.round(performance.now() - started);
  print(`${name}: ${pairs.length} states, ${moves.length} edges, longest queue ${longest}, ${ms} ms`);
  return product;
}

const ALL = Object.keys(HOSTILE);
const FEW = ['verack!', 'version 31799', 'wtxidrelay!', 'ping!', 'checksum', 'magic'];
/** Two of all of them make 100,000 states: PRODUCT=all asks for it. */
const PAIRED = process.env.PRODUCT === 'all' ? ALL : FEW;

describe.each([
  ['without hostile messages', 0, [], 0],
  ['with two messages lost', 0, [], 2],
  ['with one message lost and one hostile', 1, FEW, 1],
  [`with one of ${ALL.length} hostile messages`, 1, ALL, 0],
  [`with two of ${PAIRED.length} hostile messages`, 2, PAIRED, 0],
] as const)('two peers %s', (name, budget, hostile, losses) => {
  const product = measured(name, budget, hostile, losses);
  const { pairs } = product;

  test('never wait for each other', () => {
    const dead = stuck(product).filter((pair) => pair.hostile === 0 && pair.losses === 0);
    expect(dead.slice(0, 3).map((pair) => [picture(pair), traceTo(pair)])).toEqual([]);
  });

  test('have a deadline as long as they are not established', () => {
    const idle = pairs.filter(({ sides }) =>
      sides.some((side) => side && !side.done && side.leaf !== 'established' && side.armed.size === 0),
    );
    expect(idle.slice(0, 3).map(picture)).toEqual([]);
  });

  test('both end when one side has ended, without a timeout', () => {
    const ending = reaching(product, over, graceful);
    const orphans = pairs.filter((pair) => pair.sides.some((side) => side?.done) && !ending.has(pair));
    expect(orphans.slice(0, 3).map((pair) => [picture(pair), traceTo(pair)])).toEqual([]);
  });

  test('are established only when the other side has sent version and verack', () => {
    const early = pairs.filter(({ sides, said }) =>
      ([0, 1] as const).some((who) => sides[who]?.leaf === 'established' && said[who === 0 ? 1 : 0] !== 'ab'),
    );
    expect(early.slice(0, 3).map((pair) => [picture(pair), traceTo(pair)])).toEqual([]);
  });

  test('agree when a lost message is optional, and time out when it is required', () => {
    const lost = pairs.filter((pair) => pair.losses === losses && pair.hostile === 0);
    expect(lost.some(agreed)).toBe(true);
    const waiting = stuck(product).filter((pair) => pair.hostile === 0);
    expect(waiting.length > 0).toBe(losses > 0);
  });

  test('can agree, and can always end', () => {
    expect(pairs.some(agreed)).toBe(true);
    const ending = reaching(product, over, () => true);
    expect(pairs.filter((pair) => !ending.has(pair)).map(picture)).toEqual([]);
  });
});

test('waiting for their verack before sending ours is a deadlock', () => {
  const late: Sequences = (sequence, context, event) => {
    const messages = realSequences(sequence, context, event);
    if (sequence === 'postHandshake') return ['verack', ...messages];
    return messages.filter((name) => name !== 'verack');
  };
  const product = measured('their verack first', 0, [], 0, late);
  const moving = new Set(product.moves.filter(graceful).map(({ from }) => from));
  const [first] = stuck(product).filter((pair) => !moving.has(pair));
  expect(first && picture(first)).toBe('versionReceived [] [] versionReceived');
  expect(traceTo(first!)).toEqual([
    'dialler: open',
    'acceptor: accepts',
    'acceptor: version',
    'dialler: version',
    'dialler: wtxidrelay',
    'dialler: sendaddrv2',
    'acceptor: wtxidrelay',
    'acceptor: sendaddrv2',
    'acceptor: getaddr',
  ]);
  print(`as intended, deadlock after ${traceTo(first!).length} moves: ${traceTo(first!).join(', ')}`);
});
