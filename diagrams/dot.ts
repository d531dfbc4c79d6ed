/**
 * A layout in Graphviz's language.
 *
 * States are drawn from top to bottom. A final state with lists of codes is a tall frame beside them: each list is at
 * the height of the state it belongs to, so that edges stay short and do not cross.
 */
import { boxLabel, FILLS, FONT, INK, STROKES, textLabel, titleLabel } from './style.js';
import { ANY, type Box, type Edge, type Layout, type Text } from './layout.js';

type Attributes = Readonly<Record<string, string | number | undefined>>;

const GRAPH: Attributes = {
  bgcolor: INK.ground,
  compound: 'true',
  newrank: 'true',
  fontname: FONT,
  labelloc: 't',
  nodesep: 0.3,
  ranksep: 0.32,
  pad: 0.2,
};
const NODE: Attributes = { fontname: FONT, fontcolor: INK.text, color: INK.line, shape: 'box' };
const EDGE: Attributes = { fontname: FONT, color: INK.line, arrowsize: 0.8 };
const DOT: Attributes = { shape: 'circle', width: 0.16, label: '', style: 'filled', fillcolor: INK.text };

/** Space between a label and its edge. */
const GAP = '\u00a0\u00a0';

/** Writes `layout` as DOT. */
export function dotOf(layout: Layout): string {
  const { boxes, edges, title } = layout;
  return block(`digraph ${quoted(title)}`, [
    statement('graph', { ...GRAPH, label: titleLabel(title, textsOf(layout)) }),
    statement('node', NODE),
    statement('edge', EDGE),
    statement('start', { ...DOT, id: 'state-start' }),
    startEdge(layout),
    ...boxes.filter(({ parent }) => parent === null).map((box) => place(box, layout)),
    ...edges.map((edge) => edgeStatement(edge, boxes)),
    ...levels(layout),
  ]);
}

/** A compound initial state is no node in Graphviz: the edge is clipped at its frame. */
function startEdge({ initial, boxes }: Layout): string {
  const first = leafOf(initial, boxes, 0);
  const lhead = first === initial ? undefined : `cluster_${initial}`;
  return statement(`start -> ${first}`, { id: `edge-start-${initial}`, weight: 9, lhead });
}

const textsOf = ({ boxes, edges }: Layout): Text[] => [
  ...boxes.flatMap(({ inside }) => inside),
  ...edges.flatMap(entryTexts),
];

function place(box: Box, layout: Layout): string {
  if (box.kind === 'group') return group(box, layout);
  const failures = layout.edges.filter(({ to, codes }) => to === box.name && codes.length > 0);
  return failures.length > 0 ? panel(box, failures) : node(box);
}

const node = (box: Box): string =>
  statement(box.name, {
    id: box.id,
    class: `state ${box.kind}`,
    label: boxLabel(box, 36),
    style: box.kind === 'any' ? 'rounded,dashed' : 'rounded,filled',
    fillcolor: FILLS[box.kind],
    peripheries: box.kind === 'final' ? 2 : 1,
    margin: '0.14,0.08',
  });

const frame = (box: Box, width: number): string =>
  statement('graph', {
    id: box.id,
    class: `state ${box.kind}`,
    label: boxLabel(box, width),
    style: 'rounded,filled',
    fillcolor: FILLS[box.kind],
    color: INK.line,
    margin: 14,
    // A label without a description fits into the corner, out of the way of the edges.
    labeljust: box.description === '' ? 'r' : 'c',
  });

const group = (box: Box, layout: Layout): string =>
  block(`subgraph cluster_${box.name}`, [
    frame(box, 20),
    ...layout.boxes.filter(({ parent }) => parent === box.name).map((child) => place(child, layout)),
  ]);

/** The outer cluster gives the frame a double border, as every final state has. */
const panel = (box: Box, failures: readonly Edge[]): string =>
  block(`subgraph cluster_border_${box.name}`, [
    statement('graph', { style: 'rounded', color: INK.line, margin: 4, label: '' }),
    block(`subgraph cluster_${box.name}`, [
      frame(box, 30),
      ...new Set(failures.map(entry)),
      statement([...new Set(failures.map(entryName))].join(' -> '), { style: 'invis' }),
    ]),
  ]);

const entry = (edge: Edge): string =>
  statement(entryName(edge), {
    class: 'codes',
    label: textLabel(entryTexts(edge)),
    style: 'rounded,filled',
    fillcolor: INK.ground,
    color: STROKES[edge.kind],
    margin: '0.08,0.04',
  });

const entryTexts = ({ codes, label }: Edge): Text[] => [
  ...label,
  ...codes.map((text): Text => ({ tone: 'code', text })),
];

/** States that fail with the same codes share one entry. */
const entryName = (edge: Edge): string =>
  quoted(
    entryTexts(edge)
      .map(({ text }) => text)
      .join(' '),
  );

/** A compound state is no node in Graphviz: its edges start at a child and are clipped at the frame. */
function edgeStatement(edge: Edge, boxes: readonly Box[]): string {
  const isEntry = edge.codes.length > 0;
  const tail = leafOf(edge.from, boxes, -1);
  const head = isEntry ? entryName(edge) : leafOf(edge.to, boxes, 0);
  return statement(`${tail} -> ${head}`, {
    id: edge.id,
    class: edge.kind,
    label: isEntry ? undefined : textLabel(edge.label, GAP),
    color: STROKES[edge.kind],
    weight: isEntry ? 1 : 4,
    ltail: tail === edge.from ? undefined : `cluster_${edge.from}`,
    lhead: isEntry || head === edge.to ? undefined : `cluster_${edge.to}`,
    ...(edge.kind === 'clock' && { style: 'dashed', dir: 'both', arrowtail: 'odot' }),
  });
}

function leafOf(name: string, boxes: readonly Box[], which: number): string {
  const inner = boxes.filter(({ parent }) => parent === name);
  return inner.at(which)?.name ?? name;
}

/** What is drawn at the same height: the first state and its failures; the final states and the box for every state. */
function levels({ boxes, edges, initial }: Layout): string[] {
  const first = edges.find(({ from, codes }) => from === initial && codes.length > 0);
  const framed = new Set(edges.filter(({ codes }) => codes.length > 0).map(({ to }) => to));
  const last = boxes.filter(({ kind, name }) => (kind === 'final' && !framed.has(name)) || name === ANY);
  const rows = [first ? [initial, entryName(first)] : [], last.map(({ name }) => name)];
  return rows.filter((row) => row.length > 1).map((row) => `{ rank=same; ${row.join('; ')} }`);
}

function statement(subject: string, attributes: Attributes): string {
  const set = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === 'string' ? quoted(value) : value}`],
  );
  return `${subject} [${set.join(', ')}]`;
}

const block = (head: string, rows: readonly string[]): string => `${head} {\n${rows.join('\n')}\n}`;

/** HTML labels stand in angle brackets, everything else in quotes. */
const quoted = (text: string): string =>
  text.startsWith('<<') ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
