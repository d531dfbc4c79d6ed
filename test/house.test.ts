/** The house rules that a machine can check: who imports whom, which names are not used, what each reason needs. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REASON_CODES, REASONS } from '../src/reasons.js';

const files = ['machines', 'src'].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(root, file)),
);

interface Import {
  readonly what: string;
  readonly typesOnly: boolean;
}

/** The import and re-export lines of a file. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const lines = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'/gm);
  return [...lines].map(([, type, what = '']) => ({ what, typesOnly: type !== undefined }));
}

/** The room of a file: `machines`, `wire`, …; `data` for files straight in `src`. */
const roomOf = (file: string): string => {
  const [root, room = '', inner = ''] = normalize(file).split('/');
  if (root === 'machines') return 'machines';
  if (room === 'see' && inner === 'page') return 'page';
  return room.endsWith('.ts') ? (room === 'index.ts' ? 'entry' : 'data') : room;
};

const targetOf = (file: string, what: string): string =>
  what.startsWith('.')
    ? roomOf(join(dirname(file), what.replace(/\.js$/, '.ts')))
    : what.startsWith('node:')
      ? 'node'
      : what;

/** Depth first: an arrow back into the path that leads here closes a circle. */
function circlesOf(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const next of arrows.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of arrows.keys()) visit(file, []);
  return circles;
}

/** `types`: only with `import type`. Packages by name; `node` stands for every `node:` module. */
const MAY: Record<string, Record<string, 'yes' | 'types'>> = {
  machines: { machines: 'yes', xstate: 'yes', data: 'yes', wire: 'types' },
  data: { data: 'yes' },
  wire: {
    wire: 'yes',
    data: 'yes',
    'ipaddr.js': 'yes',
    '@scure/base': 'yes',
    '@noble/hashes/sha3.js': 'yes',
    '@noble/hashes/sha2.js': 'yes',
  },
  io: { io: 'yes', data: 'yes', wire: 'types', node: 'yes', 'ipaddr.js': 'yes' },
  run: { run: 'yes', io: 'yes', wire: 'yes', machines: 'yes', data: 'yes', xstate: 'yes' },
  tools: { tools: 'yes', run: 'yes', io: 'yes', wire: 'yes', machines: 'yes', data: 'yes', node: 'yes' },
  // What runs in a browser; the node knows its shapes alone.
  page: { page: 'yes' },
  see: {
    see: 'yes',
    page: 'types',
    tools: 'yes',
    run: 'yes',
    io: 'yes',
    wire: 'yes',
    machines: 'yes',
    data: 'yes',
    node: 'yes',
    xstate: 'types',
    ws: 'yes',
    '@statelyai/inspect': 'yes',
  },
  metrics: {
    metrics: 'yes',
    see: 'yes',
    run: 'yes',
    io: 'yes',
    wire: 'yes',
    node: 'yes',
    'prom-client': 'yes',
  },
  cli: {
    cli: 'yes',
    see: 'yes',
    // Loaded when asked for: it needs a package that may be missing.
    metrics: 'types',
    tools: 'yes',
    run: 'yes',
    io: 'yes',
    wire: 'yes',
    machines: 'yes',
    data: 'yes',
    node: 'yes',
    commander: 'yes',
  },
  entry: { run: 'yes', io: 'yes', tools: 'yes', wire: 'yes', machines: 'yes', data: 'yes' },
};

/** Where one file has an allowance that its room has not. */
const PORTS: Record<string, string[]> = {
  'src/wire/hash.ts': ['node'],
  'src/wire/v2/port.ts': ['node'],
  'src/run/env.ts': ['node'],
  'src/run/version.ts': ['node'],
  'src/run/node.ts': ['node'],
};

describe('who imports whom', () => {
  test.each(files)('%s', (file) => {
    const may = MAY[roomOf(file)] ?? {};
    const wrong = importsOf(file).filter(({ what, typesOnly }) => {
      const target = targetOf(file, what);
      if (PORTS[file]?.includes(target)) return false;
      return may[target] !== 'yes' && !(may[target] === 'types' && typesOnly);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the direction of imports', () => {
  /** The files that a file imports; types count too, as they bind a reader just as much. */
  const arrows = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter(({ what }) => what.startsWith('.'))
        .map(({ what }) => join(dirname(file), what.replace(/\.js$/, '.ts'))),
    ]),
  );

  test('no file imports itself by way of others', () => {
    expect(circlesOf(arrows)).toEqual([]);
  });

  test('a circle would be seen', () => {
    const abc = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['b']],
      ['d', []],
    ]);
    expect(circlesOf(abc)).toEqual(['b → c → b']);
  });
});

describe('names', () => {
  test('no file is named after what files are in general', () => {
    const vague = /^(utils?|helpers?|common|types|manager|misc|shared)\.ts$/;
    expect(files.map((file) => basename(file)).filter((name) => vague.test(name))).toEqual([]);
  });

  test('files are lower-case nouns', () => {
    expect(
      files.map((file) => basename(file)).filter((name) => !/^[a-z0-9]+(\.machine)?\.ts$/.test(name)),
    ).toEqual([]);
  });
});

describe('reasons', () => {
  const sources = files
    .filter((file) => file !== 'src/reasons.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

  test.each(REASON_CODES)('%s is given somewhere, says something and has an exit code', (code) => {
    const { says, hint, exit, survivable } = { survivable: false, ...REASONS[code] };
    expect(sources).toContain(code);
    expect(says).not.toBe('');
    expect(exit === 0 || exit === 130 || hint !== '').toBe(true);
    expect(survivable === true).toBe(/^ERR_(FRAME_(CHECKSUM|COMMAND)|CODEC_)/.test(code));
  });
});
