/** Where the verdict of Bitcoin Core in a grid row comes from. */
import { loadCases } from '../../src/conformance/case-files.js';

const wasRun = new Set(loadCases().flatMap(({ id, verified }) => (verified.length > 0 ? [id] : [])));

/** What the column means, for the pages that have it. */
export const SOURCE_NOTE = [
  '`source` says where the verdict of Core comes from. `run`: the rule names a case of the suite that was run against bitcoind',
  '(`verified` in the case). `read`: read in the named function of Bitcoin Core 58a7869f. `notes`: a case that the protocol notes',
  'ran against Bitcoin Core and Knots, and that the suite does not have.',
].join('\n');

/** The case ids of a rule; `in-hs-001, 002` names two. */
export function casesOf(rule: string): string[] {
  let prefix = '';
  return rule.split(', ').flatMap((part) => {
    const [, start, number] = /^((?:in|out)-(?:[a-z0-9]+-)?)?(\d{3}[a-z]?)$/.exec(part) ?? [];
    prefix = start ?? prefix;
    return number === undefined || prefix === '' ? [] : [prefix + number];
  });
}

/** Empty when nothing is known; the tests demand that no row is so. */
export function sourceOf({ rule, source }: { readonly rule: string; readonly source?: string }): string {
  const cases = casesOf(rule);
  if (cases.some((id) => wasRun.has(id))) return 'run';
  if (source !== undefined) return `read: ${source}`;
  return cases.length > 0 ? 'notes' : '';
}
