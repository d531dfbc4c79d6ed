/** A machine as three files: a picture, its text for GitHub, and what both are made from. */
import type { AnyStateMachine } from 'xstate';
import { chartOf, type Chart } from './graph.js';
import { lexicon } from './lexicon.js';
import { mermaidOf } from './mermaid.js';
import { lineId, pictureOf } from './picture.js';
import { svgOf } from './svg.js';

/** File name → content. The same machine gives the same bytes. */
export async function drawingsOf(machine: AnyStateMachine): Promise<Record<string, string>> {
  const chart = chartOf(machine, lexicon);
  const picture = pictureOf(chart);
  return {
    [`${chart.id}.json`]: `${JSON.stringify(withLines(chart), null, 2)}\n`,
    [`${chart.id}.mmd`]: mermaidOf(picture),
    [`${chart.id}.svg`]: await svgOf(picture),
  };
}

/** Each arrow with the id of the line that stands for it in the SVG, for pages that light it up. */
function withLines(chart: Chart): object {
  const arrows = chart.arrows.map((arrow) => ({ ...arrow, line: lineId(chart, arrow) ?? null }));
  return { ...chart, arrows };
}
