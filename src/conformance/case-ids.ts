/** Globs of case ids, as in `--only` and in the lists of known differences. */

/** Whether an id matches: `*` stands for any characters, `?` for one. */
export function matchesId(id: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[^\w*?-]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(id);
}
