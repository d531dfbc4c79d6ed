/**
 * A picture as a Mermaid state diagram, which GitHub draws from text.
 *
 * As in the SVG, an end that states fail into holds its lists of codes, so that the lines have short labels.
 */
import type { Box, Line, Picture } from './picture.js';

/** Writes `picture` as a `stateDiagram-v2`. */
export function mermaidOf(picture: Picture): string {
  const { title, initial, boxes, lines } = picture;
  const body = [
    'direction TB',
    ...boxes.filter(({ parent }) => parent === null).flatMap((box) => place(box, picture)),
    `[*] --> ${initial}`,
    ...lines.map((line) => arrow(line, picture)),
    ...boxes.filter(({ kind }) => kind === 'final').map(({ name }) => `${name} --> [*]`),
  ];
  return `---\ntitle: ${title}\n---\nstateDiagram-v2\n${body.map(indented).join('\n')}\n`;
}

const indented = (row: string): string => `    ${row}`;

function place(box: Box, picture: Picture): string[] {
  const children = picture.boxes.filter(({ parent }) => parent === box.name);
  const rows = [...children.flatMap((child) => place(child, picture)), ...entriesOf(box, picture)];
  if (rows.length === 0) return [`state "${textsOf(box).join('<br>')}" as ${box.name}`];
  // The heading of a composite state has one line only.
  return [`state "${textsOf(box).join(' – ')}" as ${box.name} {`, ...rows.map(indented), '}'];
}

const textsOf = ({ title, description, inside }: Box): string[] =>
  [title, description, ...inside.map(({ text }) => text)].filter((text) => text !== '').map(safe);

const isFailure = ({ codes }: Line): boolean => codes.length > 0;

/** The lists of codes that stand within an end. */
const entriesOf = ({ name }: Box, { lines }: Picture): string[] => [
  ...new Set(lines.filter((line) => line.to === name && isFailure(line)).map((line) => entry(line, lines))),
];

const entry = (line: Line, lines: readonly Line[]): string =>
  `state "${line.codes.join('<br>')}" as ${entryName(line, lines)}`;

/** Lines with the same codes share one list, named after the first of them. */
function entryName(line: Line, lines: readonly Line[]): string {
  const first = lines.find(({ to, codes }) => to === line.to && codes.join() === line.codes.join());
  return (first ?? line).id.replace(/^edge-/, '').replaceAll('-', '_');
}

function arrow(line: Line, { lines }: Picture): string {
  const head = isFailure(line) ? entryName(line, lines) : line.to;
  const text = line.label.map((part) => safe(part.text)).join('<br>');
  return `${line.from} --> ${head}${text === '' ? '' : `: ${text}`}`;
}

/** A colon ends a name, a semicolon a statement, a hash starts an entity. */
const safe = (text: string): string =>
  text
    .replaceAll(': ', ' – ')
    .replaceAll(':', '–')
    .replaceAll(';', ',')
    .replaceAll('#', '')
    .replaceAll('"', "'");
