/** The figures of the attacks: one line each, with the figure of the first version where it was measured. */

/** `before`: what the first version did in the same attack. */
export function report(attack: string, figure: string, before: string): void {
  process.stdout.write(`attack: ${attack}: ${figure} (before: ${before})\n`);
}

/** A percentile: the value that the given percentage of the values does not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}
