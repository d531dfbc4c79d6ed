/** The conformance tool: the schema of its cases, its runs and its reports. */
import { describe, expect, test } from '@jest/globals';
import type { Net } from '../src/net/link.js';
import { NETWORKS } from '../src/networks.js';
import type { Case } from '../src/conformance/case.js';
import { conform } from '../src/conformance/conform.js';
import { filledIn, operatorDialler, dialInstruction } from '../src/conformance/dial-command.js';
import { scriptOf, sequenceOf } from '../src/conformance/explain.js';
import { isDisruptive, needsOf } from '../src/conformance/applicability.js';
import { Malformed, readCase, readCases, withoutDuplicates } from '../src/conformance/case-schema.js';
import { junitOf } from '../src/conformance/junit.js';
import { knownOf, readKnown } from '../src/conformance/known-differences.js';
import { BOUNDARY_TAG } from '../src/conformance/boundaries/boundary-cases.js';
import { loadCases, loadKnown } from '../src/conformance/case-files.js';
import { matchesId } from '../src/conformance/case-ids.js';
import { pageOf } from '../src/conformance/html-report.js';
import { hasRun, readReport, type Report, violations } from '../src/conformance/report.js';
import { driven } from './support/drive-clock.js';
import {
  AT,
  caseOf,
  chain,
  GOOD,
  HANDSHAKE_STEPS,
  type Script,
  scriptedSetup,
  VERSION,
} from './support/scripted-node.js';

const cases = loadCases();

describe('the form', () => {
  const good = caseOf([{ op: 'ping_pong' }]);
  const broken: [string, object, string][] = [
    [
      'a field that is missing',
      { grade: undefined },
      'case x.grade should be one of must, should, informational',
    ],
    ['a field that is strange', { grad: 'must' }, 'case x has "grad", which is not one of id, '],
    ['a wrong word', { role: 'both' }, 'case x.role should be one of inbound, outbound'],
    [
      'an unknown op',
      { steps: [{ op: 'expct' }] },
      'case x.steps[0] has the op "expct", which is not one of send, ',
    ],
    ['an op without a field', { steps: [{ op: 'wait' }] }, 'case x.steps[0] (wait) lacks "ms"'],
    [
      'an op with another field',
      { steps: [{ op: 'close', hex: '00' }] },
      'case x.steps[0] (close) has "hex"',
    ],
    ['hex that is none', { steps: [{ op: 'send_raw', hex: '0' }] }, 'hex should be bytes in lower-case hex'],
    [
      'a field that no version has',
      { steps: [{ op: 'send', messages: [{ msg: 'version', fields: { nonse: 1 } }] }] },
      'nonse is not a field of version',
    ],
    ['no steps', { steps: [] }, 'case x has no steps'],
    ['no listener', { listener: undefined }, 'case x.listener should be one of any'],
    ['v2 steps over v1', { steps: [{ op: 'v2_keys' }] }, 'case x has v2 steps and the transport v1'],
    ['no id', { id: undefined }, 'a case without id.id should be a text'],
  ];

  test.each(broken)('reports %s in one sentence', (_, change, sentence) => {
    const trial = (): Case => readCase({ ...good, ...change });
    expect(trial).toThrow(Malformed);
    expect(trial).toThrow(sentence);
  });

  test('refuses two cases with one id, and a file that is none', () => {
    expect(() => withoutDuplicates([good, good])).toThrow('two cases have the id x');
    expect(() => readCases([], 'a.json')).toThrow('a.json should be an object');
    expect(() => readKnown([{ implementation: 'x', agent: '(', cases: {} }])).toThrow(
      'should be a regular expression',
    );
  });

  test('is kept by every case of the tree, with a rule and a grade each', () => {
    expect(cases.filter(({ tags }) => !tags.includes(BOUNDARY_TAG))).toHaveLength(222);
    expect(cases.length).toBeGreaterThan(860);
    for (const it of cases) expect(it.rule).toMatch(/BIP\d|Core|[a-z]/);
    const ids = new Set(cases.map(({ id }) => id));
    const known = loadKnown().flatMap((one) => Object.keys(one.cases));
    expect(known.filter((one) => ![...ids].some((id) => matchesId(id, one)))).toEqual([]);
  });
});

async function reportOn(script: Script, some: readonly Case[], more: object = {}): Promise<Report> {
  const { clock, subject } = await scriptedSetup(script);
  return await driven(clock, conform({ cases: some, subject, chain, clock, ...more }));
}

describe('a run', () => {
  const pings = caseOf([...HANDSHAKE_STEPS, { op: 'send', messages: ['verack'] }, { op: 'ping_pong' }], {
    id: 'pings',
  });
  const quiet = caseOf(
    [...HANDSHAKE_STEPS, { op: 'send', messages: ['ping'] }, { op: 'expect_quiet', ms: 100 }],
    {
      id: 'quiet',
    },
  );
  const dials = caseOf([{ op: 'listen' }], { id: 'dials', role: 'outbound', connection_type: 'feeler' });
  const old = caseOf([{ op: 'ping_pong' }], { id: 'old', dialects: ['d70016'] });

  test('finds out whom it has before it', async () => {
    const { nodeinfo } = await reportOn(GOOD, []);
    expect(nodeinfo).toMatchObject({
      version: 70017,
      subver: '/scripted:1/',
      relay: 1,
      listener: 'v1-only',
      speaksfirst: false,
      dialect: 'd70017',
    });
    const v2: Script = {
      ...GOOD,
      bytes: (connection, chunk) => chunk.length === 1 && connection.raw('11'.repeat(64)),
    };
    expect((await reportOn(v2, [])).nodeinfo?.listener).toBe('v2-capable');
    const eager: Script = {
      opened: (connection) => connection.send('version', VERSION),
      message: (connection, command) => command === 'version' && connection.send('verack'),
    };
    expect((await reportOn(eager, [])).nodeinfo).toMatchObject({ speaksfirst: true, listener: 'v1-only' });
  });

  test('passes, fails, and skips with the reason', async () => {
    const report = await reportOn(GOOD, [pings, quiet, dials, old]);
    expect(report.findings.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['pings', 'pass'],
      ['quiet', 'fail'],
      ['dials', 'skip'],
      ['old', 'skip'],
    ]);
    expect(report.findings.map(({ seen }) => seen).slice(2)).toEqual([
      'the node cannot be asked for a connection of type feeler ({type} in --dial-command)',
      'applies to versions below 70017; the node announces 70017',
    ]);
    expect(violations(report).map(({ id }) => id)).toEqual(['quiet']);
  });

  test('of a node that is not there has nothing but the error', async () => {
    const { clock, net } = await scriptedSetup(GOOD);
    const report = await driven(
      clock,
      conform({ cases: [pings], subject: { net, at: { ...AT, port: 1 } }, chain, clock }),
    );
    expect(report).toMatchObject({ error: 'could not connect: nothing listens there', findings: [] });
    expect(hasRun(report)).toBe(false);
    expect((await reportOn({}, [pings])).error).toBe('it did not answer our version');
  });

  test('marks known differences, and names those that did not show', async () => {
    const known = readKnown([
      {
        implementation: 'scripted',
        agent: '^/scripted:',
        cases: { quiet: 'it sends pongs', pings: 'never true' },
      },
    ]);
    const report = await reportOn(GOOD, [pings, quiet], { known });
    expect(report.findings[1]).toMatchObject({
      verdict: 'known',
      seen: expect.stringContaining('(known: it sends pongs)'),
    });
    expect(report.absent).toEqual(['pings']);
    expect(violations(report)).toEqual([]);
    expect(knownOf(known, '/other:1/').size).toBe(0);
  });

  test('is polite on request: one connection at a time, a second apart, nothing large', async () => {
    const opened: number[] = [];
    const large = caseOf(
      [{ op: 'send', messages: [{ msg: 'tx', payload_gen: { prefix: '', unit: '00', count: 3_000 } }] }],
      { id: 'large' },
    );
    const { clock, net } = await scriptedSetup(GOOD);
    const slow: Net = { ...net, dial: (to, handler) => (opened.push(clock.now()), net.dial(to, handler)) };
    const report = await driven(
      clock,
      conform({ cases: [pings, large, pings], subject: { net: slow, at: AT }, chain, clock, polite: true }),
    );
    expect(report.findings[1]?.seen).toBe('not against a node that is not yours (--polite)');
    expect(opened.slice(1).map((at, n) => at - opened[n]! >= 1_000)).toEqual([true, true, true]);
    expect(isDisruptive(pings, chain)).toBe(false);
  });

  test('reports its progress, and stops when aborted', async () => {
    const control = new AbortController();
    const steps: string[] = [];
    const progress = (done: number, all: number): void => (steps.push(`${done}/${all}`), control.abort());
    const report = await reportOn(GOOD, [pings], { progress, signal: control.signal });
    expect(steps).toEqual(['0/1', '1/1']);
    expect(report.findings[0]).toMatchObject({ verdict: 'skip', seen: 'interrupted' });
  });
});

describe('the report', () => {
  const mean = caseOf([...HANDSHAKE_STEPS, { op: 'expect_quiet', ms: 10 }, { op: 'ping_pong' }], {
    id: 'mean',
    name: '<script>"&\'',
  });

  test('a case reads as a transcript in two columns', () => {
    const [head, first, second] = sequenceOf(scriptOf(cases.find(({ id }) => id === 'in-seq-009')!));
    expect(head).toMatch(/^tester {42,}node$/);
    expect(first).toMatch(/^connects +──►$/);
    expect(second).toMatch(/^version +──►$/);
    for (const it of cases) expect(sequenceOf(scriptOf(it)).join('\n')).not.toContain('undefined');
  });

  test('JUnit and HTML escape every text, and HTML asks for nothing', async () => {
    const report = await reportOn(
      {
        ...GOOD,
        message: (connection, command, payload) =>
          command !== 'ping' && GOOD.message?.(connection, command, payload),
      },
      [mean, cases.find(({ id }) => id === 'in-hs-003')!],
    );
    const [xml, html] = [junitOf(report), pageOf([report, report])];
    for (const text of [xml, html]) {
      expect(text).not.toContain('<script>"');
      expect(text).toContain('&lt;script&gt;&quot;&amp;&#39;');
    }
    expect(xml).toContain('tests="2" failures="1" skipped="1"');
    expect(html).not.toMatch(/<script|src=|href=|url\(|@import/);
  });

  test('a report is read back, and other JSON is refused', async () => {
    const report = await reportOn(GOOD, [mean]);
    expect(readReport(JSON.parse(JSON.stringify(report)), 'r.json')).toEqual(report);
    expect(readReport({ format: 'other' }, 'r.json')).toBe('r.json lacks "tester"');
  });

  test('a report with any one value replaced is refused, or shown', async () => {
    const report = await reportOn(GOOD, [mean], { keepsTranscripts: true });
    const pathsIn = (value: unknown, path: string[] = []): string[][] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, item]) => [[...path, key], ...pathsIn(item, [...path, key])])
        : [];
    const paths = pathsIn(report);
    expect(paths.map((path) => path.join('.'))).toContain('findings.0.transcript.0.text');
    for (const path of paths) {
      for (const value of [null, -1.5, '', 'x', '__proto__', [], [null], {}, true]) {
        const changed = JSON.parse(JSON.stringify(report)) as Record<string, unknown>;
        const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, changed);
        parent[path.at(-1)!] = value;
        const read = readReport(changed, 'r.json');
        if (typeof read === 'string') expect(read).toMatch(/^r\.json\S* (should be|lacks|has) /);
        else expect(pageOf([read]) + junitOf(read)).not.toContain('undefined');
      }
    }
  });

  test('each skipped case has a reason, and a dial is described in a sentence', () => {
    expect(needsOf(cases.find(({ id }) => id === 'in-cfg-018')!)).toEqual([
      'needs the node started with other options: -whitelist=noban@127.0.0.1',
    ]);
    const request = { at: { host: '127.0.0.1', port: 5 }, type: 'manual', v2: false };
    expect(filledIn('dial {host}:{port} {type} {v2} {x}', request)).toBe('dial 127.0.0.1:5 manual false {x}');
    expect(dialInstruction(request, chain)).toBe(
      'bitcoin-cli -chain=regtest addnode 127.0.0.1:5 onetry false',
    );
    expect(dialInstruction({ ...request, type: 'feeler' }, NETWORKS.main)).toBe(
      'bitcoin-cli addconnection 127.0.0.1:5 feeler false',
    );
    expect(operatorDialler(NETWORKS.main, () => undefined).types).toEqual(['manual']);
  });
});
