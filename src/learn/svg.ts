/** A Mealy machine as SVG, drawn by Graphviz. Silent arrows that change nothing are left out. */
import type { Mealy } from './automata/index.js';
import { arrowGroups, type ArrowGroup, type ArrowSet } from './arrow-groups.js';

export interface DrawOptions {
  /** Arrows that are drawn in red. */
  readonly differing?: ArrowSet;
  /** Texts of the states; default `s0`, `s1`, … */
  readonly names?: readonly string[];
}

const INK = { line: '#57606a', text: '#1f2328', state: '#ddf4ff', differs: '#b42318' } as const;
/** Characters of a line of a label. */
const WIDTH = 44;

/** Rejects with the module loader's error when the optional package @viz-js/viz is not installed. */
export async function svgOf(machine: Mealy, options: DrawOptions = {}): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const svg = (await instance()).renderString(dotOf(machine, options), { format: 'svg' });
  return svg.slice(svg.indexOf('<svg')).replace(/<!--[\s\S]*?-->\n?/g, '');
}

/** The same in Graphviz's language. */
export function dotOf(machine: Mealy, { differing, names }: DrawOptions = {}): string {
  const states = machine.states.map((_, n) => `  s${n} [label=${quoted(labelOf(n, names))}];`);
  return [
    'digraph machine {',
    '  graph [bgcolor="#ffffff", ranksep=0.5, nodesep=0.4, pad=0.2];',
    `  node [shape=box, style="rounded,filled", fillcolor="${INK.state}", color="${INK.line}", fontname=Arial];`,
    `  edge [color="${INK.line}", fontcolor="${INK.text}", fontname=Arial, fontsize=11];`,
    '  start [shape=circle, width=0.16, label="", style=filled, fillcolor="#1f2328"];',
    '  start -> s0;',
    ...states,
    ...arrowGroups(machine, differing).map(edgeOf),
    '}',
  ].join('\n');
}

const labelOf = (state: number, names: readonly string[] = []): string =>
  names[state] === undefined ? `s${state}` : `s${state}: ${names[state]}`;

function edgeOf({ from, to, inputs, output, differs }: ArrowGroup): string {
  const label = [...wrapped(inputs.join(', ')), `→ ${output === '' ? 'nothing' : output}`].join('\n');
  const red = differs
    ? `, color="${INK.differs}", fontcolor="${INK.differs}", penwidth=2, class=differs`
    : '';
  return `  s${from} -> s${to} [label=${quoted(label)}${red}];`;
}

/** Lines of whole words, each but the last at least {@link WIDTH} long. */
const wrapped = (text: string): string[] =>
  text.match(new RegExp(`.{1,${WIDTH}}(?: |$)`, 'g'))?.map((line) => line.trim()) ?? [text];

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
