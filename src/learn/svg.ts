/** Renders a Mealy machine as SVG with Graphviz. Transitions without output and state change are omitted. */
import { escaped } from '../markup/escaped.js';
import type { Mealy } from './automata/index.js';
import { transitionGroups, type TransitionGroup, type TransitionSet } from './transition-groups.js';

export interface DrawOptions {
  /** Transitions that are drawn in red. */
  readonly differing?: TransitionSet;
  /** Names that are added to the labels `s0`, `s1`, … of the states. */
  readonly names?: readonly string[];
}

const INK = { line: '#57606a', text: '#1f2328', state: '#ddf4ff', differs: '#b42318' } as const;
/** Characters after which a label is wrapped. */
const WIDTH = 26;

/** Rejects with the module loader's error when the optional package @viz-js/viz is not installed. */
export async function svgOf(machine: Mealy, options: DrawOptions = {}): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const svg = (await instance()).renderString(dotOf(machine, options), { format: 'svg' });
  return svg.slice(svg.indexOf('<svg')).replace(/<!--[\s\S]*?-->\n?/g, '');
}

/** The machine in Graphviz's DOT language. */
export function dotOf(machine: Mealy, { differing, names }: DrawOptions = {}): string {
  const groups = transitionGroups(machine, differing);
  const states = machine.states.map((_, n) => {
    const loops = groups.filter(({ from, to }) => from === n && to === n);
    return `  s${n} [label=<${[titleOf(n, names), ...loops.map(loopText)].join('<BR/>')}>];`;
  });
  return [
    'digraph machine {',
    '  graph [bgcolor="#ffffff", ranksep=0.5, nodesep=0.4, pad=0.2];',
    `  node [shape=box, style="rounded,filled", fillcolor="${INK.state}", color="${INK.line}", fontname=Arial];`,
    `  edge [color="${INK.line}", fontcolor="${INK.text}", fontname=Arial, fontsize=11];`,
    '  start [shape=circle, width=0.16, label="", style=filled, fillcolor="#1f2328"];',
    '  start -> s0;',
    ...states,
    ...groups.filter(({ from, to }) => from !== to).map(edgeOf),
    '}',
  ].join('\n');
}

const titleOf = (state: number, names: readonly string[] = []): string =>
  `<B>s${state}${names[state] === undefined ? '' : escaped(`: ${names[state]}`)}</B>`;

/** A transition from a state to itself is a line inside the state, because arrows for all of them would overlap. */
function loopText(group: TransitionGroup): string {
  const color = group.differs ? INK.differs : INK.text;
  const text = linesOf(group).map(escaped).join('<BR/>');
  return `<FONT POINT-SIZE="11" COLOR="${color}">${text}</FONT>`;
}

function edgeOf(group: TransitionGroup): string {
  const { from, to, differs } = group;
  const label = linesOf(group).map(escaped).join('<BR/>');
  const red = differs
    ? `, color="${INK.differs}", fontcolor="${INK.differs}", penwidth=2, class=differs`
    : '';
  return `  s${from} -> s${to} [label=<${label}>${red}];`;
}

const linesOf = ({ inputs, output }: TransitionGroup): string[] => [
  ...wrapped(inputs.join(', ')),
  `→ ${output === '' ? 'nothing' : output}`,
];

/** Wraps text at spaces into lines of at most {@link WIDTH} characters; a longer word is not split. */
const wrapped = (text: string): string[] =>
  text.match(new RegExp(`.{1,${WIDTH}}(?: |$)`, 'g'))?.map((line) => line.trim()) ?? [text];
