/** Figures as text for a person. */
import { type Figure, type Goal, isReached, type Result, type Row, type Spread } from './figure.js';

/** Three significant digits, thousands apart. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))));
  return Number(value.toFixed(digits)).toLocaleString('en-US', { maximumFractionDigits: 5 });
}

const range = ({ min, max }: Spread): string => (min === max ? '' : ` (${number(min)}–${number(max)})`);
const spread = (of: Spread): string => `${number(of.median)}${range(of)}`;

const wish = (goal: Goal): string =>
  'atLeast' in goal ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`;

/** Whether the goal is reached, as a word. */
const verdict = (goal: Goal | undefined, value: Spread): string =>
  goal ? `, goal ${wish(goal)}: ${isReached(value.median, goal) ? 'reached' : 'missed'}` : '';

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
  return [
    `${name}: ${about}`,
    `  ${spread(result.value)} ${reading}${verdict(goal, result.value)}`,
    ...result.rows.map((row) => rowLine(row, unit)),
    ...result.notes.map((note) => `  ${note}`),
  ];
}
