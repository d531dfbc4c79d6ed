/** The built program as a child process, on loopback: what it prints where, and with which code it ends. */
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type BitcoinNode,
  createNode,
  type NodeOptions,
  networkOf,
  type PeerInfo,
  VirtualClock,
} from '../../src/index.js';
import { encodeFrame } from '../../src/wire/index.js';
import { dnsServer } from '../support/dns.js';
import { build, endAll, Program, type ProgramOptions } from '../support/cli-process.js';

/** v1 unless the line says otherwise: the peers of most tests speak nothing else. */
function verack(line: string, options?: ProgramOptions): Program {
  const args = line.split(' ');
  const dials = /^(connect|listen|probe)\b/.test(line) && !line.includes('v2');
  return new Program(dials ? [...args, '--no-v2transport'] : args, options);
}

const nodes: BitcoinNode[] = [];
const servers: Server[] = [];

/** A listening node in this process. */
async function listening(
  options: NodeOptions = {},
  host = '127.0.0.1',
  port = 0,
): Promise<{ node: BitcoinNode; at: string }> {
  const node = createNode({ chain: 'regtest', ...options });
  nodes.push(node);
  const { local } = await node.listen({ host, port });
  return { node, at: `${local.host}:${local.port}` };
}

/** A listener that sends these bytes, and nothing else. */
async function saying(...bytes: number[]): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    // What arrives is discarded: a socket that is not read never sees the other side's FIN, and stays open for good.
    socket.resume();
    if (bytes.length > 0) socket.write(Uint8Array.from(bytes));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** A frame of the main network. */
const foreign = [...encodeFrame(networkOf('main')!.magic, 'version', new Uint8Array(86))];

/** The next connection that ends at a node. */
const end = (node: BitcoinNode): Promise<PeerInfo> => new Promise((resolve) => node.once('ended', resolve));

async function finish(program: Program): Promise<Program & { code: number | string | null }> {
  return Object.assign(program, { code: await program.exit });
}

beforeAll(() => build(), 120_000);
afterEach(endAll);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  // Waits for the connections too: one that stays open ends this in a timeout, here and not in a later test file.
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
});

describe('two programs', () => {
  test('complete a handshake, report it, and exit cleanly', async () => {
    const listen = verack('listen --regtest --port 0');
    const [, at = ''] = await listen.until('stdout', /^listening on (127\.0\.0\.1:\d+)\n/);
    const connect = await finish(verack(`connect -regtest -once ${at}`));
    expect(connect.code).toBe(0);
    expect(connect.stdout).toMatch(
      /^established 127\.0\.0\.1:\d+ out \/verack:[\d.]+\/ v1 version=70017 services=none height=0 ping=\S+s handshake=\S+s negotiated=wtxidrelay,sendaddrv2,sendcmpct\n$/,
    );
    await listen.until('stdout', /established 127\.0\.0\.1:\d+ in /);
    listen.kill('SIGTERM');
    expect(await listen.exit).toBe(0);
  });

  test('a peer that closes its connection is not a failure', async () => {
    const listen = verack('listen --regtest --port 0 --color always');
    const [, at = ''] = await listen.until('stdout', /listening on (127\.0\.0\.1:\d+)\n/);
    const connect = verack(`connect -regtest -q ${at}`);
    // Both have read everything then: a program that exits with unread bytes resets its connection.
    await Promise.all([connect, listen].map((program) => program.until('stdout', /established/)));
    connect.kill('SIGTERM');
    expect(await connect.exit).toBe(0);
    await listen.until('stderr', /^closed 127\.0\.0\.1:\d+ — the peer closed the connection$/m);
    expect(listen.stderr).not.toContain('ERR_');
  });

  test('with --quiet print nothing about inbound peers: listen prints only its address', async () => {
    const listen = verack('listen --regtest --port 0 --quiet');
    const [, at = ''] = await listen.until('stdout', /^listening on (127\.0\.0\.1:\d+)\n/);
    const connect = await finish(verack(`connect -regtest -once -q ${at}`));
    expect([connect.code, connect.stdout.split(' ')[0], connect.stderr]).toEqual([0, 'established', '']);
    listen.kill('SIGTERM');
    expect(await listen.exit).toBe(0);
    expect([listen.stdout, listen.stderr]).toEqual([`listening on ${at}\n`, '']);
  });

  test('print only NDJSON with --json', async () => {
    const listen = verack('listen --regtest --port 0 --json --color always');
    const [, port] = await listen.until('stdout', /"port":(\d+)/);
    const connect = await finish(
      verack(`connect --regtest --once --json -vv --color always 127.0.0.1:${port}`),
    );
    await listen.until('stdout', /"event":"ended".*\n/);
    listen.kill('SIGINT');
    expect(await listen.exit).toBe(0);
    expect(listen.events.map(({ event }) => event)).toEqual(['listening', 'established', 'ended']);
    const kinds = new Set(connect.events.map(({ event }) => event));
    expect([...kinds].sort()).toEqual(['ended', 'established', 'message', 'transition']);
    expect(connect.events.find(({ event }) => event === 'established')).toMatchObject({
      state: 'established',
      inbound: false,
      connection_type: 'manual',
      version: 70017,
      transport_protocol_type: 'v1',
      pingtime: expect.any(Number),
    });
  });
});

describe('BIP324', () => {
  test('is the default: both ends show v2 and the same session id', async () => {
    const listen = verack('listen --regtest --port 0 --v2transport');
    const at = (await listen.until('stdout', /listening on (\S+)/))[1] ?? '';
    const probe = await finish(verack(`probe --regtest --v2transport ${at}`));
    expect(probe.stdout).toMatch(/Network +regtest, not_publicly_routable, v2/);
    const [, session = ''] = /Session +([0-9a-f]{64})/.exec(probe.stdout) ?? [];
    await listen.until('stdout', new RegExp(`v2 session=${session} `));
    expect(session).toHaveLength(64);
  });

  test('the healthy side reports a faulty key exchange', async () => {
    const listen = verack('listen --regtest --port 0 --v2transport');
    const at = (await listen.until('stdout', /listening on (\S+)/))[1] ?? '';
    const connect = await finish(verack(`connect --once --regtest --fault v2-bad-tag ${at}`));
    expect(connect.code).toBe(4);
    await listen.until('stderr', /ERR_V2_AUTH /);
  });

  test('--v2only refuses a node of v1', async () => {
    const { at } = await listening();
    const { code, stderr } = await finish(verack(`connect --once --regtest --v2only ${at}`));
    expect(code).toBe(4);
    expect(stderr).toMatch(/^ERR_LINK_\w+ .*transport=v2/m);
  });
});

describe('exit codes', () => {
  test('depend on the failure', async () => {
    const [silent, otherNetwork, { at: healthy }] = await Promise.all([
      saying(),
      saying(...foreign),
      listening(),
    ]);
    const cases: [line: string, code: number, says: RegExp][] = [
      [
        'connect --once --regtest 127.0.0.1:1',
        4,
        /^ERR_DIAL_REFUSED 127\.0\.0\.1:1 — nothing listens there\. /m,
      ],
      [`connect --once --regtest --peertimeout 1 ${silent}`, 5, /^ERR_TIME_HANDSHAKE .*awaited=version/m],
      [`probe --regtest -peertimeout=1 ${silent}`, 5, /^ERR_TIME_HANDSHAKE/m],
      [`connect --once --regtest ${otherNetwork}`, 6, /^ERR_FRAME_MAGIC .*network=main/m],
      [`connect --regtest ${otherNetwork}`, 6, /^ERR_FRAME_MAGIC/m],
      [`probe --regtest --require services=WITNESS ${healthy}`, 7, /^/],
      [`probe --regtest --require version=80000 ${healthy}`, 7, /^/],
      [`connect --once --regtest 127.0.0.1:1 ${healthy}`, 3, /^ERR_DIAL_REFUSED/m],
      [`probe --regtest 127.0.0.1:1 ${healthy}`, 3, /^ERR_DIAL_REFUSED/m],
      ['connect --once --regtest 127.0.0.1:1 127.0.0.1:2', 4, /^None of these hosts can be reached\. Check/m],
      [
        'connect --once --regtest --timeout abc x',
        2,
        /^verack connect: option '--timeout <ms>' argument 'abc' is invalid\. It takes/,
      ],
      ['probe 999.1.1.1', 2, /^verack probe: "999\.1\.1\.1" cannot be used: not an IPv4 address/],
    ];
    const results = await Promise.all(cases.map(([line]) => finish(verack(line))));
    for (const [n, [line, code, says]] of cases.entries()) {
      expect([line, results[n]!.code]).toEqual([line, code]);
      expect(results[n]!.stderr).toMatch(says);
      expect(results[n]!.stderr).not.toMatch(/\n {4}at /);
    }
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends long-running verbs with 0, one-shot verbs with 130',
    async (signal) => {
      const silent = await saying();
      const lines = ['connect --regtest', 'connect --regtest --once', 'probe --regtest'].map(
        (line) => `${line} -v ${silent}`,
      );
      const programs = lines.map((line) => verack(line));
      await Promise.all(programs.slice(0, 2).map((program) => program.until('stderr', /→ versionSent/)));
      // probe says nothing until it is done: its connection is the sign.
      await new Promise<void>((resolve) => {
        const look = (): void =>
          void servers.at(-1)!.getConnections((_, count) => (count === 3 ? resolve() : setImmediate(look)));
        look();
      });
      for (const program of programs) program.kill(signal);
      expect(await Promise.all(programs.map(({ exit }) => exit))).toEqual([0, 130, 130]);
    },
  );

  test('a closed pipe ends it quietly with 0', async () => {
    // Redials go on for ever, so something is always left to be written.
    const line =
      '"$0" dist/src/cli/main.js connect --regtest --json 127.0.0.1:1 | head -1; exit "${PIPESTATUS[0]}"';
    const piped = await finish(new Program([line, process.execPath], {}, ['bash', '-c']));
    expect(piped.code).toBe(0);
    expect(piped.events).toHaveLength(1);
    expect(piped.stderr).not.toMatch(/EPIPE|Error/);
  });

  test('a link-local address without a zone to listen on is one sentence', async () => {
    const listen = await finish(verack('listen --regtest --datadir none --port 0 --bind fe80::1'));
    expect([listen.code, listen.stdout]).toEqual([4, '']);
    expect(listen.stderr).toMatch(/^ERR_LOCAL_LIMIT \[fe80::1\]:0 — .*--bind fe80::1%eth0\n$/);
  });

  test('a port in use is one sentence', async () => {
    const at = await saying();
    const port = at.split(':')[1]!;
    const listen = await finish(verack(`listen --regtest -port=${port}`));
    expect([listen.code, listen.stdout]).toEqual([4, '']);
    expect(listen.stderr).toBe(
      `ERR_LOCAL_ADDRESS ${at} — port ${port} is in use; choose another with --port, or 0 for any free one\n`,
    );
  });
});

describe('connect', () => {
  test('retries, warns once, and ends with 0 on Ctrl-C', async () => {
    const connect = verack('connect --regtest --json 127.0.0.1:1');
    await connect.until('stdout', /"event":"redial"[^]*"event":"redial"/);
    connect.kill('SIGINT');
    expect(await connect.exit).toBe(0);
    expect(connect.stderr.match(/The host cannot be reached/g)).toHaveLength(1);
  });

  test('ends after --for', async () => {
    const { at } = await listening();
    expect(await verack(`connect --regtest --for 5 ${at}`).exit).toBe(0);
  });

  test('prints the table at its end', async () => {
    const { at } = await listening({ subver: '/evil:\u001b[31m\u202e1/' });
    const connect = verack(`connect --regtest --table ${at}`);
    await connect.until('stdout', /^established /);
    connect.kill('SIGINT');
    expect(await connect.exit).toBe(0);
    expect(connect.stdout).toMatch(
      /^<-> {2}type {4}net {2}serv .* state .*\nout {2}manual .* established .* ping .*\n$/m,
    );
    expect(connect.stdout).toContain('/evil:?[31m???1/');
    expect(connect.stdout + connect.stderr).not.toMatch(/[^\n -~—·→]/);
  });

  test('tries the addresses of a name in turn', async () => {
    const { at } = await listening();
    const port = at.split(':')[1]!;
    const dns = await dnsServer({ 'node.example': { A: ['127.0.0.9', '127.0.0.1'] } });
    const common = `--regtest --dns-server ${dns.address} node.example:${port}`;
    const [connect, report] = await Promise.all([
      finish(verack(`connect --once ${common}`)),
      finish(verack(`probe --json ${common}`)),
    ]);
    await dns.close();
    expect(connect.code).toBe(0);
    expect(connect.stderr).toMatch(/ERR_DIAL_REFUSED 127\.0\.0\.9:/);
    expect(connect.stdout).toMatch(/^established 127\.0\.0\.1:/);
    expect(report.events).toMatchObject([
      {
        ok: true,
        host: `node.example:${port}`,
        addr: at,
        phases: { dns: expect.any(Number), ping: expect.any(Number) },
        failed: [{}],
      },
    ]);
  });

  test('without a host queries the seeds, dials public addresses only, and reports that no node answers', async () => {
    const { at } = await listening({ chain: 'signet', services: '0000000000000409' }, '127.77.0.1', 38333);
    const seed = networkOf('signet')!.seeds[0]!;
    const dns = await dnsServer({ [`x9.${seed}`]: { A: ['127.77.0.1', '127.77.0.2'] } });
    const empty = await dnsServer({});
    const [blocked, alone] = await Promise.all([
      finish(verack(`connect --signet --datadir none --once -maxconnections=1 --dns-server ${dns.address}`)),
      finish(verack(`connect --signet --datadir none --once --dns-server ${empty.address}`)),
    ]);
    await Promise.all([dns.close(), empty.close()]);
    expect(blocked.stdout).not.toContain(at);
    expect(blocked.stderr).toContain('1 DNS seed returned addresses that are not public (127.77.0.');
    expect([blocked.code, alone.code]).toEqual([4, 4]);
    expect(alone.stderr).toMatch(/No node can be reached\. Check that this machine has a network/);
  });

  test('reads its options from environment variables; flags take precedence', async () => {
    const { at } = await listening();
    const env = {
      VERACK_CHAIN: 'regtest',
      VERACK_JSON: '1',
      VERACK_ONCE: 'yes',
      VERACK_QUIET: '0',
      VERACK_UACOMMENT: 'env',
    };
    const [a, b] = await Promise.all([
      finish(verack(`connect ${at}`, { env })),
      finish(verack(`connect --no-json --testnet4 ${at}`, { env })),
    ]);
    expect(a.events.map(({ event }) => event)).toEqual(['established', 'ended']);
    expect(b.code).toBe(4);
    expect(b.stdout).toBe('');
    expect(b.stderr).toMatch(/^testnet4: dialling/);
  });
});

describe('faults', () => {
  const expected: [fault: string, code: string, facts: object][] = [
    ['checksum', 'ERR_TIME_HANDSHAKE', { awaited: 'verack', dropped: 'verack: ERR_FRAME_CHECKSUM' }],
    ['late-wtxidrelay', 'ERR_PROTO_LATE_FEATURE', { command: 'wtxidrelay' }],
    ['magic', 'ERR_FRAME_MAGIC', {}],
    ['obsolete', 'ERR_POLICY_VERSION', { version: 209 }],
    ['no-verack', 'ERR_TIME_HANDSHAKE', { awaited: 'verack' }],
  ];

  /** Resolves when the last message has arrived: the verack that is dropped, or the message before the verack that is missing. */
  const lastOf = (node: BitcoinNode, fault: string): Promise<void> =>
    new Promise((resolve) => {
      const isLast = ({ direction, command }: { direction: string; command: string }): boolean =>
        direction === 'received' && command === 'sendaddrv2';
      if (fault === 'checksum') node.on('dropped', () => resolve());
      else node.on('message', (message) => isLast(message) && resolve());
    });

  test('of connect are reported by the healthy listener', async () => {
    const ends = expected.map(async ([fault, code]) => {
      const clock = new VirtualClock();
      const { node, at } = await listening({ clock });
      const seen = end(node);
      const last = lastOf(node, fault);
      const connect = verack(`connect --regtest --fault ${fault} ${at}`);
      // Nothing more comes: the time of the handshake passes.
      if (code === 'ERR_TIME_HANDSHAKE') await last.then(() => clock.advance(60_000));
      const { lastreason } = await seen;
      connect.kill('SIGKILL');
      return lastreason;
    });
    expect(await Promise.all(ends)).toEqual(
      expected.map(([, code, facts]) => ({ code, facts: expect.objectContaining(facts) })),
    );
  });

  test('of listen are reported by the healthy dialler, with the reason', async () => {
    const results = expected.map(async ([fault, code]) => {
      // It counts from the connection on, and the verack must come before its end.
      const limit = code === 'ERR_TIME_HANDSHAKE' ? 10 : 60;
      const listen = verack(`listen --regtest --port 0 --fault ${fault} --fault split=3`);
      const [, at = ''] = await listen.until('stdout', /listening on (\S+)/);
      const connect = verack(`connect --regtest --peertimeout ${limit} ${at}`);
      const [line] = await connect.until('stderr', /^ERR_\S+ .*$/m);
      connect.kill('SIGKILL');
      listen.kill('SIGINT');
      return line;
    });
    const lines = await Promise.all(results);
    for (const [n, [, code]] of expected.entries())
      expect(lines[n]).toMatch(new RegExp(`^${code} 127\\.0\\.0\\.1:`));
    expect(lines[0]).toContain('dropped="verack: ERR_FRAME_CHECKSUM"');
  });
});

describe('small commands', () => {
  test('decode reads standard input, diagram prints the shipped files', async () => {
    const [decode, bad, mermaid, svg, xstate, pear] = await Promise.all([
      finish(verack('decode -', { input: 'f9beb4d9 76657261636b000000000000\n00000000 5df6e0e2' })),
      finish(verack('decode -', { input: 'f9be\nxx' })),
      finish(verack('diagram')),
      finish(verack('diagram supervisor --format svg')),
      finish(verack('diagram transport --format xstate')),
      finish(verack('diagram pear')),
    ]);
    expect([decode.code, bad.code, mermaid.code, svg.code, pear.code]).toEqual([0, 2, 0, 0, 2]);
    expect(decode.stdout).toMatch(/^verack, main, 24 bytes at 0: good\n/);
    expect(bad.stderr).toMatch(/character 6 is "x"/);
    expect(mermaid.stdout).toContain('stateDiagram-v2');
    expect(svg.stdout).toMatch(/<\/svg>\n$/);
    expect(JSON.parse(xstate.stdout)).toMatchObject({ id: 'transport', initial: 'opening' });
    expect(pear.stderr).toMatch(/no machine "pear"; the machines are .*peer/);
  });

  test('completion prints a script that bash accepts and that completes', async () => {
    const script = await finish(verack('completion bash'));
    const ask = `${script.stdout}
COMP_WORDS=(verack connect --chain reg); COMP_CWORD=3; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack pro); COMP_CWORD=1; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack listen --fault = no-v); COMP_CWORD=4; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack diagram sup); COMP_CWORD=2; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack connect --record package.j); COMP_CWORD=3; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack replay tsconfig.b); COMP_CWORD=2; _verack; echo "\${COMPREPLY[@]}"
COMP_WORDS=(verack replay --onl); COMP_CWORD=2; _verack; echo "\${COMPREPLY[@]}"
cd test/data; COMP_WORDS=(verack replay ""); COMP_CWORD=2; _verack; echo "\${#COMPREPLY[@]}"`;
    const bash = await finish(new Program([], { input: ask }, ['bash']));
    expect([bash.code, bash.stderr]).toEqual([0, '']);
    expect(bash.stdout).toMatch(
      /^regtest\nprobe\nno-verack\nsupervisor\npackage\.json\ntsconfig\.build\.json\n--only\n[1-9]\d*\n$/,
    );
  });

  test('colours are used only when forced', async () => {
    const line = 'connect --once --regtest 127.0.0.1:1';
    const [plain, forced, never, both] = await Promise.all([
      finish(verack(line)),
      finish(verack(line, { env: { FORCE_COLOR: '1' } })),
      finish(verack(`${line} --color never`, { env: { FORCE_COLOR: '1' } })),
      finish(verack(`${line} --color always`, { env: { NO_COLOR: '1' } })),
    ]);
    const painted = [plain, forced, never, both].map(({ stderr }) => stderr.includes('\u001b['));
    expect(painted).toEqual([false, true, false, true]);
  });
});
