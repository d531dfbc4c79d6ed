/** Formats a report as JUnit XML. Only a must case is a failure; other differences are shown as skipped, with what was observed. */
import type { Finding, Report } from './report.js';
import { countOf, violations } from './report.js';
import { escaped } from '../markup/escaped.js';

function outcomeOf({ verdict, grade, seen }: Finding): string {
  if (verdict === 'pass') return '';
  if (verdict === 'fail' && grade === 'must') return `<failure type="must" message="${escaped(seen)}"/>`;
  const why =
    verdict === 'skip' ? seen : `${verdict === 'known' ? 'known difference' : `differs (${grade})`}: ${seen}`;
  return `<skipped message="${escaped(why)}"/>`;
}

const caseOf = (finding: Finding): string => {
  const name = escaped(`${finding.id}: ${finding.name}`);
  const outcome = outcomeOf(finding);
  const open = `    <testcase classname="verack.conform.${finding.grade}" name="${name}" time="${finding.ms / 1_000}"`;
  return outcome === '' ? `${open}/>` : `${open}>${outcome}</testcase>`;
};

/** The XML document of a report. */
export function junitOf(report: Report): string {
  const { findings, node, began, error } = report;
  const { pass } = countOf(findings);
  const failures = violations(report).length;
  const facts = `tests="${findings.length}" failures="${failures}" skipped="${findings.length - pass - failures}"`;
  const errors = error === undefined ? '' : `    <system-err>${escaped(error)}</system-err>\n`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n` +
    `  <testsuite name="${escaped(`verack conform ${node}`)}" timestamp="${began}" ${facts}>\n` +
    `${findings.map(caseOf).join('\n')}\n${errors}  </testsuite>\n</testsuites>\n`
  );
}
