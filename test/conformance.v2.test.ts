/** The ops of BIP324: each accepts correct behaviour and reports a deviation, and the bytes that it corrupts arrive corrupted. */
import { describe, expect, test } from '@jest/globals';
import type { Case, Step } from '../src/conformance/case.js';
import { runCase } from '../src/conformance/conform.js';
import { OUTBOUND_CONNECTION_TYPES } from '../machines/index.js';
import { sequenceOf } from '../src/conformance/explain.js';
import { isDisruptive } from '../src/conformance/applicability.js';
import { loadCases } from '../src/conformance/case-files.js';
import type { Finding } from '../src/conformance/report.js';
import type { V2Event } from '../src/wire/index.js';
import { driven } from './support/drive-clock.js';
import { ANSWER, caseOf, chain, GOOD, type Script, scriptedSetup } from './support/scripted-node.js';

const V2 = { transport: 'v2', listener: 'v2-capable' } as const;
const cases = loadCases().filter(({ transport }) => transport === 'v2');
const caseCalled = (id: string): Case => cases.find((it) => it.id === id)!;

async function findingOf(script: Script, it: Case): Promise<Finding> {
  const { clock, subject } = await scriptedSetup(script, 'v2');
  const dialler = { ...subject.dialler!, types: OUTBOUND_CONNECTION_TYPES };
  return await driven(clock, runCase(it, { subject: { ...subject, dialler }, chain, clock }), 50);
}

const seenBy = async (script: Script, steps: readonly Step[], more: Partial<Case> = {}): Promise<string> =>
  (await findingOf(script, caseOf(steps, { ...V2, ...more }))).seen;

/** What a node reads of these steps, without messages. */
async function readOf(steps: readonly Step[], more: Partial<Case> = {}): Promise<string[]> {
  const read: string[] = [];
  const v2Event = (_: unknown, event: V2Event): void => {
    const facts = 'code' in event ? event.code : 'size' in event ? event.size : '';
    read.push(`${event.kind} ${facts}`);
  };
  expect(await seenBy({ ...GOOD, v2Event }, [...steps, { op: 'wait', ms: 50 }], more)).toBe('');
  return read;
}

/** A node that reacts to invalid bytes as a v2 node must. */
const CAREFUL: Script = {
  ...GOOD,
  v2Event: (connection, { kind }) => kind === 'broken' && connection.close(),
};
const handshake: Step = { op: 'v2_handshake' };

describe('the exchange of keys', () => {
  test('is made in one step or in several, with garbage and decoys of both sides', async () => {
    expect(await readOf([{ ...handshake, garbage_len: 4095 }])).toEqual(['garbage 4095', 'version 20']);
    const apart: Step[] = [{ op: 'v2_start', garbage_len: 5, bytewise: true }, { op: 'v2_keys' }];
    const rest: Step = { op: 'v2_finish', decoys: [3, 0], version_contents: '0102', bytewise: true };
    expect(await readOf([...apart, rest])).toEqual(['garbage 5', 'decoy 23', 'decoy 20', 'version 22']);
  });

  test('begins with a piece of the key, and waits for the key of the node', async () => {
    const piece: Step[] = [
      { op: 'v2_start', key_bytes: 1, garbage_len: 9 },
      { op: 'wait', ms: 50 },
      { op: 'expect_buffered', min: 71, max: 71 },
    ];
    const rest: Step[] = [{ op: 'v2_send_rest_of_key', from: 1 }, { op: 'v2_keys' }, { op: 'v2_finish' }];
    expect(await readOf([...piece, ...rest])).toEqual(['garbage 9', 'version 20']);
    // The first bytes of the terminator complete the key: 8 of them, because a single one is the right one too often.
    const early: Step[] = [{ op: 'v2_start', key_bytes: 56 }, { op: 'v2_keys' }, { op: 'v2_finish' }];
    expect(await seenBy(GOOD, early)).toBe('step 3 (v2_finish): no version packet within 3000 ms');
  });

  test.each<[string, Script, string]>([
    [
      'closes',
      { bytes: (connection) => connection.close() },
      'step 1 (v2_handshake): the node closed without key',
    ],
    [
      'authenticates another garbage',
      { ...GOOD, forges: true },
      'step 1 (v2_handshake): a packet that cannot be decrypted instead of a version packet',
    ],
    [
      'sends too much garbage',
      { ...GOOD, garbage: 4_200 },
      'step 1 (v2_handshake): garbage without a terminator instead of a version packet',
    ],
  ])('report a node that %s', async (_, script, seen) => {
    expect(await seenBy(script, [handshake])).toBe(seen);
  });

  test('is the acceptor, too, and reads again what came before', async () => {
    const more = { role: 'outbound', connection_type: 'manual' } as const;
    const dialled: Step[] = [{ op: 'listen' }, { op: 'trigger_connect', v2: true }, { op: 'accept' }];
    const exchange: Step[] = [
      { op: 'expect_bytes', min: 64 },
      { ...handshake, initiating: false },
    ];
    expect(
      await seenBy({ ...GOOD, garbage: 4_095 }, [...dialled, ...exchange, { op: 'ping_pong' }], more),
    ).toBe('');
  });

  test('fails with a node that speaks v1 only', async () => {
    const { clock, subject } = await scriptedSetup(GOOD);
    const finding = await driven(clock, runCase(caseOf([handshake], V2), { subject, chain, clock }));
    expect(finding.seen).toBe('step 1 (v2_handshake): no key within 3000 ms');
  });

  test.each<[string, Step, string[]]>([
    [
      'another garbage authenticated',
      { op: 'v2_finish', wrong_aad: true },
      ['garbage 2', 'broken ERR_V2_AUTH'],
    ],
    ['no version packet', { op: 'v2_finish', omit_version_packet: true }, ['garbage 2']],
    ['no terminator', { op: 'v2_finish', omit_terminator: true }, []],
  ])('is spoiled: %s', async (_, step, read) => {
    const begin: Step[] = [{ op: 'v2_start', garbage_len: 2 }, { op: 'v2_keys' }];
    expect(await readOf([...begin, { ...step, no_wait: true }])).toEqual(read);
  });
});

describe('packets', () => {
  test('carry messages, short and long, and right behind the exchange', async () => {
    const ping = { msg: 'ping', payload: '0102030405060708' };
    const pong: Step = { op: 'expect', messages: [{ msg: 'pong', payload: ping.payload }] };
    const appended: Step = { ...handshake, append_messages: ['version', ping] };
    const sent: Step = { op: 'send', messages: [{ ...ping, encoding: 'long' }], bytewise: true };
    const answer: Step = { op: 'expect', messages: ANSWER };
    expect(await seenBy(GOOD, [appended, answer, pong, sent, pong, { op: 'expect_quiet', ms: 100 }])).toBe(
      '',
    );
    const short = [handshake, { op: 'v2_packet', header: '7f', contents: '120102030405060708' }, pong];
    expect(await seenBy(GOOD, short)).toBe('');
  });

  test.each<[string, Step, string]>([
    ['a decoy', { op: 'v2_packet', ignore: true, contents: '12' }, 'decoy 21'],
    ['no contents', { op: 'v2_packet' }, 'dropped ERR_FRAME_COMMAND'],
    [
      'an odd command',
      { op: 'send', messages: [{ msg: 'ping', command_hex: '1f'.repeat(12) }] },
      'dropped ERR_FRAME_COMMAND',
    ],
    ['a wrong tag', { op: 'v2_packet', contents: '12', corrupt_tag: true }, 'broken ERR_V2_AUTH'],
    ['a length too large', { op: 'v2_packet_length', length: 4_000_014 }, 'broken ERR_V2_LENGTH'],
  ])('are %s', async (_, step, read) => {
    expect((await readOf([handshake, step])).slice(2)).toEqual([read]);
  });

  test('of the node are read to the last byte', async () => {
    const quiet: Step[] = [handshake, { op: 'send', messages: ['ping'] }, { op: 'expect_quiet', ms: 100 }];
    expect(await seenBy(GOOD, quiet)).toBe('step 3 (expect_quiet): pong instead of silence');
    // Three bytes are a length, whatever it is.
    const noise: Script = { message: (connection) => connection.raw('00'.repeat(3)) };
    expect(await seenBy(noise, quiet)).toMatch(/(a packet that is too long|that are not a message) instead/);
  });

  test.each<[string, readonly Step[], string]>([
    ['without an exchange', [{ op: 'v2_packet' }], 'the connection A speaks v1 (no v2_start)'],
    ['too early', [{ op: 'v2_start' }, { op: 'ping_pong' }], 'no packet can be sent before v2_finish'],
    [
      'too early to finish',
      [{ op: 'v2_start', key_bytes: 1 }, { op: 'v2_finish' }],
      'the key of the node has not been received',
    ],
    [
      'with a header of v1',
      [handshake, { op: 'send', messages: [{ msg: 'ping', length: 3 }] }],
      'length is a field of v1, but the connection speaks v2',
    ],
  ])('cannot be sent %s', async (_, steps, seen) => {
    const finding = await findingOf(GOOD, caseOf(steps, V2));
    expect([finding.verdict, finding.seen]).toEqual(['skip', expect.stringContaining(seen)]);
  });
});

describe('the cases of BIP324', () => {
  const completing = cases.filter(
    ({ steps, tags }) => !tags.includes('boundary') && steps.some(({ op }) => op.startsWith('v2_')),
  );
  /** After a correct exchange: sends nothing and never closes; answers every message with a pong; closes. */
  const nodes: Script[] = [
    {},
    { message: (connection) => connection.send('pong') },
    { ...CAREFUL, message: (connection) => connection.close() },
  ];

  test('all fail against nodes that do nothing right but the exchange', async () => {
    expect(completing).toHaveLength(22);
    for (const it of completing) {
      const findings = await Promise.all(nodes.map((script) => findingOf(script, it)));
      expect([it.id, findings.filter(({ verdict }) => verdict === 'fail').length]).not.toEqual([it.id, 0]);
      for (const { seen } of findings) expect(seen).not.toMatch(/v2_keys|v2_handshake/);
    }
  });

  test('have a transcript', async () => {
    const { transcript = [] } = await findingOf(CAREFUL, caseCalled('in-v2-005'));
    expect(sequenceOf(transcript).join('\n')).toMatch(
      /key and 100 bytes of garbage +──►\n +◄── its key\n(.*\n)*terminator, version packet, \(wrong_aad\) +──►\n/,
    );
  });

  test('are polite as long as they are small', () => {
    expect(isDisruptive(caseCalled('in-v2-002'), chain)).toBe(true);
    expect(isDisruptive(caseCalled('in-v2-006'), chain)).toBe(false);
  });
});
