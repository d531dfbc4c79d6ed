/** Colours, fonts and labels of a diagram, in Graphviz's HTML-like form. */
import type { Box, Edge, Text } from './layout.js';
import { wrapped } from './labels.js';

/** Dark text on a light background of its own, for light and dark pages. */
export const INK = { text: '#1f2328', soft: '#59636e', line: '#57606a', ground: '#ffffff' } as const;

const TONES: Readonly<Record<Text['tone'], string>> = {
  event: INK.text,
  sends: '#0550ae',
  code: '#b42318',
  clock: '#8a5a00',
  note: INK.soft,
};

export const FILLS: Readonly<Record<Box['kind'], string>> = {
  plain: '#ddf4ff',
  group: '#f6f8fa',
  final: '#eaeef2',
  any: INK.ground,
};

export const STROKES: Readonly<Record<Edge['kind'], string>> = {
  move: INK.line,
  fail: TONES.code,
  clock: '#b07400',
};

/** Graphviz has the widths of Arial; the SVG names the generic families too. */
export const FONT = 'Arial';

/** The legend below the title: an entry is shown when the diagram has such a text. */
const LEGEND: readonly { tone: Text['tone']; occurs: (text: Text) => boolean; text: string }[] = [
  { tone: 'sends', occurs: ({ tone }) => tone === 'sends', text: 'blue: effects' },
  {
    tone: 'sends',
    occurs: ({ text }) => /\(\w+\)/.test(text),
    text: '(in parentheses): for some connection types',
  },
  { tone: 'clock', occurs: ({ tone }) => tone === 'clock', text: 'brown: deadline' },
  { tone: 'code', occurs: ({ tone }) => tone === 'code', text: 'red: reason codes' },
];

/** The title of a diagram, and below it the legend for its `texts`. */
export function titleLabel(title: string, texts: readonly Text[]): string {
  const heading = `<B><FONT POINT-SIZE="17" COLOR="${INK.text}">${escaped(title)}</FONT></B>`;
  const legend = LEGEND.filter(({ occurs }) => texts.some(occurs));
  const cells = legend.map((one) => `<TD CELLPADDING="7">${font(one)}</TD>`).join('');
  return `<${column(cells === '' ? [heading] : [heading, table(`<TR>${cells}</TR>`)], 'CENTER')}>`;
}

/** Name, description and inner texts of a box, wrapped at `width`. */
export function boxLabel({ title, description, inside }: Box, width: number): string {
  const name = `<B><FONT POINT-SIZE="13" COLOR="${INK.text}">${escaped(title)}</FONT></B>`;
  const note: Text = { tone: 'note', text: description };
  const rows = [note, ...inside]
    .filter(({ text }) => text !== '')
    .flatMap((text) => fontRows(text, widthOf(text, width)));
  return `<${column([name, ...rows], 'CENTER')}>`;
}

/** What is sent stays on one line. */
const widthOf = ({ tone }: Text, width: number): number => (tone === 'sends' ? 66 : width);

/** Texts one below the other; undefined when there are none. */
export function textLabel(texts: readonly Text[], indent = ''): string | undefined {
  const rows = texts.flatMap((text) => fontRows(text, 30, indent));
  return rows.length > 0 ? `<${column(rows, 'LEFT')}>` : undefined;
}

const column = (rows: readonly string[], align: 'CENTER' | 'LEFT'): string =>
  table(rows.map((row) => `<TR><TD ALIGN="${align}">${row}</TD></TR>`).join(''));

const table = (rows: string): string =>
  `<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">${rows}</TABLE>`;

const fontRows = ({ tone, text }: Text, width: number, indent = ''): string[] =>
  wrapped(text, width).map((part) => font({ tone, text: indent + part }));

const font = ({ tone, text }: Text): string =>
  `<FONT POINT-SIZE="11" COLOR="${TONES[tone]}">${escaped(text)}</FONT>`;

/** For text between tags, in labels as in SVG. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
