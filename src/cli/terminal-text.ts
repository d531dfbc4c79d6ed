/**
 * Makes text safe to show on a terminal. Control characters move the cursor, begin lines or start an escape sequence; format
 * characters (Unicode category Cf: bidirectional overrides, zero-width marks) reorder or hide the text around them.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The text with each such character replaced by `?`, except `kept`. */
export const withoutControls = (text: string, kept?: string): string =>
  text.replace(CONTROLS, (character) => (character === kept ? character : '?'));

/** A value as a line of JSON in which such characters are escaped, so that it parses to the same value. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replace(CONTROLS, (character) =>
    Array.from({ length: character.length }, (_, n) => escaped(character.charCodeAt(n))).join(''),
  );

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
