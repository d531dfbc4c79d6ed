/**
 * A picture in Graphviz's language.
 *
 * Life goes down the page. An end that states fail into is a tall frame beside it: each list of codes stands in that
 * frame about as high as the state it comes from, so that the lines stay short and do not cross.
 */
import { boxLabel, FILLS, FONT, INK, STROKES, textLabel, titleLabel } from './look.js';
import { ANY, type Box, type Line, type Picture, type Text } from './picture.js';

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

/** Keeps a label off the line that it belongs to. */
const GAP = '\u00a0\u00a0';

/** Writes `picture` as DOT. */
export function dotOf(picture: Picture): string {
  const { boxes, lines, title, initial } = picture;
  return block(`digraph ${quoted(title)}`, [
    statement('graph', { ...GRAPH, label: titleLabel(title, textsOf(picture)) }),
    statement('node', NODE),
    statement('edge', EDGE),
    statement('start', { ...DOT, id: 'state-start' }),
    statement(`start -> ${initial}`, { id: `edge-start-${initial}`, weight: 9 }),
    ...boxes.filter(({ parent }) => parent === null).map((box) => place(box, picture)),
    ...lines.map((line) => edge(line, boxes)),
    ...levels(picture),
  ]);
}

const textsOf = ({ boxes, lines }: Picture): Text[] => [
  ...boxes.flatMap(({ inside }) => inside),
  ...lines.flatMap(entryTexts),
];

function place(box: Box, picture: Picture): string {
  if (box.kind === 'group') return group(box, picture);
  const failures = picture.lines.filter(({ to, codes }) => to === box.name && codes.length > 0);
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
  });

const group = (box: Box, picture: Picture): string =>
  block(`subgraph cluster_${box.name}`, [
    frame(box, 20),
    ...picture.boxes.filter(({ parent }) => parent === box.name).map((child) => place(child, picture)),
  ]);

/** The rim makes the frame's line double, as that of every end. */
const panel = (box: Box, failures: readonly Line[]): string =>
  block(`subgraph cluster_rim_${box.name}`, [
    statement('graph', { style: 'rounded', color: INK.line, margin: 4, label: '' }),
    block(`subgraph cluster_${box.name}`, [
      frame(box, 30),
      ...new Set(failures.map(entry)),
      statement([...new Set(failures.map(entryName))].join(' -> '), { style: 'invis' }),
    ]),
  ]);

const entry = (line: Line): string =>
  statement(entryName(line), {
    class: 'codes',
    label: textLabel(entryTexts(line)),
    style: 'rounded,filled',
    fillcolor: INK.ground,
    color: STROKES[line.kind],
    margin: '0.08,0.04',
  });

const entryTexts = ({ codes, label }: Line): Text[] => [
  ...label,
  ...codes.map((text): Text => ({ tone: 'code', text })),
];

/** States that fail with the same codes share one entry. */
const entryName = (line: Line): string =>
  quoted(
    entryTexts(line)
      .map(({ text }) => text)
      .join(' '),
  );

/** A compound state has no node of its own: its lines start at a child and are cut at the frame. */
function edge(line: Line, boxes: readonly Box[]): string {
  const isEntry = line.codes.length > 0;
  const tail = leafOf(line.from, boxes, -1);
  const head = isEntry ? entryName(line) : leafOf(line.to, boxes, 0);
  return statement(`${tail} -> ${head}`, {
    id: line.id,
    class: line.kind,
    label: isEntry ? undefined : textLabel(line.label, GAP),
    color: STROKES[line.kind],
    weight: isEntry ? 1 : 4,
    ltail: tail === line.from ? undefined : `cluster_${line.from}`,
    lhead: isEntry || head === line.to ? undefined : `cluster_${line.to}`,
    ...(line.kind === 'clock' && { style: 'dashed', dir: 'both', arrowtail: 'odot' }),
  });
}

function leafOf(name: string, boxes: readonly Box[], which: number): string {
  const inner = boxes.filter(({ parent }) => parent === name);
  return inner.at(which)?.name ?? name;
}

/** What stands side by side: the first state and its failures, the ends and the box for every state. */
function levels({ boxes, lines, initial }: Picture): string[] {
  const first = lines.find(({ from, codes }) => from === initial && codes.length > 0);
  const framed = new Set(lines.filter(({ codes }) => codes.length > 0).map(({ to }) => to));
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
