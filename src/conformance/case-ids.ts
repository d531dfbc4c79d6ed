/** Patterns of case ids, as `--only` and the lists of known differences have them. */

/** Whether an id matches: `*` stands for any characters, `?` for one. */
export function matchesId(id: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[^\w*?-]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(id);
}
