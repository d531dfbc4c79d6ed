/** The message table: the short ids of BIP324 and BIP434, and the properties that it guarantees. */
import { describe, expect, test } from '@jest/globals';
import {
  type Command,
  COMMANDS,
  commandOfShortId,
  decodeMessage,
  factsOf,
  isKnownCommand,
  type MessageFacts,
  type MessageRow,
  MESSAGES,
  shortIdOf,
} from '../src/wire/index.js';
import { staleness } from './support/generated-file.js';
import { renderPlain } from './support/markdown-table.js';

describe('the table', () => {
  // BIP324, "v2 Bitcoin P2P message structure", and BIP434 for 37.
  const SHORT_IDS =
    'addr block blocktxn cmpctblock feefilter filteradd filterclear filterload getblocks getblocktxn getdata getheaders ' +
    'headers inv mempool merkleblock notfound ping pong sendcmpct tx getcfilters cfilter getcfheaders cfheaders ' +
    'getcfcheckpt cfcheckpt addrv2';

  test('short ids', () => {
    SHORT_IDS.split(' ').forEach((command, index) => {
      expect(commandOfShortId(index + 1)).toBe(command);
      expect(shortIdOf(command)).toBe(index + 1);
    });
    expect(commandOfShortId(37)).toBe('feature');
    expect(COMMANDS.filter((command) => shortIdOf(command) !== undefined)).toHaveLength(29);
    for (const id of [0, 29, 36, 38, 255]) expect(commandOfShortId(id)).toBeUndefined();
  });

  test('these travel with their name', () => {
    for (const command of 'version verack getaddr wtxidrelay sendaddrv2 sendheaders sendtxrcncl reject alert'.split(
      ' ',
    )) {
      expect(isKnownCommand(command)).toBe(true);
      expect(shortIdOf(command)).toBeUndefined();
    }
  });

  test('every row fits a frame and has a description', () => {
    for (const command of COMMANDS) {
      const row = MESSAGES[command];
      expect(command.length).toBeLessThanOrEqual(12);
      expect(row.about).not.toBe('');
      expect(['control', 'data']).toContain(row.plane);
    }
  });

  test('the facts of a row are available without its codec', () => {
    expect(factsOf('feature')).toMatchObject({ since: 70017, bip: 434, shortid: 37, strict: true });
    expect(factsOf('nobody knows')).toBeUndefined();
  });

  test('messages that are only carried keep their payload', () => {
    for (const command of ['tx', 'block', 'headers', 'cfilter', 'filterload', 'alert'] as const) {
      const payload = Uint8Array.of(1, 2);
      expect(decodeMessage(command, payload)).toMatchObject({ ok: true, message: { command, payload } });
    }
  });

  test('equals the committed page', () => {
    const columns = ['command', 'since', 'BIP', 'short id', 'plane', 'fields', 'at most', 'about'];
    const page = renderPlain('The messages', NOTE, columns, COMMANDS.map(lineOf));
    expect(staleness('src/wire/messages.md', page, 'UPDATE_TABLE', 'test/wire.message-definitions')).toBe('');
  });
});

const NOTE = [
  'Generated from `src/wire/message-definitions.ts` by `UPDATE_TABLE=1 npm test -- test/wire.message-definitions`; a stale page fails the tests.',
  '',
  '`[…]`: a group of fields that is read when at least so many bytes are left. `at most`: entries that a receiver takes;',
  'where their count stands, the smallest size of one, and the size of what follows them, in bytes. _strict_: a payload',
  'that breaks the rules is a violation of the protocol and not just dropped.',
].join('\n');

/** One row, as a line of the page. */
function lineOf(command: Command): string[] {
  const { since, bip, shortid, plane, about, max, strict, fields }: MessageFacts & MessageRow<unknown> =
    MESSAGES[command];
  const [label, ...groups] = fields.parts.map(({ keys, atLeast }) =>
    atLeast === 0 ? keys.join(' ') : `[${atLeast}: ${keys.join(' ')}]`,
  );
  expect(label).toBe('command');
  const limit = max ? `${max.entries} (${max.at}, ${max.entry}, ${max.after})` : '';
  const description = `${about}${strict ? '; _strict_' : ''}`;
  return [command, since, bip ?? '', shortid ?? '', plane, groups.join(' ').trim(), limit, description].map(
    String,
  );
}
