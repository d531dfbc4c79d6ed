/**
 * Formats the matrix as one HTML file without requests; all text is escaped. It is a table of verdicts; its script filters
 * the rows and shows what was sent, expected and observed.
 */
import { createHash } from 'node:crypto';
import { textOfFile } from '../case-files.js';
import { escaped } from '../../markup/escaped.js';
import type { Count, Verdict } from '../report.js';
import type { Matrix, MatrixCase, MatrixNode, MatrixResult } from './matrix.js';

const SIGNS: Readonly<Record<Verdict, string>> = {
  pass: '✓ pass',
  fail: '✗ fail',
  known: '≈ known',
  skip: '– not run',
};
const VERDICT_TEXTS: Readonly<Record<Verdict, string>> = {
  pass: 'as expected',
  fail: 'not as expected',
  known: 'not as expected, a known difference of this implementation',
  skip: 'not run: it does not apply, or something that it needs is missing',
};

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** JSON for a script element, without `<`, so that it cannot end the element. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** The whole page. */
export function matrixPage(matrix: Matrix): string {
  const [style, script] = [textOfFile('matrix/page-style.css'), textOfFile('matrix/page-script.js')];
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Bitcoin handshake conformance matrix</title>
<style>${style}</style></head>
<body>
<h1>Bitcoin handshake conformance matrix</h1>
${introduction(matrix)}
${nodeTable(matrix)}
${filters(matrix)}
<div class="scroll"><table id="cases"><thead><tr><th>case</th><th>input and expected result</th><th>grade</th><th>evidence</th>${matrix.nodes
    .map(({ name }) => `<th class="node">${escaped(name)}</th>`)
    .join('')}</tr></thead>
<tbody>
${matrix.cases.map((it) => row(it, matrix.nodes)).join('\n')}
</tbody></table></div>
<script type="application/json" id="matrix">${embedded(matrix)}</script>
<script>${script}</script>
</body></html>
`;
}

function introduction({ tester, began, seconds, chain, cases }: Matrix): string {
  const run = cases.filter(({ evidence }) => evidence === 'run').length;
  const [date] = began.split('T');
  const verdicts = Object.entries(VERDICT_TEXTS).map(
    ([verdict, text]) => `<span class="${verdict}">${SIGNS[verdict as Verdict]}</span> ${text}`,
  );
  return `<p>${cases.length} cases about the handshake and what follows it, run by ${escaped(tester)} on ${escaped(chain)}, ${escaped(date ?? '')}, in ${Math.round(seconds)} s.
The expected result is from a run of Bitcoin Core or Knots in ${run} cases, and from Core's source or a BIP in the others.</p>
<p class="soft">${verdicts.join(' · ')}. Select a cell to see what was sent, expected and observed.</p>`;
}

function nodeTable({ nodes }: Matrix): string {
  const rows = nodes.map(
    (node) =>
      `<tr><th>${escaped(node.name)}</th><td>${about(node)}</td>` +
      `<td class="count">${counts(node.listener)}</td><td class="count">${counts(node.dialler)}</td></tr>`,
  );
  return `<div class="scroll"><table id="nodes"><thead><tr><th>node</th><th>announces</th><th>as listener</th><th>as dialler</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function about({ nodeinfo, error }: MatrixNode): string {
  if (!nodeinfo) return `<span class="fail">no case could run: ${escaped(error ?? '')}</span>`;
  const { subver, version, listener, services } = nodeinfo;
  return `<code>${escaped(subver)}</code> ${version}, ${listener}<br><small>${escaped(services.join(', ') || 'no services')}</small>`;
}

const COUNTED: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: 'fail',
  known: 'known',
  skip: 'not run',
};

const counts = (count: Count): string =>
  Object.entries(COUNTED)
    .map(([verdict, text]) => {
      const number = count[verdict as Verdict];
      return `<span class="${number === 0 ? 'skip' : verdict}">${number} ${text}</span>`;
    })
    .join(' · ');

/** The labels of filter values, if they differ from the value. */
const LABELS: Readonly<Record<string, string>> = {
  inbound: 'listener',
  outbound: 'dialler',
  skip: 'not run',
};

const choice = (name: string, label: string, values: readonly (string | number)[]): string =>
  `<label>${label}<select name="${name}"><option value="">all</option>${values
    .map(String)
    .map((value) => `<option value="${escaped(value)}">${escaped(LABELS[value] ?? value)}</option>`)
    .join('')}</select></label>`;

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

function filters({ cases }: Matrix): string {
  return `<form>
<label>text<input type="search" name="text" placeholder="id, name or rule"></label>
${choice('command', 'command', distinct(cases.flatMap(({ commands }) => commands)).sort())}
${choice(
  'bip',
  'BIP',
  distinct(cases.flatMap(({ bips }) => bips)).sort((one, other) => one - other),
)}
${choice('verdict', 'verdict of a node', Object.keys(SIGNS))}
${choice('grade', 'grade', distinct(cases.map(({ grade }) => grade)))}
${choice('role', 'the node is', distinct(cases.map(({ role }) => role)))}
${choice('evidence', 'evidence', distinct(cases.map(({ evidence }) => evidence)))}
<label class="box"><input type="checkbox" name="differing">only where nodes differ</label>
<span id="shown" class="soft" role="status">${cases.length} cases</span>
</form>`;
}

function row(it: MatrixCase, nodes: readonly MatrixNode[]): string {
  const verdicts = Object.values(it.results).flatMap(({ verdict }) => (verdict === 'skip' ? [] : [verdict]));
  const { id, name, rule, grade, evidence } = it;
  return (
    `<tr data-id="${escaped(id)}"${distinct(verdicts).length > 1 ? ' class="differs"' : ''}>` +
    `<td class="id">${escaped(id)}</td><td>${escaped(name)}<br><small>${escaped(rule)}</small></td>` +
    `<td>${grade}</td><td>${evidence}</td>${nodes.map((node) => cell(node, it.results[node.name])).join('')}</tr>`
  );
}

function cell({ name }: MatrixNode, result: MatrixResult | undefined): string {
  if (!result) return '<td class="cell skip">–</td>';
  const { verdict, seen } = result;
  const title = seen === '' ? VERDICT_TEXTS[verdict] : seen;
  return (
    `<td class="cell"><button type="button" class="${verdict}" aria-expanded="false" data-node="${escaped(name)}" ` +
    `title="${escaped(title)}">${SIGNS[verdict]}</button></td>`
  );
}
