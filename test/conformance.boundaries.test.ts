/** The boundaries of the messages: those that are derived from the message table, and their verdicts. */
import { describe, expect, test } from '@jest/globals';
import { boundaries, digestOf, STATES } from '../src/conformance/boundaries/boundaries.js';
import { boundaryCases } from '../src/conformance/boundaries/boundary-cases.js';
import { outcomeOf, stepsOf, textOf } from '../src/conformance/boundaries/outcomes.js';
import { variantsOf } from '../src/conformance/boundaries/variants.js';
import { readVerdicts } from '../src/conformance/boundaries/verdicts.js';
import { evidenceOf } from '../src/conformance/case.js';
import { loadCases, loadVerdicts } from '../src/conformance/case-files.js';
import { readCase } from '../src/conformance/case-schema.js';
import { COMMANDS, decodeMessage } from '../src/wire/index.js';

const all = boundaries();
const verdicts = loadVerdicts();
const names = (command: (typeof COMMANDS)[number]): string[] => variantsOf(command).map(({ name }) => name);

describe('the boundaries', () => {
  test('have unique ids made of state, command and variant', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { id, state, command, variant = '' } of all)
      expect(id.replace('in-v2-', 'in-').replace(/-d70017$/, '')).toBe(
        ['in', state, command, variant].filter(Boolean).join('-'),
      );
  });

  test('have each message of the table in each state, over v1 and v2', () => {
    for (const state of STATES) {
      for (const command of [...COMMANDS, 'unknown']) {
        const both = all.filter((it) => it.state === state && it.command === command && !it.variant);
        expect([...new Set(both.map(({ transport }) => transport))]).toEqual(['v1', 'v2']);
      }
    }
  });

  test('have each field at its limits', () => {
    expect(names('ping')).toEqual(expect.arrayContaining(['nonce-min', 'nonce-max']));
    expect(names('version')).toEqual(
      expect.arrayContaining([
        ...['version-min', 'version-max', 'version--1', 'version-31799', 'version-31800', 'version-70016'],
        ...['addr_from-port-min', 'addr_from-port-max', 'relay-false', 'relay-true', 'timestamp--1'],
        ...['user_agent-length-0', 'user_agent-length-252', 'user_agent-length-253'],
        ...['user_agent-length-256', 'user_agent-length-257'],
      ]),
    );
  });

  test('have each list at its limit and one beyond, and each optional tail cut at each byte', () => {
    const limits = {
      addr: 1000,
      addrv2: 1000,
      inv: 50_000,
      getdata: 50_000,
      getheaders: 101,
      getblocks: 101,
    };
    for (const [command, limit] of Object.entries(limits)) {
      const counts = names(command as 'inv').flatMap((name) => /-count-(\d+)$/.exec(name)?.[1] ?? []);
      expect(counts).toEqual(['0', '1', String(limit), String(limit + 1)]);
    }
    const cuts = names('version').filter((name) => name.startsWith('cut-'));
    const sizes = cuts.map((name) => Number(name.slice(4))).filter((size) => size >= 46);
    expect(sizes).toEqual(Array.from({ length: 94 - 46 }, (_, n) => 46 + n));
    expect(names('ping').filter((name) => name.startsWith('cut-'))).toHaveLength(8);
  });

  test('are read by the codec as a whole and not when cut in their required part', () => {
    for (const { command, sent, variant } of all.filter(({ command: name }) => name === 'sendcmpct')) {
      const { ok } = decodeMessage(command, Buffer.from(sent.payload ?? '', 'hex'));
      expect(ok).toBe(!variant?.startsWith('cut-'));
    }
  });
});

describe('the verdicts', () => {
  const cases = boundaryCases(verdicts);
  const first = all[0]!;

  test('make a case of each boundary, with the evidence for it', () => {
    expect(cases).toHaveLength(all.length);
    expect(loadCases().length).toBeGreaterThanOrEqual(500);
    for (const it of cases) expect(readCase(it)).toBe(it);
    for (const it of cases.filter(({ dialects }) => dialects.includes('d70016')))
      expect([evidenceOf(it), it.verified[0]]).toEqual(['run', verdicts.program]);
    for (const it of cases.filter(({ dialects }) => !dialects.includes('d70016')))
      expect(evidenceOf(it)).toMatch(/^(BIP|source)$/);
  });

  test('do not hold for other bytes, nor for a boundary that has none', () => {
    const row = verdicts.run[first.id]!;
    const changed = { ...verdicts, run: { ...verdicts.run, [first.id]: `00000000${row.slice(8)}` } };
    expect(() => boundaryCases(changed)).toThrow(`the verdict for ${first.id} was recorded for other bytes`);
    const { [first.id]: removed, ...run } = verdicts.run;
    expect(removed).toBe(row);
    expect(() => boundaryCases({ ...verdicts, run })).toThrow(`there is no verdict for ${first.id}`);
    const more = { ...verdicts, run: { ...verdicts.run, 'in-moon': row } };
    expect(() => boundaryCases(more)).toThrow('there is a verdict for in-moon, which is not a boundary');
    const odd = { ...verdicts, run: { ...verdicts.run, [first.id]: `${digestOf(first)} perhaps` } };
    expect(() => boundaryCases(odd)).toThrow(`the verdict for ${first.id} has an unknown end`);
    expect(() => readVerdicts({ about: 'x' }, 'verdicts.json')).toThrow('verdicts.json lacks "program"');
  });

  test.each([
    'pong',
    'close',
    'version verack alert open',
    'pong=0000000000000000 pong',
    'version wtxidrelay sendaddrv2 verack pong',
  ])('"%s" is read back, and expected by the steps', (text) => {
    const outcome = outcomeOf(text)!;
    expect(textOf(outcome)).toBe(text);
    const last = stepsOf(first, outcome).at(-1)!;
    const ops = { pong: 'expect', close: 'expect_close', open: 'expect_quiet' };
    expect(last.op).toBe(ops[outcome.end]);
  });
});
