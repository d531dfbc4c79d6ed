/** The committed ratios, `ratios.json`: those figures that compare with something measured in the same run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Ratio } from './check.js';
import type { Reported } from './page-table.js';

const FILE = fileURLToPath(new URL('../../../test/bench/ratios.json', import.meta.url));

/** Figures whose value is a ratio, and which way is better. */
const BETTER: Readonly<Record<string, Ratio['better']>> = {
  inbound: 'more',
  inbound512: 'more',
  outbound: 'more',
  latency: 'less',
  life: 'less',
  traffic: 'more',
  v2: 'more',
};

export const readRatios = (): Ratio[] => JSON.parse(readFileSync(FILE, 'utf8')) as Ratio[];

/** The ratios of a run. A figure that failed is left out. */
export const ratiosIn = (figures: readonly Reported[]): Ratio[] =>
  Object.entries(BETTER).flatMap(([name, better]) => {
    const value = figures.find((figure) => figure.name === name)?.value?.median;
    return value === undefined ? [] : [{ name, value: Number(value.toPrecision(3)), better }];
  });

export function writeRatios(ratios: readonly Ratio[]): void {
  writeFileSync(FILE, `${JSON.stringify(ratios, undefined, 2)}\n`);
}
