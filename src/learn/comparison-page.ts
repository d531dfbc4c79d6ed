/** Renders two models as a static HTML page: both charts side by side, differing transitions in red, and the list of differences. */
import { differences } from './automata/index.js';
import type { Behaviour } from './chart-model.js';
import type { ModelDifference } from './compare.js';
import { isFinal } from './output.js';
import { escaped } from '../markup/escaped.js';
import { svgOf } from './svg.js';

/** A model and its heading. */
export interface Side {
  readonly title: string;
  readonly model: Behaviour;
}

/** A difference with the explanation of `known-differences.json`, if it has one. */
export type ExplainedDifference = ModelDifference & { readonly explanation?: string };

/** The page as HTML text. It contains everything and loads nothing. Rejects as {@link svgOf}. */
export async function comparisonPage(
  one: Side,
  other: Side,
  list: readonly ExplainedDifference[],
  form = '',
): Promise<string> {
  const found = differences(one.model.machine, other.model.machine, isFinal);
  const transitions = [0, 1].map(
    (side) => new Set(found.map(({ word, states }) => `${states[side] ?? 0} ${word.at(-1) ?? 0}`)),
  );
  const charts = await Promise.all([one, other].map((side, n) => chartOf(side, transitions[n] ?? new Set())));
  return page(`${one.title} and ${other.title}`, charts.join('\n'), tableOf(one, other, list), form);
}

async function chartOf({ title, model }: Side, differing: ReadonlySet<string>): Promise<string> {
  const svg = await svgOf(model.machine, { differing, ...(model.names && { names: model.names }) });
  const greeting = model.greeting === '' ? '' : `<p>before any input: ${escaped(model.greeting)}</p>`;
  return `<section><h2>${escaped(title)}</h2>${greeting}${svg}</section>`;
}

function tableOf(one: Side, other: Side, list: readonly ExplainedDifference[]): string {
  const isExplained = list.some(({ explanation }) => explanation !== undefined);
  const heads = ['inputs', one.title, other.title, 'rule', ...(isExplained ? ['explanation'] : [])];
  const rows = list.map(({ word, expected, actual, rule, explanation = '' }) => [
    word.join(', ') || 'before any input',
    spelled(expected.at(-1)),
    spelled(actual.at(-1)),
    rule,
    ...(isExplained ? [explanation] : []),
  ]);
  const row = (tag: string, cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row('th', heads)}${rows.map((cells) => row('td', cells)).join('\n')}</table>`;
}

const spelled = (output = ''): string => (output === '' ? 'nothing' : output);

const STYLE = `
body { font: 14px Helvetica, Arial, sans-serif; color: #1f2328; margin: 1rem; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.1rem; }
h1, h2, td { overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
section, .differences { overflow: auto; }
section { border: 1px solid #d0d7de; padding: 0 0.5rem; }
svg { zoom: 0.7; }
table { border-collapse: collapse; margin-top: 1rem; }
th, td { border: 1px solid #d0d7de; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; }
@media (max-width: 50rem) { .charts { grid-template-columns: minmax(0, 1fr); } td { min-width: 7rem; } }
`;

const page = (title: string, charts: string, table: string, form: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escaped(title)}</h1>
${form}
<p>A transition is labelled with the received inputs and, after →, the messages sent. A line inside a state is a transition to the same state. Differences are red.</p>
<div class="charts">
${charts}
</div>
<div class="differences">${table}</div>
</body>
</html>`;
