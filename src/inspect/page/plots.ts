/** Draws small plots: bars for counts, a line for pings, a curve for a growing total. */
import { makeSvg, make } from './dom.js';
import { ago, number, span } from './format.js';

export interface Bar {
  readonly label: string;
  readonly count: number;
  /** The tooltip. */
  readonly about: string;
  readonly tone: string;
}

/** Horizontal bars with their figures, as a list. */
export function bars(items: readonly Bar[]): HTMLElement {
  const largest = Math.max(1, ...items.map(({ count }) => count));
  const lines = items.map(({ label, count, about, tone }) => {
    const bar = make('span.bar');
    bar.style.width = `${(100 * count) / largest}%`;
    const line = make('li', make('span.label', label), make('span.track', bar), make('b', number(count)));
    line.title = about;
    line.className = tone;
    return line;
  });
  return make('ul.bars', ...lines);
}

/** Upright bars side by side. */
export function histogram(items: readonly Omit<Bar, 'tone'>[]): HTMLElement {
  const largest = Math.max(1, ...items.map(({ count }) => count));
  const columns = items.map(({ label, count, about }) => {
    const bar = make('span.bar');
    bar.style.height = `${(100 * count) / largest}%`;
    const column = make(
      'li',
      make('b', count > 0 ? number(count) : ''),
      make('span.track', bar),
      make('span.label', label),
    );
    column.title = `${about}: ${number(count)}`;
    return column;
  });
  return make('ol.histogram', ...columns);
}

const WIDTH = 320;
const HEIGHT = 64;
const EDGE = 6;

/** Pings as a line, from the first to the latest. */
export function pingPlot(pings: readonly (readonly [at: number, ms: number])[]): SVGSVGElement {
  const times = pings.map(([, ms]) => ms);
  const [shortest, longest] = [Math.min(...times), Math.max(...times)];
  const [from, to] = [pings[0]?.[0] ?? 0, pings.at(-1)?.[0] ?? 0];
  const x = (at: number): number => EDGE + ((WIDTH - 2 * EDGE) * (at - from)) / Math.max(1, to - from);
  const y = (ms: number): number => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * ms) / Math.max(1e-6, longest);
  const about = `${pings.length} pings, ${span(shortest)} to ${span(longest)}`;
  const svg = makeSvg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: 'pings',
    role: 'img',
    'aria-label': about,
  });
  const points = pings.map(([at, ms]) => `${x(at).toFixed(1)},${y(ms).toFixed(1)}`);
  svg.append(makeSvg('title', {}, about), makeSvg('polyline', { points: points.join(' ') }));
  for (const [at, ms] of pings) svg.append(makeSvg('circle', { cx: x(at), cy: y(ms), r: 2.5 }));
  return svg;
}

const TALL = 160;
const WIDE = 640;

/** A total that grows over time, as steps from the first point to the latest. */
export function curvePlot(points: readonly (readonly [t: number, total: number])[]): SVGSVGElement {
  const [from, to] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
  const total = points.at(-1)?.[1] ?? 0;
  const x = (t: number): number => EDGE + ((WIDE - 2 * EDGE) * (t - from)) / Math.max(1, to - from);
  const y = (count: number): number => TALL - EDGE - ((TALL - 2 * EDGE) * count) / Math.max(1, total);
  const about = `${number(total)} within ${ago(to - from)}`;
  const svg = makeSvg('svg', {
    viewBox: `0 0 ${WIDE} ${TALL}`,
    class: 'curve',
    role: 'img',
    'aria-label': about,
  });
  const steps = points.map(([t, count]) => `H${x(t).toFixed(1)}V${y(count).toFixed(1)}`);
  svg.append(makeSvg('title', {}, about), makeSvg('path', { d: `M${EDGE},${TALL - EDGE}${steps.join('')}` }));
  svg.append(makeSvg('text', { x: EDGE, y: 2 * EDGE + 4 }, about));
  return svg;
}
