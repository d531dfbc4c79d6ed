/** The limit on open files: it is found, and a warning names the connections that it does not allow. */
import { describe, expect, test } from '@jest/globals';
import { limitIn, openFilesLimit, RESERVED, slotsThatFit } from '../src/cli/open-file-limit.js';
import { Output } from '../src/cli/output.js';

const LINUX = [
  'Limit                     Soft Limit           Hard Limit           Units     ',
  'Max processes             7                    8                    processes ',
  'Max open files            1024                 524288               files     ',
].join('\n');

describe('the limit on open files', () => {
  test.each([
    [LINUX, 1024],
    [LINUX.replace('1024', 'unlimited'), Infinity],
    [LINUX.replace('1024', 'nonsense'), undefined],
    ['', undefined],
  ])('is read from /proc (%#)', (text, limit) => expect(limitIn(text)).toBe(limit));

  test('is known on this system', () => expect(openFilesLimit()).toBeGreaterThan(RESERVED));
});

describe('the connections that fit', () => {
  const fit = (wanted: number, limit: number | undefined) => {
    let said = '';
    const stream = { write: (text: string) => (said += text) };
    const silent = { stdout: stream, stderr: stream, env: {}, json: false, quiet: true, verbose: 0 };
    const slots = slotsThatFit(wanted, new Output({ ...silent, color: 'never' }), limit);
    return { slots, said };
  };

  test.each([
    [114, 114 + RESERVED],
    [114, Infinity],
  ])('%d are allowed, without a warning, with %d files', (wanted, limit) =>
    expect(fit(wanted, limit)).toEqual({ slots: wanted, said: '' }),
  );

  test.each([
    [114, 114 + RESERVED - 1, 113],
    [114, 64, 24],
    [8, 10, 1],
  ])('of %d with %d files are %d, and the warning names the command', (wanted, limit, slots) => {
    const { slots: got, said } = fit(wanted, limit);
    expect(got).toBe(slots);
    expect(said).toContain(`limit of ${limit} open files`);
    expect(said).toContain(`${slots} of ${wanted} connections`);
    expect(said).toContain(`ulimit -n ${wanted + RESERVED}`);
  });
});
