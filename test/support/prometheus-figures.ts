/** The values of a family of metrics by their labels, for comparison. */
import type { Family, Sample } from './prometheus-parser.js';

/** The samples of a family with these labels, by their value. */
export function figures(families: Map<string, Family>, name: string): Record<string, number> {
  const { samples } = families.get(name) ?? { samples: [] };
  return Object.fromEntries(samples.map((sample) => [keyOf(sample), sample.value]));
}

const keyOf = ({ name, labels }: Sample): string =>
  [/_(bucket|sum|count)$/.exec(name)?.[0] ?? '', ...Object.values(labels)].filter(Boolean).join(' ');
