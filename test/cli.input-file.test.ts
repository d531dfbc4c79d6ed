/** Files that a verb reads as a whole: bounded, and without waiting, whatever size or kind the system reports. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { FORMAT } from '../src/conformance/report.js';
import { readTextFile } from '../src/cli/input-file.js';
import { keyFile } from '../src/net/index.js';
import { ran } from './support/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-input-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const run = (line: string) => ran(line, CLI_COMMANDS);

/** The options and operands that name a file which is read as a whole. */
const LINES: readonly string[] = [
  'learn --diff FILE FILE',
  'crawl --regtest --from FILE',
  'crawl --regtest --addresses FILE',
  'crawl --regtest --optout FILE --seednode 127.0.0.1 --allow-unroutable',
  'crawl --regtest --nats nats://127.0.0.1:1 --nats-creds FILE --seednode 127.0.0.1 --allow-unroutable',
  'crawl FILE',
  'conform --compare FILE --html x.html',
  'addresses --datadir none --asmap FILE',
  'addresses --datadir none --add FILE',
  'addresses --datadir none --import FILE',
  'listen --metrics 0 --metricstokenfile FILE',
];

test('is read up to its limit and not beyond', () => {
  const size = Buffer.byteLength(readTextFile('package.json'));
  expect(readTextFile('package.json', size)).toContain('"verack"');
  expect(() => readTextFile('package.json', size - 1)).toThrow(
    `"package.json" cannot be read: it has more than ${size - 1} bytes`,
  );
});

(existsSync('/dev/zero') ? test.each : test.skip.each)([...LINES])(
  'a device without an end is refused: %s',
  async (line) => {
    const { code, stderr } = await run(line.replaceAll('FILE', '/dev/zero'));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/ has more than \d+ bytes/)]);
  },
);

test.each([...LINES])('a directory is refused: %s', async (line) => {
  const { code, stderr } = await run(line.replaceAll('FILE', folder));
  expect([code, stderr]).toEqual([2, expect.stringContaining('EISDIR')]);
});

test('a byte order mark is not part of the text', () => {
  writeFileSync(at('bom'), '\uFEFFtoken\n');
  expect(readTextFile(at('bom'))).toBe('token\n');
});

test.each(['two words', 'ends-with-a-space ', 'clé', 'nul\0'])(
  'a token that no client can send is refused: %j',
  async (token) => {
    writeFileSync(at('token'), token);
    const node = 'listen --regtest --port 0 --for 0.01 --datadir none --metrics=127.0.0.1:0';
    const { code, stderr } = await run(`${node} --metricstokenfile ${at('token')}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining('one word of ASCII characters')]);
  },
);

const REPORT = { format: FORMAT, tester: 'x', began: 'x', node: 'x', findings: [], absent: [] };
writeFileSync(at('report.json'), JSON.stringify(REPORT));

(existsSync('/dev/full') ? test : test.skip)(
  'a report on a full disk is one sentence and exit code 8',
  async () => {
    const { code, stderr } = await run(`conform --compare ${at('report.json')} --html /dev/full`);
    expect([code, stderr]).toEqual([
      8,
      'verack conform: "/dev/full" cannot be used: the disk is full (ENOSPC).\n',
    ]);
  },
);

(existsSync('/dev/full') ? test : test.skip)('so is a recording on one, at the end of the run', async () => {
  const { code, stderr } = await run(
    'listen --regtest --port 0 --for 0.01 --datadir none --record /dev/full',
  );
  expect([code, stderr]).toEqual([8, expect.stringContaining('the disk is full (ENOSPC)')]);
});

(process.platform === 'win32' ? describe.skip : describe)('a pipe without a writer', () => {
  execFileSync('mkfifo', [at('pipe')]);

  test.each([...LINES])('is refused at once: %s', async (line) => {
    const { code, stderr } = await run(line.replaceAll('FILE', at('pipe')));
    expect([code, stderr]).toEqual([2, expect.stringContaining('pipe')]);
    expect(stderr).toContain('ESPIPE');
  });

  test.each(['peers.dat', 'anchors.dat', 'banlist.json'])(
    'as %s of the data directory is named, and the node runs without it',
    async (name) => {
      const datadir = at(`data-${name}`);
      mkdirSync(join(datadir, 'regtest'), { recursive: true });
      execFileSync('mkfifo', [join(datadir, 'regtest', name)]);
      const { code, stderr } = await run(`listen --regtest --port 0 --for 0.01 --datadir ${datadir}`);
      expect([code, stderr]).toEqual([0, expect.stringContaining(`${name} `)]);
      expect(stderr).toContain('ESPIPE');
    },
  );

  test('as the key of I2P is refused', async () => {
    await expect(keyFile(at('pipe')).read()).rejects.toMatchObject({
      code: 'ERR_LOCAL_LIMIT',
      facts: { syscode: 'ESPIPE' },
    });
  });

  test('as a file that is written is refused at once', async () => {
    const { code, stderr } = await run(`conform --compare ${at('report.json')} --html ${at('pipe')}`);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('it is a pipe or a device, not a file (ENXIO)'),
    ]);
  });
});

describe('a crawl file that holds something else', () => {
  test('is left as it is by --resume, also when it is one line without an end', async () => {
    writeFileSync(at('notes'), 'what I must not forget');
    const { code, stderr } = await run(
      `crawl --regtest --allow-unroutable --seednode 127.0.0.1:1 --resume --output ${at('notes')}`,
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining('it holds no crawl')]);
    expect(readFileSync(at('notes'), 'utf8')).toBe('what I must not forget');
  });

  test.each([
    '{"event":"reply","addr":"x"}',
    '{"event":"attempt"}',
    '{"event":"attempt","t":1,"addr":"x:1","round":1,"network":"__proto__"}',
    '{"event":"begin","t":1e99,"resumed":false,"chain":"main"}',
    '{"event":"toString"}',
    '[1]',
  ])('is refused: %s', async (line) => {
    writeFileSync(
      at('crawl'),
      `{"event":"begin","t":1,"resumed":false,"chain":"main"}\n${line}\n{"event":"end"}\n`,
    );
    const { code, stderr } = await run(`crawl ${at('crawl')}`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/line 2 is not an event of a crawl/)]);
  });
});
