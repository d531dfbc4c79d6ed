/** The message table against BIP324's and BIP434's short ids, and its own promises. */
import { describe, expect, test } from '@jest/globals';
import {
  COMMANDS,
  commandOfShortId,
  decodeMessage,
  isKnownCommand,
  MESSAGES,
  shortIdOf,
} from '../src/wire/index.js';

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

  test('every row fits a frame and says what it is', () => {
    for (const command of COMMANDS) {
      const row = MESSAGES[command];
      expect(command.length).toBeLessThanOrEqual(12);
      expect(row.about).not.toBe('');
      expect(['control', 'data']).toContain(row.plane);
    }
  });

  test('messages that are only carried keep their payload', () => {
    for (const command of ['tx', 'block', 'headers', 'cfilter', 'filterload', 'alert'] as const) {
      const payload = Uint8Array.of(1, 2);
      expect(decodeMessage(command, payload)).toMatchObject({ ok: true, message: { command, payload } });
    }
  });
});
