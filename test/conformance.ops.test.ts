/** The ops of the conformance tool: each accepts what is right and reports what is wrong, and every case can fail. */
import { describe, expect, test } from '@jest/globals';
import type { Case, Step } from '../src/conformance/case.js';
import { CaseRun } from '../src/conformance/case-run.js';
import { runCase } from '../src/conformance/conform.js';
import { OUTBOUND_CONNECTION_TYPES } from '../machines/index.js';
import { commandDialler, statusOf } from '../src/conformance/dial-command.js';
import { versionPayload } from '../src/conformance/version-message.js';
import { MAX_UNREAD } from '../src/conformance/tester-connection.js';
import { loadCases } from '../src/conformance/case-files.js';
import type { NodeInfo } from '../src/conformance/node-under-test.js';
import { driven } from './support/drive-clock.js';
import {
  ANSWER,
  caseOf,
  chain,
  GOOD,
  HANDSHAKE_STEPS,
  type Script,
  scriptedSetup,
  VERSION,
} from './support/scripted-node.js';

const cases = loadCases();

/** The result of these steps against a node that follows the script; empty when they pass. */
async function seenBy(
  script: Script,
  steps: readonly Step[],
  more: Partial<Case> = {},
  latency = 0,
): Promise<string> {
  const { clock, subject } = await scriptedSetup(script, 'v1', latency);
  const finding = await driven(clock, runCase(caseOf(steps, more), { subject, chain, clock }));
  expect(finding.verdict === 'pass').toBe(finding.seen === '');
  return finding.seen;
}

describe('ops accept what is right and report what is wrong', () => {
  /** The op, its steps, a node that passes, a node that does not, and the deviation of the latter. */
  const scripts: [string, readonly Step[], Script, Script, string][] = [
    ['expect: nothing comes', HANDSHAKE_STEPS, GOOD, {}, 'step 2 (expect): no version within 3000 ms'],
    [
      'expect: it closes',
      HANDSHAKE_STEPS,
      GOOD,
      { message: (connection) => connection.close() },
      'the node closed without version',
    ],
    [
      'expect: another message',
      HANDSHAKE_STEPS,
      GOOD,
      { message: (connection) => connection.send('verack') },
      'verack instead of version',
    ],
    [
      'expect: the wrong payload',
      [
        { op: 'send', messages: [{ msg: 'ping', payload: '0102030405060708' }] },
        { op: 'expect', messages: [{ msg: 'pong', payload: '0102030405060708', payload_len: 8 }] },
      ],
      GOOD,
      { message: (connection) => connection.send('pong', Buffer.alloc(8)) },
      'pong with 0000000000000000 instead of 0102030405060708',
    ],
    [
      'expect: the wrong length',
      [{ op: 'expect', messages: [{ msg: 'ping', payload_len: 8 }] }],
      { opened: (connection) => connection.send('ping', Buffer.alloc(8)) },
      { opened: (connection) => connection.send('ping') },
      'ping of 0 bytes instead of 8',
    ],
    [
      'expect: fields of version',
      [
        { op: 'send', messages: ['version'] },
        {
          op: 'expect',
          messages: [{ msg: 'version', fields: { version: 70017, relay: 1 }, fields_nonzero: ['nonce'] }],
        },
      ],
      GOOD,
      {
        message: (connection) =>
          connection.send('version', versionPayload({ fields: { version: 70017, relay: 0 } })),
      },
      'version with relay 0 instead of 1',
    ],
    [
      'expect: a field that is zero',
      [{ op: 'expect', messages: [{ msg: 'version', fields_nonzero: ['nonce'] }] }],
      { opened: (connection) => connection.send('version', VERSION) },
      {
        opened: (connection) =>
          connection.send('version', versionPayload({ fields: { nonce: '0000000000000000' } })),
      },
      'version without nonce',
    ],
    [
      'expect: strict order',
      [{ op: 'expect', messages: ['pong'], strict: true }],
      { opened: (connection) => connection.send('pong') },
      { opened: (connection) => (connection.send('inv'), connection.send('pong')) },
      'inv instead of pong',
    ],
    [
      'expect: capture and difference',
      [
        {
          op: 'expect',
          messages: [
            { msg: 'version', capture: 'v' },
            { msg: 'version', differs_from: 'v' },
          ],
        },
      ],
      {
        opened: (connection) => (
          connection.send('version', VERSION),
          connection.send('version', versionPayload({}))
        ),
      },
      { opened: (connection) => (connection.send('version', VERSION), connection.send('version', VERSION)) },
      'the same version as before',
    ],
    [
      'expect: bytes that are not a message',
      [{ op: 'expect', messages: ['pong'] }],
      { opened: (connection) => connection.send('pong') },
      { opened: (connection) => connection.raw('00'.repeat(24)) },
      'bytes that are not a message instead of pong',
    ],
    [
      'quiet',
      [...HANDSHAKE_STEPS, { op: 'send', messages: ['ping'] }, { op: 'expect_quiet', ms: 300 }],
      { message: (connection, c, p) => c !== 'ping' && GOOD.message?.(connection, c, p) },
      GOOD,
      'pong instead of silence',
    ],
    [
      'quiet: it closes',
      [{ op: 'expect_quiet', ms: 300 }],
      {},
      { opened: (connection) => connection.close() },
      'the node closed',
    ],
    [
      'quiet: half a message',
      [{ op: 'expect_quiet', ms: 300 }],
      {},
      { opened: (connection) => connection.raw('fabf') },
      'bytes that are not a message',
    ],
    [
      'quiet: strict',
      [{ op: 'expect_quiet', ms: 300, strict: true, ignore: ['ping'] }],
      { opened: (connection) => connection.send('ping') },
      { opened: (connection) => connection.send('inv') },
      'inv instead of silence',
    ],
    [
      'close',
      [{ op: 'send', messages: ['mempool'] }, { op: 'expect_close' }],
      { message: (connection) => connection.close() },
      {},
      'still open after 3000 ms',
    ],
    [
      'close: a word before',
      [
        { op: 'send', messages: ['mempool'] },
        { op: 'expect_close', allow: ['reject'] },
      ],
      { message: (connection) => (connection.send('reject'), connection.close()) },
      { message: (connection) => (connection.send('pong'), connection.close()) },
      'pong instead of closing',
    ],
    [
      'ping and pong',
      [{ op: 'ping_pong', nonce: '0000000000000007' }],
      GOOD,
      { message: (connection) => connection.send('pong', Buffer.alloc(8)) },
      'pong with',
    ],
    [
      'byte by byte',
      [
        { op: 'send', messages: [{ msg: 'ping', payload: '00' }], bytewise: true },
        { op: 'expect', messages: ['pong'] },
      ],
      GOOD,
      { bytes: (connection) => connection.close() },
      'the node closed without pong',
    ],
    [
      'a piece of a message',
      [
        { op: 'send_raw', of: 'version', from: 0, to: 30 },
        { op: 'expect_quiet', ms: 100 },
        { op: 'send_raw', of: 'version', from: 30 },
        { op: 'expect', messages: ANSWER },
      ],
      GOOD,
      { bytes: (connection) => connection.send('version', VERSION) },
      'step 2 (expect_quiet): version instead of silence',
    ],
    [
      'raw bytes come',
      [
        { op: 'send_raw', hex: '00' },
        { op: 'expect_bytes', min: 64, not_prefix: '{magic}' },
      ],
      { bytes: (connection) => connection.raw('11'.repeat(64)) },
      { bytes: (connection) => connection.raw(`${chain.magicHex}${'11'.repeat(60)}`) },
      'the first bytes are {magic}',
    ],
    [
      'raw bytes: too few',
      [{ op: 'expect_bytes', min: 64 }],
      { opened: (connection) => connection.raw('11'.repeat(64)) },
      { opened: (connection) => connection.raw('11') },
      '1 bytes instead of at least 64',
    ],
    [
      'raw bytes: a prefix',
      [{ op: 'expect_bytes', min: 4, prefix: '{magic}' }],
      { opened: (connection) => connection.send('ping') },
      { opened: (connection) => connection.raw('11'.repeat(4)) },
      'the first bytes are 11111111',
    ],
    [
      'raw bytes: too many',
      [{ op: 'expect_buffered', min: 1, max: 3 }],
      { opened: (connection) => connection.raw('1111') },
      { opened: (connection) => connection.raw('11'.repeat(4)) },
      '4 bytes instead of at most 3',
    ],
    [
      'stays, whatever it sends',
      [
        { op: 'send_raw', zeros: 30 },
        { op: 'expect_raw_open', ms: 200 },
      ],
      { bytes: (connection) => connection.raw('11') },
      { bytes: (connection) => connection.close() },
      'the node closed',
    ],
    [
      'ends, whatever it sends',
      [{ op: 'send_raw', zeros: 30 }, { op: 'expect_raw_close' }],
      { bytes: (connection) => (connection.raw('11'), connection.close()) },
      { bytes: (connection) => connection.raw('11') },
      'still open after 3000 ms',
    ],
    [
      'another connection',
      [{ op: 'connect', conn: 'B' }, { op: 'close' }, { op: 'ping_pong', conn: 'B' }],
      GOOD,
      {},
      'step 3 (ping_pong): no pong',
    ],
  ];

  test.each(scripts)('%s', async (_, steps, good, bad, seen) => {
    expect(await seenBy(good, steps)).toBe('');
    expect(await seenBy(bad, steps)).toContain(seen);
  });

  test('a node that answers a ping before verack fails exactly that case', async () => {
    const it = cases.find(({ id }) => id === 'in-seq-009')!;
    const seen = 'step 4 (expect_quiet): pong instead of silence';
    expect(await seenBy(GOOD, it.steps)).toBe(seen);
    // Its pong arrives after the 400 ms of silence that the step wants.
    expect(await seenBy(GOOD, it.steps, {}, 250)).toBe(seen);
  });

  test('outbound connections: one, none, one more', async () => {
    const more = { role: 'outbound', connection_type: 'manual' } as const;
    const steps: Step[] = [{ op: 'listen' }, { op: 'trigger_connect' }, { op: 'accept', within_ms: 500 }];
    const alone: Step[] = [...steps, { op: 'expect_no_accept', ms: 500 }];
    const twice: Step[] = [...steps, { op: 'trigger_connect' }, { op: 'expect_no_accept', ms: 500 }];
    expect(await seenBy(GOOD, [...alone, { op: 'ping_pong' }], more)).toBe('');
    expect(await seenBy(GOOD, twice, more)).toBe('step 5 (expect_no_accept): the node dialled again');
    expect(await seenBy(GOOD, [{ op: 'listen' }, { op: 'accept', within_ms: 500 }], more)).toContain(
      'did not dial within 500 ms',
    );
  });

  test('what cannot be run is skipped, not failed', async () => {
    const { clock, subject } = await scriptedSetup(GOOD);
    const skipped = async (step: Step): Promise<string> =>
      (await driven(clock, runCase(caseOf([step]), { subject, chain, clock }))).verdict;
    for (const step of [
      { op: 'rpc', method: 'x' } as Step,
      { op: 'advance_clock', seconds: 1 },
      { op: 'expect_peers', count: 1 },
    ])
      expect(await skipped(step)).toBe('skip');
  });
});

describe('every case can fail', () => {
  const NODE_INFO: NodeInfo = {
    version: 70017,
    subver: '',
    services: [],
    relay: 1,
    sends: [],
    speaksfirst: false,
    listener: 'v1-only',
    dialect: 'd70017',
  };
  const runnable = cases.filter(({ needs = [] }) => needs.every((need) => need === 'old-tip'));
  /** Sends nothing; sends a pong at once; closes at the first byte. */
  const nodes: Script[] = [
    {},
    { opened: (connection) => connection.send('pong') },
    { bytes: (connection) => connection.close() },
  ];

  test('against a silent node, one that sends a pong at once, and one that closes', async () => {
    const innocent = new Set(runnable.map(({ id }) => id));
    for (const script of nodes) {
      const { clock, subject } = await scriptedSetup(script);
      const able = {
        ...subject,
        dialler: {
          ...subject.dialler!,
          types: OUTBOUND_CONNECTION_TYPES,
        },
      };
      const findings = await driven(
        clock,
        Promise.all(runnable.map((it) => runCase(it, { subject: able, chain, clock, nodeinfo: NODE_INFO }))),
        50,
      );
      for (const { id, verdict } of findings) if (verdict === 'fail') innocent.delete(id);
    }
    expect([...innocent]).toEqual([]);
  });
});

describe('a node that floods', () => {
  const flood: Script = {
    opened: (connection) => {
      for (let n = 0; n < 250; n++) connection.send('inv', Buffer.alloc(40_000));
    },
  };

  test('cannot make the tester buffer more than a bounded number of bytes', async () => {
    const { clock, subject } = await scriptedSetup(flood);
    const run = new CaseRun(caseOf([{ op: 'close' }]), { subject, chain, clock });
    await driven(
      clock,
      run.connect().then(() => run.wait(100)),
    );
    expect(run.connection().received).toBeGreaterThan(MAX_UNREAD);
    expect(run.connection().unread).toBeLessThanOrEqual(MAX_UNREAD);
    await run.end();
  });

  test('fails the next step that reads', async () => {
    const steps: Step[] = [
      { op: 'wait', ms: 100 },
      { op: 'expect_quiet', ms: 10 },
    ];
    expect(await seenBy(flood, steps)).toContain(`more than ${MAX_UNREAD} unread bytes instead of silence`);
  });
});

describe('a dial command', () => {
  const outbound: Partial<Case> = { role: 'outbound', connection_type: 'manual' };
  const steps: Step[] = [{ op: 'listen' }, { op: 'trigger_connect' }, { op: 'accept' }];

  test('that fails is a skip with its output', async () => {
    const { clock, subject } = await scriptedSetup(GOOD);
    const dialler = commandDialler('echo "error: no such type {type}" >&2; exit 3');
    const finding = await driven(
      clock,
      runCase(caseOf(steps, outbound), { subject: { ...subject, dialler }, chain, clock }),
    );
    expect([finding.verdict, finding.seen]).toEqual([
      'skip',
      'the dial command failed (exit code 3): error: no such type manual',
    ]);
  });

  test('that prints without end is a skip that names the limit', async () => {
    const request = { at: { host: '127.0.0.1', port: 1 }, type: 'manual', v2: false };
    await expect(commandDialler('yes').dial(request)).rejects.toThrow(
      'the dial command failed (more than 65536 bytes of output): y y',
    );
  });

  test.each([
    [{ code: null, killed: true, signal: 'SIGTERM' }, 'not finished after 10 s'],
    [{ code: null, killed: false, signal: 'SIGKILL' }, 'ended by SIGKILL'],
    [{ code: 'EMFILE' }, 'not started: EMFILE'],
  ] as const)('that ends with %j: %s', (error, status) => {
    expect(statusOf(error)).toBe(status);
  });

  test('that succeeds without a connection is a failure of the node', async () => {
    const { clock, subject } = await scriptedSetup(GOOD);
    const dialler = { ...commandDialler('true {type}'), patience: 0 };
    const env = { subject: { ...subject, dialler }, chain, clock };
    expect(await driven(clock, runCase(caseOf(steps, outbound), env))).toMatchObject({
      verdict: 'fail',
      seen: expect.stringContaining('the node did not dial'),
    });
  });
});
