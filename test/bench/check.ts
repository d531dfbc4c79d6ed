/** The regression guard: ratios of a run against those of a file that is committed. */

/** One ratio that a run must not lose much of. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  /** `more`: the larger the better. */
  readonly better: 'more' | 'less';
}

/** One ratio beside the committed one. */
export interface Comparison {
  readonly name: string;
  readonly committed: number;
  /** Undefined: the run has no such figure. */
  readonly measured: number | undefined;
  /** The share that was lost, negative for a gain; 1 for a figure that is missing. */
  readonly loss: number;
  readonly isLost: boolean;
}

/** A loss of more than this fails. */
export const TOLERATED = 0.15;

function lossOf({ value, better }: Ratio, measured: number): number {
  return better === 'more' ? 1 - measured / value : measured / value - 1;
}

/** A comparison for each committed ratio, in their order; a figure that was not measured, or is no number, is lost. */
export function compareRatios(committed: readonly Ratio[], measured: readonly Ratio[]): Comparison[] {
  return committed.map((ratio) => {
    const found = measured.find(({ name }) => name === ratio.name)?.value;
    const value = Number.isFinite(found) ? found : undefined;
    const loss = value === undefined ? 1 : lossOf(ratio, value);
    return { name: ratio.name, committed: ratio.value, measured: value, loss, isLost: loss > TOLERATED };
  });
}

const percent = (share: number): string => `${share > 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(0)} %`;

/** A table for a person. */
export function checkLines(comparisons: readonly Comparison[]): string[] {
  const lines = comparisons.map(({ name, committed, measured, loss, isLost }) =>
    [
      `  ${name.padEnd(14)}`,
      `committed ${committed.toPrecision(3)}`.padEnd(18),
      measured === undefined
        ? 'not measured'.padEnd(18)
        : `now ${measured.toPrecision(3)}`.padEnd(11) + percent(loss).padStart(7),
      isLost ? `  LOST (more than ${100 * TOLERATED} %)` : '  ok',
    ].join(' '),
  );
  const lost = comparisons.filter(({ isLost }) => isLost).length;
  return [
    `check against test/bench/ratios.json:`,
    ...lines,
    lost === 0 ? 'nothing lost' : `${lost} of ${comparisons.length} lost`,
  ];
}
