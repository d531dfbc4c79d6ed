/**
 * A layout as a Mermaid state diagram, which GitHub renders from text.
 *
 * As in the SVG, a final state contains its lists of codes, so that edges have short labels.
 */
import type { Box, Edge, Layout } from './layout.js';

/** Writes `layout` as a `stateDiagram-v2`. */
export function mermaidOf(layout: Layout): string {
  const { title, initial, boxes, edges } = layout;
  const body = [
    'direction TB',
    ...boxes.filter(({ parent }) => parent === null).flatMap((box) => place(box, layout)),
    `[*] --> ${initial}`,
    ...edges.map((edge) => arrow(edge, layout)),
    ...boxes.filter(({ kind }) => kind === 'final').map(({ name }) => `${name} --> [*]`),
  ];
  return `---\ntitle: ${title}\n---\nstateDiagram-v2\n${body.map(indented).join('\n')}\n`;
}

const indented = (row: string): string => `    ${row}`;

function place(box: Box, layout: Layout): string[] {
  const children = layout.boxes.filter(({ parent }) => parent === box.name);
  const rows = [...children.flatMap((child) => place(child, layout)), ...entriesOf(box, layout)];
  if (rows.length === 0) return [`state "${textsOf(box).join('<br>')}" as ${box.name}`];
  // The heading of a composite state has one line only.
  return [`state "${textsOf(box).join(' – ')}" as ${box.name} {`, ...rows.map(indented), '}'];
}

const textsOf = ({ title, description, inside }: Box): string[] =>
  [title, description, ...inside.map(({ text }) => text)].filter((text) => text !== '').map(safe);

const isFailure = ({ codes }: Edge): boolean => codes.length > 0;

/** The lists of codes within a final state. */
const entriesOf = ({ name }: Box, { edges }: Layout): string[] => [
  ...new Set(edges.filter((edge) => edge.to === name && isFailure(edge)).map((edge) => entry(edge, edges))),
];

const entry = (edge: Edge, edges: readonly Edge[]): string =>
  `state "${edge.codes.join('<br>')}" as ${entryName(edge, edges)}`;

/** Lines with the same codes share one list, named after the first of them. */
function entryName(edge: Edge, edges: readonly Edge[]): string {
  const first = edges.find(({ to, codes }) => to === edge.to && codes.join() === edge.codes.join());
  return (first ?? edge).id.replace(/^edge-/, '').replaceAll('-', '_');
}

function arrow(edge: Edge, { edges }: Layout): string {
  const head = isFailure(edge) ? entryName(edge, edges) : edge.to;
  const text = edge.label.map((part) => safe(part.text)).join('<br>');
  return `${edge.from} --> ${head}${text === '' ? '' : `: ${text}`}`;
}

/** A colon ends a name, a semicolon a statement, a hash starts an entity. */
const safe = (text: string): string =>
  text
    .replaceAll(': ', ' – ')
    .replaceAll(':', '–')
    .replaceAll(';', ',')
    .replaceAll('#', '')
    .replaceAll('"', "'");
