/** DOT to SVG: Graphviz renders, then the output is made smaller, stable and gets tooltips. */
import { instance } from '@viz-js/viz';
import { dotOf } from './dot.js';
import { escaped } from './style.js';
import type { Layout } from './layout.js';

/** Draws `layout` as SVG; each state and each edge is a `<g>` with its id, a class and a tooltip. */
export async function svgOf(layout: Layout): Promise<string> {
  const viz = await instance();
  const raw = viz.renderString(dotOf(layout), { format: 'svg' });
  return entitled(cleaned(raw), layout);
}

/** Without the XML prologue and comments (Graphviz's version among them), with plain hyphens in ids. */
function cleaned(raw: string): string {
  return raw
    .slice(raw.indexOf('<svg'))
    .replace(/<!--[\s\S]*?-->\n?/g, '')
    .replaceAll('&#45;', '-')
    .replace(/(width|height)="(\d+)pt"/g, '$1="$2"')
    .replaceAll('font-family="Arial"', 'font-family="Helvetica, Arial, sans-serif"')
    .replaceAll(' xml:space="preserve"', '');
}

/** Browsers show a group's `<title>` under the pointer; Graphviz puts bare names there, and numbers into other ids. */
function entitled(svg: string, { title, boxes, edges }: Layout): string {
  const tips = new Map([...boxes, ...edges].map(({ id, tooltip }) => [id, tooltip]));
  return svg
    .replace(/(<g id="([^"]+)"[^>]*>\n)<title>.*<\/title>\n/g, (_, open: string, id: string) => {
      const tip = tips.get(id);
      return tip === undefined ? open : `${open}<title>${escaped(tip)}</title>\n`;
    })
    .replace('<svg ', '<svg role="img" ')
    .replace('<g id="graph0"', `<title>${escaped(title)}</title>\n$&`)
    .replace(/ id="(?!state-|edge-)[^"]*"/g, '');
}
