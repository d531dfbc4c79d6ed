/** A machine as files: two SVG images, Mermaid text, the data they are made from, and the config for Stately. */
import type { AnyStateMachine } from 'xstate';
import { chartOf, type Chart } from './chart.js';
import { annotations } from './annotations.js';
import { mermaidOf } from './mermaid.js';
import { edgeId, layoutOf, overviewOf } from './layout.js';
import { svgOf } from './svg.js';

/** File name → content. The same machine gives the same bytes. */
export async function filesOf(machine: AnyStateMachine): Promise<Record<string, string>> {
  const chart = chartOf(machine, annotations);
  const layout = layoutOf(chart);
  return {
    [`${chart.id}.json`]: `${JSON.stringify(withEdges(chart), null, 2)}\n`,
    [`${chart.id}.mmd`]: mermaidOf(layout),
    [`${chart.id}.svg`]: await svgOf(layout),
    [`${chart.id}.overview.svg`]: await svgOf(overviewOf(layout)),
    [`${chart.id}.xstate.json`]: `${JSON.stringify(machine.config, null, 2)}\n`,
  };
}

/** Each arrow with the id of its edge in the SVG. */
function withEdges(chart: Chart): object {
  const arrows = chart.arrows.map((arrow) => ({ ...arrow, edge: edgeId(chart, arrow) ?? null }));
  return { ...chart, arrows };
}
