/** A page for the inspector: two of the learned models of this package, or one and our chart, chosen by name and compared. */
import { NETWORKS } from '../index.js';
import { type Behaviour, chartModel } from './chart-model.js';
import { compare } from './compare.js';
import { comparisonPage, type ExplainedDifference } from './comparison-page.js';
import { explanationOf, loadKnownDifferences } from './known-differences.js';
import { loadKnownModels } from './known-models.js';
import type { Model } from './model.js';
import { escaped } from '../markup/escaped.js';

const CHART = 'our chart';

/**
 * The page as HTML. `query`: the names of the two sides in `one` and `other`; a name that is absent or unknown is replaced by
 * the default, our chart and the first model. Rejects as `svgOf`.
 */
export async function chosenComparison(query: URLSearchParams): Promise<string> {
  const models = new Map(
    loadKnownModels().map(({ label, settings, model }) => [`${label} ${settings}`.trim(), model]),
  );
  const [first = CHART] = models.keys();
  const chosen = (key: string, usual: string): string => {
    const name = query.get(key) ?? '';
    return name === CHART || models.has(name) ? name : usual;
  };
  const [one, other] = [chosen('one', CHART), chosen('other', first)];
  const like = models.get(other) ?? models.get(one) ?? models.get(first);
  if (!like) throw new Error('there are no learned models');
  const [left, right] = [one, other].map((name) => models.get(name) ?? chartLike(like)) as [
    Behaviour,
    Behaviour,
  ];
  const list = one === CHART ? explained(left, like) : compare(left, right);
  const sides = [
    { title: one, model: left },
    { title: other, model: right },
  ] as const;
  return comparisonPage(...sides, list, formOf([CHART, ...models.keys()], one, other));
}

/** Our chart with the announcements of a node. */
const chartLike = ({ connection_type, transport, node }: Model): Behaviour =>
  chartModel({ chain: NETWORKS.regtest, connection_type, transport, ...node });

function explained(chart: Behaviour, model: Model): ExplainedDifference[] {
  const known = loadKnownDifferences();
  return compare(chart, model).map((difference) => {
    const explanation = explanationOf(difference, model, known);
    return { ...difference, ...(explanation !== undefined && { explanation }) };
  });
}

function formOf(names: readonly string[], one: string, other: string): string {
  const select = (key: string, chosen: string): string => {
    const options = names.map(
      (name) => `<option${name === chosen ? ' selected' : ''}>${escaped(name)}</option>`,
    );
    return `<select name="${key}" aria-label="${key} model">${options.join('')}</select>`;
  };
  return `<form action="/compare">${select('one', one)} and ${select('other', other)} <button>compare</button> <a href="/">back to the node</a></form>`;
}
