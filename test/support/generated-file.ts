/** Files that tests generate and the tree keeps: a change of behaviour shows as a diff. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The first line that differs. */
function difference(was: string, is: string): string {
  const [old, fresh] = [was.split('\n'), is.split('\n')];
  const at = fresh.findIndex((line, i) => line !== old[i]);
  return at < 0
    ? `it ends after line ${fresh.length}`
    : `line ${at + 1}\n  was ${old[at] ?? '(nothing)'}\n  is  ${fresh[at]}`;
}

/**
 * Empty when `file` (from the root) holds `content`, else what to do about it. With the environment variable `update` set
 * to 1 the file is written first; `tests` are those that do so.
 */
export function staleness(file: string, content: string, update: string, tests = 'test/grid'): string {
  const path = join(root, file);
  if (process.env[update] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const was = read(path);
  if (was === content) return '';
  return `${file} is stale, ${difference(was, content)}\nRegenerate it with ${update}=1 npm test -- ${tests} and read the diff.`;
}
