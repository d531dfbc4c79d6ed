/** The grid as Markdown: one table of everything, and one of the cells in which the connection's type matters. */
import { CONNECTION_TYPES } from '../../machines/index.js';
import { cellOf, type Column, NON_FINAL_STATES, type NonFinalState, textOf, TYPES_IN } from './cell.js';
import { head, line } from '../support/markdown-table.js';
import type { Row, Verdicts } from './row.js';
import { SOURCE_NOTE, sourceOf } from './source.js';

/** The texts of one row in one state, by type. */
export const byType = (row: Row, leaf: NonFinalState): Map<string, string> =>
  new Map(TYPES_IN[leaf].map((type) => [type, textOf(cellOf(row, { leaf, type }))]));

const alike = (texts: Map<string, string>): boolean => new Set(texts.values()).size === 1;

function mainCell(row: Row, leaf: NonFinalState): string {
  const texts = byType(row, leaf);
  return alike(texts) ? [...texts.values()][0]! : '**by type**';
}

function typeLines(row: Row): string[] {
  return NON_FINAL_STATES.filter((leaf) => !alike(byType(row, leaf))).map((leaf) => {
    const texts = byType(row, leaf);
    return line([row.name, leaf, ...CONNECTION_TYPES.map((type) => texts.get(type) ?? '–')]);
  });
}

const verdictsText = (verdicts: Verdicts): string =>
  new Set(verdicts).size === 1 ? verdicts[0] : verdicts.join(', ');

/** Core's answer, and where it is another one for some types. */
function coreText({ core, coreBy = {} }: Row): string {
  const others = Object.entries(coreBy).map(([type, verdicts]) => `${type}: ${verdictsText(verdicts)}`);
  return [verdictsText(core), ...others].join('; ');
}

const leadingCells = (row: Row): string[] => [row.name, row.rule, coreText(row), sourceOf(row)];

/** `note`: how the table came about. */
export function renderPeer(rows: readonly Row[], note: string): string {
  return [
    '# What the peer machine does, cell by cell',
    '',
    note,
    '',
    'Rules are case ids of the conformance suite or, as bare numbers, sections of the protocol notes. In `failed` and',
    '`closed` no event is handled: both are final.',
    '',
    '`Core` is the answer of Bitcoin Core while it awaits `version`, awaits `verack`, and is established; one word where the',
    'three agree. `stay`: ignored or noted, nothing sent. `K`: its settings and `verack` are sent. `E`: established. `–`: Core',
    'has no such event.',
    '',
    SOURCE_NOTE,
    '',
    ...head(['event', 'rule', 'Core', 'source', ...NON_FINAL_STATES]),
    ...rows.map((row) =>
      line([...leadingCells(row), ...NON_FINAL_STATES.map((leaf) => mainCell(row, leaf))]),
    ),
    '',
    '## Where we differ from Core on purpose',
    '',
    ...head(['event', 'why']),
    ...rows.flatMap(({ name, ours }) => (ours === undefined ? [] : [line([name, ours])])),
    '',
    '## Where the type of the connection matters',
    '',
    '`–`: a connection of that type is never in that state.',
    '',
    ...head(['event', 'state', ...CONNECTION_TYPES]),
    ...rows.flatMap(typeLines),
    '',
  ].join('\n');
}

export const nameOf = ({ leaf, type }: Column): string => `${leaf} (${type})`;
