/** The layout's rules: which module may import which, how files are named, what each reason needs. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REASON_CODES, REASONS } from '../src/reasons.js';
import { NAME, VERSION } from '../src/version.js';

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

/** The module of a file: `machines`, `wire`, …; `data` for files straight in `src`. */
const moduleOf = (file: string): string => {
  const [root, module = '', inner = ''] = normalize(file).split('/');
  if (root === 'machines') return 'machines';
  if (module === 'inspect' && inner === 'page') return 'page';
  return module.endsWith('.ts') ? (module === 'index.ts' ? 'entry' : 'data') : module;
};

const targetOf = (file: string, what: string): string =>
  what.startsWith('.')
    ? moduleOf(join(dirname(file), what.replace(/\.js$/, '.ts')))
    : what.startsWith('node:')
      ? 'node:'
      : what;

/** Depth-first search: an edge to a module on the current path closes a cycle. */
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

/** The modules that a node is made of, and the data that they share; the other modules of `src` are applications. */
const CORE_MODULES = ['machines', 'wire', 'net', 'connection', 'node', 'xstate', 'addresses', 'data'];

/** The files that `exports` in package.json names: a user of the package can import these and no others. */
const ENTRIES: ReadonlySet<string> = new Set(
  Object.values(
    (JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> }).exports,
  ).flatMap((target) => {
    const file = (target as { default?: string }).default;
    return file ? [file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')] : [];
  }),
);

/** `types`: only with `import type`. Packages by name; `node:` stands for every module of Node.js. */
const CORE = {
  entry: 'yes',
  wire: 'yes',
  machines: 'yes',
  net: 'yes',
  connection: 'yes',
} as const;
const MAY: Record<string, Record<string, 'yes' | 'types'>> = {
  machines: { machines: 'yes', xstate: 'yes', data: 'yes', wire: 'types' },
  data: { data: 'yes' },
  xstate: { xstate: 'yes', 'node:': 'yes' },
  wire: {
    wire: 'yes',
    data: 'yes',
    'ipaddr.js': 'yes',
    '@scure/base': 'yes',
    '@noble/hashes/sha3.js': 'yes',
    '@noble/hashes/sha2.js': 'yes',
  },
  net: { net: 'yes', data: 'yes', wire: 'yes', 'node:': 'yes', 'ipaddr.js': 'yes' },
  addresses: { addresses: 'yes', net: 'yes', wire: 'yes', data: 'yes' },
  connection: { connection: 'yes', net: 'yes', wire: 'yes', machines: 'yes', data: 'yes', xstate: 'yes' },
  node: {
    node: 'yes',
    addresses: 'yes',
    connection: 'yes',
    net: 'yes',
    wire: 'yes',
    machines: 'yes',
    data: 'yes',
    xstate: 'yes',
  },
  http: { http: 'yes', net: 'yes', entry: 'yes', 'node:': 'yes' },
  json: { json: 'yes' },
  markup: { markup: 'yes' },
  conformance: { conformance: 'yes', json: 'yes', markup: 'yes', ...CORE, 'node:': 'yes' },
  recording: { recording: 'yes', json: 'yes', conformance: 'yes', decode: 'yes', ...CORE, 'node:': 'yes' },
  learn: { learn: 'yes', conformance: 'yes', markup: 'yes', ...CORE, xstate: 'yes', 'node:': 'yes' },
  decode: { decode: 'yes', ...CORE, 'node:': 'yes' },
  // The entry of the library exports it, so it imports the node's.
  probe: { probe: 'yes', node: 'yes', wire: 'yes', machines: 'yes', net: 'yes', 'node:': 'yes' },
  demo: { demo: 'yes', ...CORE, 'node:': 'yes' },
  crawl: {
    crawl: 'yes',
    json: 'yes',
    ...CORE,
    'node:': 'yes',
    xstate: 'yes',
    // Imported only when needed.
    '@nats-io/jetstream': 'types',
    '@nats-io/kv': 'types',
    '@nats-io/transport-node': 'types',
  },
  // Runs in a browser; the node knows its types alone.
  page: { page: 'yes' },
  inspect: {
    inspect: 'yes',
    markup: 'yes',
    page: 'types',
    http: 'yes',
    conformance: 'yes',
    recording: 'yes',
    decode: 'yes',
    demo: 'yes',
    ...CORE,
    'node:': 'yes',
    xstate: 'types',
    ws: 'yes',
    '@statelyai/inspect': 'yes',
  },
  metrics: {
    metrics: 'yes',
    http: 'yes',
    ...CORE,
    xstate: 'yes',
    'node:': 'yes',
    'prom-client': 'yes',
  },
  cli: {
    cli: 'yes',
    inspect: 'yes',
    http: 'yes',
    // Loaded when asked for: it needs a package that may be missing.
    metrics: 'types',
    conformance: 'yes',
    recording: 'yes',
    decode: 'yes',
    probe: 'yes',
    learn: 'yes',
    demo: 'yes',
    addresses: 'yes',
    crawl: 'yes',
    ...CORE,
    'node:': 'yes',
    commander: 'yes',
  },
  entry: { probe: 'yes', net: 'yes', connection: 'yes', node: 'yes' },
};

/** Where one file has an allowance that its module has not. */
const EXCEPTIONS: Record<string, string[]> = {
  'src/node/banlist-file.ts': ['node:'],
  'src/addresses/peers-file.ts': ['node:'],
  'src/wire/bip324/ciphers.ts': ['node:'],
  'src/wire/hash.ts': ['node:'],
  'src/node/node.ts': ['node:'],
};

/** The files of the core that an application imports although the package does not export them. */
const innerImportsOf = (file: string): string[] =>
  importsOf(file)
    .filter(({ what }) => what.startsWith('.'))
    .map(({ what }) => join(dirname(file), what.replace(/\.js$/, '.ts')))
    .filter((target) => CORE_MODULES.includes(moduleOf(target)) && !ENTRIES.has(target));

describe('applications use the core as a user of the package does', () => {
  const applications = files.filter((file) => !CORE_MODULES.includes(moduleOf(file)));

  test.each(applications)('%s', (file) => {
    expect(innerImportsOf(file)).toEqual([]);
  });

  test('the test finds an import of an inner file', () => {
    expect(innerImportsOf('src/node/node.ts')).toContain('src/node/listeners.ts');
  });

  test.each([...ENTRIES])('%s states in its header how it is imported', (entry) => {
    const [header = ''] = readFileSync(entry, 'utf8').split('*/');
    expect(header).toContain('verack');
  });
});

describe('allowed imports', () => {
  test.each(files)('%s', (file) => {
    const may = MAY[moduleOf(file)] ?? {};
    const wrong = importsOf(file).filter(({ what, typesOnly }) => {
      const target = targetOf(file, what);
      if (EXCEPTIONS[file]?.includes(target)) return false;
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

  test('there are no import cycles', () => {
    expect(circlesOf(arrows)).toEqual([]);
  });

  test('the test finds an import cycle', () => {
    const abc = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['b']],
      ['d', []],
    ]);
    expect(circlesOf(abc)).toEqual(['b → c → b']);
  });
});

describe('the package', () => {
  test('its name and version are those of package.json', () => {
    const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
    expect([NAME, VERSION]).toEqual([name, version]);
  });
});

describe('names', () => {
  test('no file has a generic name', () => {
    const vague = /^(utils?|helpers?|common|types|manager|misc|shared)\.ts$/;
    expect(files.map((file) => basename(file)).filter((name) => vague.test(name))).toEqual([]);
  });

  test('files are named in kebab-case', () => {
    expect(
      files
        .map((file) => basename(file))
        .filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.machine)?\.ts$/.test(name)),
    ).toEqual([]);
  });
});

describe('reasons', () => {
  const sources = files
    .filter((file) => !/^src\/([a-z]+-)?reasons\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

  test.each(REASON_CODES)('%s is used, has a sentence and an exit code', (code) => {
    const { says, hint, exit, survivable } = { survivable: false, ...REASONS[code] };
    expect(sources).toContain(code);
    expect(says).not.toBe('');
    expect(exit === 0 || exit === 130 || hint !== '').toBe(true);
    expect(survivable === true).toBe(/^ERR_(FRAME_(CHECKSUM|COMMAND)|CODEC_)/.test(code));
  });
});
