/** The parts of the command line that need no process: Core's option syntax, usage errors, colours, exit codes. */
import { describe, expect, test } from '@jest/globals';
import { duration, failureLine, readable } from '../src/cli/peer-lines.js';
import { EXIT, exitCodeOf } from '../src/cli/exit-codes.js';
import type { Flags } from '../src/cli/options.js';
import { isColoured, Output, type TextOutput } from '../src/cli/output.js';
import type { CliCommand } from '../src/cli/command.js';
import { VerackError } from '../src/index.js';
import { V2_FAULT_NAMES } from '../src/connection/v2-faults.js';
import { FAULT_NAMES } from '../src/net/faults/faults.js';
import { v2OffNotice } from '../src/cli/node-options.js';
import { fault } from '../src/cli/option-values.js';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { CapturedOutput, ran, read } from './support/command-line.js';

describe("Bitcoin Core's option syntax", () => {
  test.each<[line: string, operands: string[], flags: Partial<Flags>]>([
    ['connect -regtest -timeout=2000 a', ['a'], { chain: 'regtest', timeout: 2000 }],
    ['connect -chain=test -peertimeout=7 a', ['a'], { chain: 'test', peertimeout: 7 }],
    ['connect --chain testnet3 a', ['a'], { chain: 'test' }],
    ['-regtest connect a', ['a'], { chain: 'regtest' }],
    ['--timeout 9 connect a', ['a'], { timeout: 9 }],
    ['--uacomment connect connect a', ['a'], { uacomment: ['connect'] }],
    ['-signet -connect=a -connect=b', [], { chain: 'signet', connect: ['a', 'b'] }],
    ['-listen -testnet4 -port=0', [], { chain: 'testnet4', port: 0 }],
    ['connect -nolisten -norelay a', ['a'], { relay: false }],
    ['-addnode=a -addnode=b -regtest', [], { chain: 'regtest', addnode: ['a', 'b'] }],
    ['-listen=0 -connect=a', [], { connect: ['a'], listen: false }],
    ['-connect=127.0.0.1:1 -listen', [], { connect: ['127.0.0.1:1'], listen: true }],
    ['connect -connect=0', [], { connect: ['0'] }],
    ['connect -noconnect', [], { connect: false }],
    ['connect -noproxy -noonion -noi2psam', [], { proxy: false, onion: false, i2psam: false }],
    ['connect -i2psam=0 -dns=0', [], { i2psam: false, dns: false }],
    ['connect -dnsseed=0', [], { dnsseed: false }],
    ['connect -nodnsseed', [], { dnsseed: false }],
    ['connect -dnsseed=1', [], { dnsseed: true }],
    ['connect -relay=false a', ['a'], { relay: false }],
    ['listen -testnet4=0 -regtest=1', [], { chain: 'regtest' }],
    ['listen -noregtest -signet', [], { chain: 'signet' }],
    ['connect -relay=0 a', ['a'], { relay: false }],
    ['connect -relay=1 a', ['a'], { relay: true }],
    ['connect -norelay=0 a', ['a'], { relay: true }],
    [
      'connect -uacomment=x -uacomment=y -onlynet=ipv4 a',
      ['a'],
      { uacomment: ['x', 'y'], onlynet: ['ipv4'] },
    ],
    ['connect -v -q a', ['a'], { verbose: 1, quiet: true }],
    ['connect -vv a', ['a'], { verbose: 2 }],
    ['connect -vqv a', ['a'], { verbose: 2, quiet: true }],
    ['connect --inspect a', ['a'], { inspect: 0 }],
    ['connect --inspect 8080 a', ['a'], { inspect: 8080 }],
    ['connect a --inspect', ['a'], { inspect: 0 }],
    ['connect --metrics a', ['a'], { metrics: { host: '127.0.0.1', port: 8335 } }],
    ['connect --metrics 7 a', ['a'], { metrics: { host: '127.0.0.1', port: 7 } }],
    [
      'connect --metrics 127.0.0.1:18444',
      ['127.0.0.1:18444'],
      { metrics: { host: '127.0.0.1', port: 8335 } },
    ],
    ['listen --metrics=0.0.0.0', [], { metrics: { host: '0.0.0.0', port: 8335 } }],
    ['listen -metrics=[::1]:0', [], { metrics: { host: '::1', port: 0 } }],
    [
      'connect --fault split=7 --fault checksum a',
      ['a'],
      {
        fault: [
          { name: 'split', value: '7' },
          { name: 'checksum', value: '' },
        ],
      },
    ],
    [
      'listen -bind=0.0.0.0 -bind=[::1]:7',
      [],
      {
        bind: [
          { host: '0.0.0.0', port: -1 },
          { host: '::1', port: 7 },
        ],
      },
    ],
    [
      'probe --require services=network,NODE_WITNESS --require version=7 a',
      ['a'],
      { require: { services: ['NETWORK', 'WITNESS'], version: 7 } },
    ],
    ['decode -', ['-'], {}],
    ['connect --dns-server 127.0.0.1:53,[::1] a', ['a'], { dnsServer: ['127.0.0.1:53', '[::1]:53'] }],
    ['connect -- -a', ['-a'], {}],
  ])('%s', async (line, operands, flags) => {
    const job = await read(line);
    expect(job.operands).toEqual(operands);
    expect(job.flags).toMatchObject(flags);
  });
});

test('a chain that is switched off is not chosen', async () => {
  const { flags } = await read('connect -regtest=0 a');
  expect(flags.chain).toBeUndefined();
});

describe("Core's options that do not go together", () => {
  test.each<[line: string, says: string]>([
    ['probe', 'verack probe: no host is given: give one or more, or a list with --from FILE'],
    [
      'probe --from /nonexistent/list',
      'the list of hosts "/nonexistent/list" cannot be read: there is no such file',
    ],
    ['listen -listen=0', '-listen=0 contradicts verack listen'],
    ['connect -regtest -dnsseed=0', 'this regtest has no seeds: give a host'],
    ['listen -addnode=a', "unknown option '--addnode=a'"],
  ])('%s', async (line, says) => {
    const { code, stderr } = await ran(line, CLI_COMMANDS);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});

describe('usage errors are one sentence with what to try', () => {
  test.each<[line: string, says: string]>([
    ['conect', `verack: unknown command 'conect'; did you mean connect? See "verack --help".`],
    ['127.0.0.1', `verack: unknown command '127.0.0.1'; the verbs are demo, connect,`],
    [
      'connect --onse a',
      `verack connect: unknown option '--onse'; did you mean --once? See "verack connect --help".`,
    ],
    ['connect -foo a', "unknown option '--foo'"],
    ['probe --from', "verack probe: option '--from <file>' argument missing"],
    ['connect --timeout', "option '--timeout <ms>' argument missing."],
    ['connect --seednode a/b', 'Not a host name'],
    ['crawl --seednode a:99999', 'A port is a number from 1 to 65535.'],
    ['connect --timeout 0 a', 'It takes a whole number from 1 to 3600000.'],
    ['connect --timeout -5 a', 'It takes a whole number from 1 to 3600000.'],
    ['connect --timeout 1e3 a', 'It takes a whole number'],
    ['connect -peertimeout=0 a', 'It takes a whole number from 1 to 86400.'],
    ['connect --for 0 a', 'It takes a number of seconds above 0, at most 2000000.'],
    ['connect --for 99999999 a', 'It takes a number of seconds above 0, at most 2000000.'],
    ['listen --bind 127.0.0.1:99999', 'A port is a number from 0 to 65535.'],
    ['connect --dns-server a:b:c a', 'More than one colon, but not an IPv6 address'],
    ['help foo', "verack: unknown command 'foo'; the verbs are demo,"],
    ['help conect', "unknown command 'conect'; did you mean connect?"],
    ['connect --chain moon a', 'The chains are main, test, testnet4, signet and regtest.'],
    ['connect -regtest -signet a', 'Only one chain can be given, and regtest was given already.'],
    ['connect --onlynet moon a', 'It takes one of ipv4, ipv6, onion, i2p, cjdns.'],
    ['connect --fault chcksum a', 'did you mean "checksum"?'],
    ['connect --fault silnt a', 'did you mean "silent"? the faults are checksum, '],
    ['connect --fault v2-bad-tagg a', 'did you mean "v2-bad-tag"?'],
    ['connect --fault moon a', 'slow=MS, v2-early-key, '],
    ['connect --fault v2-bad-tag=1 a', 'take no value'],
    ['connect --fault split a', 'split=N'],
    ['connect --dns-server example.org a', 'It takes an IP address'],
    ['connect --maxconnections 0 a', 'It takes a whole number from 1'],
    ['listen --port 65536', 'It takes a whole number from 0 to 65535.'],
    ['listen --bind name', 'It takes an address of this machine'],
    ['listen --metrics=localhost:9', 'It takes a port, or an address of this machine'],
    ['listen --metrics 65536', 'It takes a whole number from 0 to 65535.'],
    ['connect -relay=maybe a', '-relay takes 1 or 0, not "maybe"'],
    ['listen extra', "too many arguments for 'listen'"],
    ['probe --require foo=1 a', 'It takes services=NETWORK,WITNESS or version=70016.'],
    ['probe --require services=FOO a', 'The services are NETWORK,'],
    ['diagram --format gif', 'It takes one of mermaid, svg, overview, json, xstate.'],
  ])('%s', async (line, says) => {
    const { code, stdout, stderr, jobs } = await ran(line);
    expect([code, stdout, jobs]).toEqual([EXIT.usage, '', []]);
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each<[line: string, says: string]>([
    [
      'connect 999.1.1.1',
      '"999.1.1.1" cannot be used: not an IPv4 address, which has four numbers from 0 to 255.',
    ],
    ['connect a:b:c', 'more than one colon, but not an IPv6 address'],
    ['probe node:99999', 'a port is a number from 1 to 65535'],
    ['connect --regtest', 'this regtest has no seeds: give a host, for example 127.0.0.1'],
    ['connect --signetchallenge zz a', 'a signet challenge is a script of 1 to 10000 bytes in hex'],
    [
      'connect --signetchallenge 51 --chain main a',
      '--signetchallenge is for signet and cannot be combined with --chain main',
    ],
    ['connect --uacomment (x) a', 'a user agent comment may hold letters'],
    [`connect --uacomment ${'x'.repeat(260)} a`, 'the user agent would have'],
    ['connect \u001b[31m', 'verack connect: "?[31m" cannot be used'],
    ['decode 12zz', 'character 3 is "z", which is not a hex digit'],
    ['decode 123', '3 hex digits are not a whole number of bytes; is the last one missing? See'],
    ['decode 00112233', 'for a payload without a header give --command NAME'],
    ['decode --command pong-pong 00', 'no such command: "pong-pong"'],
    ['conform a --dial-command dial', '--dial-command has no {port}'],
    ['conform --compare /dev/null --html a.html', '/dev/null is not a report'],
    ['completion tcsh', 'the shells are bash, zsh, fish'],
  ])('%s', async (line, says) => {
    const { code, stdout, stderr } = await ran(line, CLI_COMMANDS);
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('no verb prints the help', async () => {
    const { code, stdout, stderr } = await ran('');
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toMatch(/^Usage: verack VERB[^]*Examples:\n[^]*Exit codes:/);
  });
});

describe('help and version', () => {
  test.each(['--help', '-h', 'help', 'help help'])(
    '%s has the usage, examples, every verb and the exit codes',
    async (line) => {
      const { code, stdout, stderr } = await ran(line);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: verack VERB[^]*\nExamples:\n/);
      for (const { name } of CLI_COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
      expect(stdout.match(/Exit codes:/g)).toHaveLength(1);
    },
  );

  test.each(CLI_COMMANDS.map(({ name }) => name))('%s --help has examples of its own', async (name) => {
    const { code, stdout } = await ran(`${name} --help`);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: verack ${name}[^]*\n\nExamples:\n.*verack ${name}`));
  });

  test.each(['', ...CLI_COMMANDS.map(({ name }) => name)])('"%s --help" fits 40 columns', async (name) => {
    const { stdout } = await ran(`${name} --help`.trim(), CLI_COMMANDS, { stdout: new CapturedOutput(true) });
    // A command to copy stays on one line; the terminal wraps it.
    const prose = stdout.split('\n').filter((line) => !/^( {2}|Usage: )verack /.test(line));
    expect(prose.filter((line) => line.length > 40)).toEqual([]);
    expect(prose.some((line) => line.length > 30)).toBe(true);
  });

  test('a fault of v1 frames is said to switch v2 off; others keep v2', () => {
    const notice = (name: string) => v2OffNotice({ fault: [fault(name)] });
    expect(notice('silent')).toContain('--fault silent needs v1, so v2 is off');
    expect(['slow=9', 'split=1', 'v2-bad-tag'].map(notice)).toEqual([undefined, undefined, undefined]);
    expect(v2OffNotice({ fault: [fault('silent')], v2transport: false })).toBeUndefined();
  });

  test.each(['connect', 'listen'])('%s --help lists every fault', async (name) => {
    const { stdout } = await ran(`${name} --help`);
    for (const fault of [...FAULT_NAMES, ...V2_FAULT_NAMES])
      expect(stdout).toMatch(new RegExp(`^ {2}${fault}\\b.* \\S`, 'm'));
  });

  test.each(['--version', '-V'])('%s', async (line) => {
    expect(await ran(line)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^verack \d+\.\d+\.\d+\n$/),
    });
  });
});

describe('a command', () => {
  const acting = (act: CliCommand['run'], isOneShot: boolean): CliCommand[] => [
    { name: 'act', about: '', examples: [], operands: [], options: [], isOneShot: () => isOneShot, run: act },
  ];

  test('that throws is a bug: exit code 1, and how to report it', async () => {
    const { code, stderr } = await ran(
      'act',
      acting(() => Promise.reject(new Error('oops')), true),
    );
    expect(code).toBe(EXIT.bug);
    expect(stderr).toMatch(/Please report it[^]*verack \d[^]*Node\.js v[^]*Error: oops/);
  });

  test.each([
    ['ENOTDIR', EXIT.usage, 'there is no such directory (ENOTDIR)'],
    ['EACCES', EXIT.usage, 'permission denied (EACCES)'],
    ['ENOSPC', EXIT.output, 'the disk is full (ENOSPC)'],
  ])('a file that the file system refuses is not a bug: %s', async (code, exit, why) => {
    const path = '/a/\u001b[31mb';
    const errors = [
      Object.assign(new Error('x'), { code, path, syscall: 'open' }),
      new VerackError('ERR_LOCAL_LIMIT', { syscode: code, file: path }),
      new VerackError('ERR_LOCAL_LIMIT', { why: code, path }),
    ];
    for (const error of errors)
      expect(
        await ran(
          'act',
          acting(() => Promise.reject(error), true),
        ),
      ).toMatchObject({ code: exit, stderr: `verack act: "/a/?[31mb" cannot be used: ${why}.\n` });
  });

  test.each([
    [true, EXIT.interrupted],
    [false, EXIT.ok],
  ])('one-shot %s, interrupted: exit %i', async (isOneShot, expected) => {
    const verbs = acting(() => Promise.resolve(EXIT.ok), isOneShot);
    expect((await ran('act', verbs, { interrupted: AbortSignal.abort() })).code).toBe(expected);
  });
});

describe('output', () => {
  const tty = new CapturedOutput(true);
  test.each<[string, TextOutput, NodeJS.ProcessEnv, Flags['color'], boolean]>([
    ['a terminal', tty, {}, 'auto', true],
    ['a pipe', new CapturedOutput(), {}, 'auto', false],
    ['NO_COLOR', tty, { NO_COLOR: '1' }, 'auto', false],
    ['an empty NO_COLOR', tty, { NO_COLOR: '' }, 'auto', true],
    ['a dumb terminal', tty, { TERM: 'dumb' }, 'auto', false],
    ['FORCE_COLOR on a pipe', new CapturedOutput(), { FORCE_COLOR: '1' }, 'auto', true],
    ['FORCE_COLOR=0', tty, { FORCE_COLOR: '0' }, 'auto', false],
    ['--color always', new CapturedOutput(), { NO_COLOR: '1' }, 'always', true],
    ['--color never', tty, { FORCE_COLOR: '1' }, 'never', false],
  ])('colours: %s', (_, stream, env, when, expected) => {
    expect(isColoured(stream, env, when)).toBe(expected);
  });

  const output = (options: { json?: boolean; quiet?: boolean; color?: Flags['color'] } = {}) => {
    const [stdout, stderr] = [new CapturedOutput(true), new CapturedOutput(true)];
    const out = new Output({
      stdout,
      stderr,
      env: {},
      json: false,
      quiet: false,
      verbose: 0,
      color: 'never',
      ...options,
    });
    return { out, stdout, stderr };
  };

  test('the status line is redrawn below other lines, and is cut to the width of the terminal', () => {
    const { out, stderr } = output();
    out.status('x'.repeat(60));
    out.info('hello');
    out.status('');
    const line = 'x'.repeat(39);
    expect(stderr.text).toBe(`\r\u001b[2K${line}\r\u001b[2Khello\n${line}\r\u001b[2K`);
  });

  test.each([
    ['never', 'a?[31mb?[2Kc?d?e'],
    ['always', 'a\u001b[31mb?[2Kc?d?e'],
  ] as const)('nothing but a colour reaches a terminal: --color %s', (color, expected) => {
    const { out, stdout, stderr } = output({ color });
    const line = 'a\u001b[31mb\u001b[2Kc\rd\ne';
    out.answer(line);
    out.info(line);
    out.failure(line);
    expect(stdout.text).toBe(`${expected}\n`);
    expect(stderr.text).toBe(`${expected}\n${expected}\n`);
  });

  test('--json keeps stdout for objects, --quiet keeps stderr for failures', () => {
    const [loud, quiet] = [output({ json: true }), output({ quiet: true })];
    for (const { out } of [loud, quiet]) {
      out.answer('answer');
      out.info('info');
      out.failure('failure');
      out.status('status');
      out.object({ a: 1 });
    }
    expect([loud.stdout.text, loud.stderr.text]).toEqual(['{"a":1}\n', 'info\nfailure\n']);
    expect([quiet.stdout.text, quiet.stderr.text]).toEqual(['answer\n', 'failure\n']);
  });
});

describe('texts', () => {
  test('durations', () => {
    expect([0.1234, 1, 9.96, 10, 999.4, 1_500, 12_345].map(duration)).toEqual([
      '0.12 ms',
      '1.0 ms',
      '10.0 ms',
      '10 ms',
      '999 ms',
      '1.5 s',
      '12 s',
    ]);
  });

  test('facts are readable and contain no control characters', () => {
    const facts = { dropped: 'verack: ERR', required: '0000000000000009', n: 1, evil: '\u001b]0;x\u0007' };
    expect(readable(facts)).toBe('dropped="verack: ERR" required=NETWORK,WITNESS n=1 evil=?]0;x?');
  });

  test('a failure names code, address, event and hint', () => {
    const line = failureLine(
      '1.2.3.4:8333',
      { code: 'ERR_TIME_CONNECT', facts: { ms: 5 } },
      (_, text) => text,
    );
    expect(line).toBe(
      'ERR_TIME_CONNECT 1.2.3.4:8333 — no answer to the connection attempt in time. A firewall may drop the packets; --timeout MS sets the limit. [ms=5]',
    );
  });

  test('exit codes of several targets', () => {
    const refused = { code: 'ERR_DIAL_REFUSED', facts: {} } as const;
    const magic = { code: 'ERR_FRAME_MAGIC', facts: {} } as const;
    expect(exitCodeOf(['established'])).toBe(0);
    expect(exitCodeOf([refused])).toBe(4);
    expect(exitCodeOf([magic])).toBe(6);
    expect(exitCodeOf([undefined])).toBe(5);
    expect(exitCodeOf(['established', refused])).toBe(3);
    expect(exitCodeOf([refused, refused])).toBe(4);
    expect(exitCodeOf([refused, magic])).toBe(3);
  });
});
