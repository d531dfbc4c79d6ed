/** `verack learn` and `verack identify` on the command line: what they refuse, and what they print of two files. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { identifyCommand } from '../src/cli/identify.js';
import { learnCommand } from '../src/cli/learn.js';
import { createNode } from '../src/index.js';
import { loadKnownModels } from '../src/learn/index.js';
import { Output } from '../src/cli/output.js';
import { ran } from './support/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-learn-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file, returns its path. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const [one, other] = loadKnownModels();
const A = file('a.json', JSON.stringify(one?.model));
const B = file('b.json', JSON.stringify(other?.model));
const fewer = { ...one?.model, machine: { inputs: ['ping'], states: [[{ output: '', target: 0 }]] } };
const FEWER = file('fewer.json', JSON.stringify(fewer));
const BROKEN = file('broken.json', '{');
const OTHER = file('other.json', '{"format":"else"}');
const PARTIAL = file('partial.json', JSON.stringify({ ...one?.model, greeting: 1 }));
const LOST = file(
  'lost.json',
  JSON.stringify({ ...one?.model, machine: { ...one?.model.machine, states: [[]] } }),
);

const command = (line: string) => ran(line, [learnCommand, identifyCommand]);

describe('a command line that cannot be used', () => {
  test.each<[line: string, message: RegExp]>([
    ['learn 127.0.0.1 127.0.0.2', /learn takes one host/],
    ['learn 127.0.0.1:99999', /"127.0.0.1:99999" cannot be used/],
    [`learn --diff ${A}`, /--diff needs two files/],
    [`learn --diff ${A} ${B} ${A}`, /--diff needs two files/],
    [`learn --diff ${A} ${folder}/none.json`, /none.json" cannot be read: there is no such file/],
    [`learn --diff ${A} ${BROKEN}`, /broken.json cannot be read/],
    [`learn --diff ${A} ${OTHER}`, /other.json is not a model/],
    [`learn --diff ${A} ${PARTIAL}`, /greeting should be a string/],
    [`learn --diff ${A} ${LOST}`, /every state needs a transition/],
    [`learn --diff ${A} ${FEWER}`, /different inputs/],
    [`learn --diff ${A} ${B} --as svg`, /--diff prints text, or a page with --as html/],
    ['learn --as picture 127.0.0.1', /--as/],
    ['identify 127.0.0.1:x', /"127.0.0.1:x" cannot be used/],
    ['identify', /missing required argument/],
  ])('%s', async (line, message) => {
    const { code, stderr } = await command(line);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

test.each(['learn', 'identify'])('%s reports a closed port', async (verb) => {
  const { code, stderr } = await command(`${verb} 127.0.0.1:1`);
  expect(stderr).toMatch(/127.0.0.1:1/);
  expect(code).toBe(4);
});

test('identify gives exit code 5 for a host that sends no version', async () => {
  await using server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, stdout } = await command(`identify --regtest 127.0.0.1:${port}`);
  expect([code, stdout]).toEqual([5, expect.stringContaining('unknown; sent no version')]);
});

test('learn gives up at --maxwords', async () => {
  await using node = createNode({ chain: 'regtest' });
  const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
  const at = `127.0.0.1:${local.port}`;
  const { code, stderr } = await command(`learn --regtest ${at} --maxwords 10`);
  expect([code, stderr]).toEqual([
    7,
    expect.stringContaining(`${at}: its state machine was not found with 10 words`),
  ]);
});

describe('two files', () => {
  test('differ in words, as text and as JSON', async () => {
    const { stdout, code } = await command(`learn --diff ${A} ${B}`);
    expect(stdout).toMatch(/^\d+ differences?\n/);
    expect(code).toBe(0);
    const { differences } = JSON.parse((await command(`learn --diff ${A} ${B} --json`)).stdout) as {
      differences: { expected: string[]; actual: string[] }[];
    };
    expect(stdout.match(/ {2}rule: /g)).toHaveLength(differences.length);
    const outputs = differences.map(({ expected, actual }) =>
      [expected, actual].map((words) => words.at(-1)),
    );
    expect(stdout.match(/^ {2}\S*a\.json: /gm)).toHaveLength(new Set(outputs.map(String)).size);
    expect(differences[0]?.expected).not.toEqual(differences[0]?.actual);
  });

  test('are drawn side by side, with what differs in red', async () => {
    const { stdout } = await command(`learn --diff ${A} ${B} --as html`);
    expect(stdout.match(/<svg/g)).toHaveLength(2);
    expect(stdout).toMatch(/class="edge differs"/);
    expect((await command(`learn --diff ${A} ${A} --as html`)).stdout).not.toMatch(/class="edge differs"/);
  });
});

describe('progress without a terminal', () => {
  const printed = (options: { json?: boolean; quiet?: boolean; isTTY?: boolean }) => {
    const { isTTY = false, json = false, quiet = false } = options;
    let text = '';
    const stderr = { isTTY, write: (more: string) => (text += more) };
    const shared = { env: {}, verbose: 0, color: 'never' } as const;
    const out = new Output({ ...shared, json, quiet, stdout: { write: () => true }, stderr });
    for (const words of [1, 2, 3]) out.progress(`${words} words`);
    return text;
  };

  test('is a plain line on stderr now and then, with --json too', () => {
    expect(printed({})).toBe('1 words\n');
    expect(printed({ json: true })).toBe('1 words\n');
  });

  test('is left out with --quiet, and a status line on a terminal', () => {
    expect(printed({ quiet: true })).toBe('');
    expect(printed({ isTTY: true })).toMatch(/1 words.*2 words.*3 words$/s);
  });
});
