/** The formats of a log line on stderr. */
import { describe, expect, test } from '@jest/globals';
import { lineOf, logLine } from '../src/cli/log-formats.js';

describe('one line', () => {
  const at = new Date('2026-11-22T06:00:00.123Z');
  const entry = { level: 'info', event: 'x', facts: { text: 'a\u009b\u007f\n"b' }, core: 'said' } as const;

  test('of JSON has no control character, and parses to the same values', () => {
    const line = lineOf('json', entry, at)!;
    expect(line).not.toMatch(/[^ -~]/);
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-22T06:00:00.123Z',
      level: 'info',
      event: 'x',
      text: entry.facts.text,
    });
  });

  test('of core is written for events that Core logs', () => {
    expect(lineOf('core', entry, at)).toBe('2026-11-22T06:00:00Z said');
    expect(lineOf('core', { ...entry, core: undefined }, at)).toBeUndefined();
    expect(logLine('core', 'info', 'a\u001b\nb', at)).toBe('2026-11-22T06:00:00Z a??b');
  });
});
