/**
 * Formats one or more reports as one HTML file without scripts and without requests; all text is escaped. Cases are rows,
 * runs are columns.
 */
import type { Finding, Report } from './report.js';
import { countOf, violations } from './report.js';
import { escaped } from '../markup/escaped.js';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
thead th { position: sticky; top: 0; background: Canvas; }
td.id { font-family: ui-monospace, monospace; white-space: nowrap; }
small { opacity: .75; display: block; }
.pass { color: #18794e; } .fail { color: #c62a2f; font-weight: 600; } .known { color: #a35200; } .skip { opacity: .55; }
tr.differs td.id::after { content: " ≠"; color: #a35200; }
pre { margin: .3rem 0; font-size: 12px; white-space: pre-wrap; }
`;

const WORDS = { pass: 'pass', fail: 'FAIL', known: 'known difference', skip: 'skipped' } as const;

const heading = ({ node, nodeinfo, error, began }: Report): string => {
  const about = nodeinfo ? `${nodeinfo.subver} ${nodeinfo.version}, ${nodeinfo.listener}` : (error ?? '');
  return `<th>${escaped(node)}<small>${escaped(about)}</small><small>${escaped(began)}</small></th>`;
};

function summary(report: Report): string {
  const { pass, fail, known, skip } = countOf(report.findings);
  const musts = violations(report).length;
  return (
    `<td><span class="pass">${pass} pass</span>, <span class="fail">${fail} fail (${musts} must)</span>, ` +
    `<span class="known">${known} known</span>, <span class="skip">${skip} skipped</span></td>`
  );
}

function cell(finding: Finding | undefined): string {
  if (!finding) return '<td class="skip">–</td>';
  const { verdict, seen, transcript } = finding;
  const lines = (transcript ?? [])
    .map(({ at, conn, side, text }) => `${at} ms  ${conn}  ${side}: ${text}`)
    .join('\n');
  const details =
    lines === '' ? '' : `<details><summary>transcript</summary><pre>${escaped(lines)}</pre></details>`;
  return `<td class="${verdict}">${WORDS[verdict]}<small>${escaped(seen)}</small>${details}</td>`;
}

/** The cases of all reports without duplicates, in the order of their first occurrence. */
function idsOf(reports: readonly Report[]): readonly Finding[] {
  const all = reports.flatMap(({ findings }) => findings);
  return [...new Map(all.map((finding) => [finding.id, finding] as const).reverse()).values()].reverse();
}

function row(finding: Finding, columns: readonly ReadonlyMap<string, Finding>[]): string {
  const found = columns.map((column) => column.get(finding.id));
  const verdicts = new Set(found.flatMap((one) => (one && one.verdict !== 'skip' ? [one.verdict] : [])));
  const { id, name, rule, grade } = finding;
  return (
    `<tr class="${verdicts.size > 1 ? 'differs' : ''}"><td class="id">${escaped(id)}</td><td>${escaped(grade)}</td>` +
    `<td>${escaped(name)}<small>${escaped(rule)}</small></td>${found.map(cell).join('')}</tr>`
  );
}

/** The HTML page for one or more reports. */
export function pageOf(reports: readonly Report[]): string {
  const columns = reports.map(({ findings }) => new Map(findings.map((finding) => [finding.id, finding])));
  const rows = idsOf(reports).map((finding) => row(finding, columns));
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>verack conform</title>` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` +
    `<style>${STYLE}</style></head>\n<body><h1>verack conform</h1>\n<table>\n` +
    `<thead><tr><th>case</th><th>grade</th><th>name and rule</th>${reports.map(heading).join('')}</tr></thead>\n` +
    `<tbody>\n<tr><td></td><td></td><td></td>${reports.map(summary).join('')}</tr>\n${rows.join('\n')}\n</tbody></table>\n` +
    `<p>≠ marks cases in which the runs differ.</p></body></html>\n`
  );
}
