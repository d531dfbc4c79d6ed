/** Figures as text for a person. */
import {
  type Figure,
  type Goal,
  goalText,
  noiseOf,
  orderOf,
  type Result,
  type Row,
  type Spread,
  verdictOf,
} from './figure.js';

/** Three significant digits, thousands apart. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))));
  return Number(value.toFixed(digits)).toLocaleString('en-US', { maximumFractionDigits: 5 });
}

const range = ({ min, max }: Spread): string => (min === max ? '' : ` (${number(min)}–${number(max)})`);
const spread = (of: Spread): string => `${number(of.median)}${range(of)}`;

/** Whether the goal is reached, as a word. */
const verdict = (goal: Goal | undefined, value: Spread): string =>
  goal ? `, goal ${goalText(goal)}: ${verdictOf(value.median, goal)}` : '';

function rowLine(row: Row, unit: string): string {
  const parts = [
    `  ${row.who.padEnd(14)}`,
    `${spread(row.measured)} ${unit}`.padEnd(40),
    row.ratio ? spread(row.ratio).padEnd(22) : ''.padEnd(22),
    row.cpu && row.cpuratio ? `CPU ${number(row.cpu.median)} µs each, ratio ${spread(row.cpuratio)}` : '',
  ];
  return parts.join(' ').trimEnd();
}

/** The lines of a figure. */
export function figureLines({ name, about, reading, unit, goal }: Figure, result: Result): string[] {
  const ceiling = result.rows.find(({ ratio }) => ratio?.min === 1 && ratio.max === 1)?.who;
  const noise = ceiling === undefined ? undefined : noiseOf(result.rows, ceiling);
  return [
    `${name}: ${about}`,
    `  ${spread(result.value)} ${reading}${verdict(goal, result.value)}`,
    ...result.rows.map((row) => rowLine(row, unit)),
    ...(noise === undefined ? [] : [`  ${orderOf(result.rows)}`, `  ${noise}`]),
    ...result.notes.map((note) => `  ${note}`),
  ];
}
