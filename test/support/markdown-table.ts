/** Tables that the tree keeps, as Markdown. */

export const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The table is kept narrow: aligned columns would turn every change into a new file. */
export const head = (names: readonly string[]): string[] => [
  '<!-- prettier-ignore -->',
  line(names),
  line(names.map(() => '---')),
];

/** A page of one table; `columns` names the rows' own column too. `note`: how the table came about. */
export function renderPlain(
  title: string,
  note: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [`# ${title}`, '', note, '', ...head(columns), ...rows.map(line), ''].join('\n');
}
