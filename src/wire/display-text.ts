/** Text for display from untrusted bytes. */

const FIRST = 0x20;
const LAST = 0x7e;
const QUESTION_MARK = 0x3f;

/**
 * Display text of untrusted bytes (a user agent, a command, a feature id): printable ASCII is kept, every other byte
 * becomes `?`, so that the text cannot move a terminal's cursor, sound its bell, forge a log line or reorder text (bidi controls). There
 * is one character per byte, so lengths and columns stay correct. Cut at `max` characters. Not HTML-safe: quotes and angle brackets are kept.
 */
export function sanitize(input: Uint8Array | string, max = 256): string {
  const codes: number[] = [];
  const length = Math.min(input.length, max);
  for (let i = 0; i < length; i++) {
    const code = typeof input === 'string' ? input.charCodeAt(i) : input[i]!;
    codes.push(code >= FIRST && code <= LAST ? code : QUESTION_MARK);
  }
  // In one piece: a sum of strings refers to its parts, and user agents are kept for each peer.
  return String.fromCharCode(...codes);
}

/** Every byte as two lower-case hex digits. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex of bytes. */
export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}
