/** Recordings: what was recorded is played again the same byte for byte, and every change in a file is found. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  createNode,
  type BitcoinNode,
  type CandidateSource,
  type NodeOptions,
  parseFault,
  VirtualClock,
} from '../src/index.js';
import { OUTBOUND_CONNECTION_TYPES } from '../machines/index.js';
import { FAULT_NAMES, memoryNet, type MemoryNet } from '../src/net/index.js';
import { V2_FAULT_NAMES } from '../src/connection/index.js';
import type { Sink } from '../src/recording/recorder.js';
import { play, recordedNode, type ReplayVerdict } from '../src/recording/record-and-replay.js';
import { Chance } from './simulation/seeded-random.js';

/** A sink in memory. */
class Roll implements Sink {
  readonly isOpen = true;
  readonly lines = ['{"format":"verack-recording","version":1,"verack":"0"}'];

  take(lines: readonly string[]): void {
    this.lines.push(...lines);
  }
}

const END = '{"in":"end","why":"stopped"}';

async function* fileOf(lines: readonly string[], piece = 1_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

const replayed = (lines: readonly string[], compiled = true): Promise<ReplayVerdict> =>
  play(fileOf([...lines, END]), { node: { compiled } });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const VALUES: Readonly<Record<string, string>> = { split: '=3', slow: '=700' };
const BRISK = { handshakeTimeout: 3_000, pingInterval: 2_000, pongTimeout: 4_000, idleTimeout: 6_000 };
const BULK = new Uint8Array(70_000);
const RECORDED = { host: '10.0.0.1', port: 18444 };

/** A source of automatic connections: two nodes of the network, and an address without a listener. */
const SOURCE: CandidateSource = {
  find: () =>
    Promise.resolve(
      ['10.0.0.3', '10.0.0.9', '10.0.0.2'].map((host) => ({ host, port: 18444, source: 'test' })),
    ),
};

function optionsOf(chance: Chance): NodeOptions {
  const v2transport = chance.often(0.5);
  const v2fault = v2transport && chance.often(0.3) && { v2fault: chance.pick(V2_FAULT_NAMES) };
  const v2only = v2transport && chance.often(0.2);
  return { chain: 'regtest', rules: BRISK, v2transport, v2only, ...v2fault, random: (n) => chance.bytes(n) };
}

function faultsFor(chance: Chance, share: number) {
  if (!chance.often(share)) return [];
  const name = chance.pick(FAULT_NAMES);
  return [parseFault(name + (VALUES[name] ?? ''))];
}

/** A recorded node among others that are not, with every kind of fault, all from one seed. */
async function record(seed: number): Promise<string[]> {
  const chance = new Chance(seed);
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency: () => chance.whole(0, 40) + chance.next() / 2 ** 32 });
  const roll = new Roll();
  const at = (host: string): NodeOptions => ({ ...optionsOf(chance), clock, net: net.at(host) });
  const node = recordedNode(
    roll,
    {
      ...at(RECORDED.host),
      ...(seed % 4 === 0 && { outbound: { slots: 2, source: SOURCE } }),
      maxinbound: 2,
      maxsendbuffer: 100,
      subver: '/ü/',
    },
    faultsFor(chance, 0.5),
  );
  const others = Array.from({ length: 4 }, (_, n) => createNode(at(`10.0.0.${n + 2}`)));
  await node.listen(RECORDED);
  await node.listen(RECORDED).catch(() => undefined);
  for (const [n, other] of others.entries()) await other.listen({ host: `10.0.0.${n + 2}`, port: 18444 });
  // A listener that acts inside a turn.
  node.once('ended', () => act(node, chance));
  for (let step = 0; step < 30; step++) {
    if (chance.often(0.4)) act(node, chance);
    if (chance.often(0.3)) attempt(() => chance.pick(others).dial(RECORDED, { connection_type: 'manual' }));
    if (chance.often(0.1)) [...net.links].at(-1)?.sever();
    if (chance.often(0.3)) burden(net, chance.pick(others), chance);
    if (chance.often(0.05)) clock.jump(20_000);
    clock.advance(chance.whole(0, 900));
    await turn();
  }
  void node.stop();
  clock.advance(20_000);
  return roll.lines;
}

/** Ends that do not read for a while, and one that is sent more than one turn's share. */
function burden(net: MemoryNet, other: BitcoinNode, chance: Chance): void {
  if (chance.often(0.5)) [...net.links].at(chance.whole(0, 3))?.pause();
  else for (const link of net.links) link.resume();
  if (chance.often(0.3)) other.send(1, { command: 'unknown', name: 'bulk', payload: BULK });
  if (chance.often(0.3)) other.send(1, { command: 'unknown', name: 'ping', payload: BULK.subarray(0, 3) });
}

const recordings = new Map<number, Promise<string[]>>();

function recordingOf(seed: number): Promise<string[]> {
  const made = recordings.get(seed) ?? record(seed);
  recordings.set(seed, made);
  return made;
}

function attempt(run: () => unknown): void {
  try {
    run();
  } catch {
    // Refused: an address that is dialled already, or no slot.
  }
}

/** Something that an owner may do at any time. */
function act(node: BitcoinNode, chance: Chance): void {
  const id = chance.pick(node.peers.list())?.id ?? 0;
  const what = chance.whole(0, 9);
  if (what < 6) {
    const to = [{ host: `10.0.0.${chance.whole(2, 7)}`, port: 18444 }] as const;
    const connection_type = chance.pick(OUTBOUND_CONNECTION_TYPES);
    attempt(() => {
      const peer = node.dial(to, { connection_type, persistent: chance.often(0.4) });
      if (chance.often(0.2)) peer.close();
    });
  } else if (what < 8) node.send(id, { command: 'ping', nonce: '00000000000000ff' });
  else node.close(id);
}

describe('a recording', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))('of seed %i is played the same', async (seed) => {
    const lines = await recordingOf(seed);
    const verdict = await replayed(lines);
    expect(verdict.differences).toEqual([]);
    expect(verdict).toMatchObject({ differing: 0, nodes: 1, events: lines.length - 1, ending: 'stopped' });
    expect(verdict.sessions).toBeGreaterThan(0);
    // What was recorded from compiled machines is what XState does step by step.
    expect((await replayed(lines, false)).differences).toEqual([]);
  });

  test('of these seeds has every kind of input and effect', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++)
      for (const line of (await recordingOf(seed)).slice(1))
        seen.add(/^\{(?:.*?,)?"((?:in|out)":"\w+)"/.exec(line)?.[1] ?? line);
    const ins = [
      'accepted',
      'candidates',
      'close',
      'closed',
      'data',
      'dial',
      'drained',
      'failed',
      'closedial',
      'listen',
      'listening',
      'node',
    ];
    const outs = [
      'arm',
      'attach',
      'destroy',
      'dial',
      'disarm',
      'draw',
      'end',
      'giveup',
      'listen',
      'pause',
      'pending',
      'rest',
    ];
    const said = [
      'drained',
      'dropped',
      'ended',
      'established',
      'fallback',
      'jump',
      'pong',
      'redial',
      'refused',
      'transition',
    ];
    const more = [...['opened', 'send', 'stop', 'timer', 'listenfailed'].map((name) => `in":"${name}`)];
    const all = [
      ...more,
      ...ins.map((name) => `in":"${name}`),
      ...[...outs, ...said, 'resume', 'unlisten', 'write'].map((name) => `out":"${name}`),
    ];
    expect(all.filter((name) => !seen.has(name))).toEqual([]);
  });
});

/** One handshake and one ping, v1 or v2, dialled by the recorded node or by the other, closed in order. */
async function handshake(v2transport: boolean, dials: boolean): Promise<string[]> {
  const chance = new Chance(7);
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency: 5 });
  const options = { chain: 'regtest', clock, random: (n: number) => chance.bytes(n), v2transport };
  const roll = new Roll();
  const node = recordedNode(roll, { ...options, net: net.at('10.0.0.1') });
  const other = createNode({ ...options, net: net.at('10.0.0.2') });
  await node.listen(RECORDED);
  await other.listen({ host: '10.0.0.2', port: 18444 });
  const peer = dials ? node.dial('10.0.0.2:18444') : other.dial(RECORDED);
  clock.advance(1_000);
  peer.close();
  clock.advance(100);
  void node.stop();
  return roll.lines;
}

type Entry = Record<string, unknown> & { in?: string; out?: string };
const entryOf = (line: string): Entry => JSON.parse(line) as Entry;

/** The same lines with one entry changed. */
const changed = (lines: readonly string[], at: number, change: (entry: Entry) => object): string[] =>
  lines.map((line, n) => (n === at ? JSON.stringify(change(entryOf(line))) : line));

/** Hex with one bit of one byte flipped. */
const flipped = (hex: unknown, byte: number): string => {
  const bytes = Buffer.from(String(hex), 'hex');
  bytes[byte]! ^= 1;
  return bytes.toString('hex');
};

const KINDS = [
  ['v1, dialling', false, true],
  ['v1, accepting', false, false],
  ['v2, dialling', true, true],
  ['v2, accepting', true, false],
] as const;

describe.each(KINDS)('a change in the recording of a handshake over %s', (_, v2, dials) => {
  let lines: string[] = [];
  const placesOf = (wanted: (entry: Entry) => boolean): number[] =>
    lines.flatMap((line, n) => (n > 0 && wanted(entryOf(line)) ? [n] : []));
  beforeAll(async () => {
    lines = await handshake(v2, dials);
  });

  test('has no difference without a change', async () => {
    expect(await replayed(lines)).toMatchObject({ differing: 0, sessions: 1 });
    expect(lines.join('\n')).toContain('"established"');
    expect(placesOf(({ out }) => out === 'write').length).toBeGreaterThan(1);
  });

  test('of any byte that was written is named by line and byte', async () => {
    for (const at of placesOf(({ out }) => out === 'write')) {
      const size = String(entryOf(lines[at]!).bytes).length / 2;
      for (const byte of [0, size >> 1, size - 1]) {
        const spoiled = changed(lines, at, (entry) => ({ ...entry, bytes: flipped(entry.bytes, byte) }));
        const { differences, differing } = await replayed(spoiled);
        expect(differing).toBe(1);
        expect(differences[0]).toMatchObject({ line: at + 1, what: `write.bytes[${byte}]` });
      }
    }
  });

  test('of any byte that was received is found', async () => {
    for (const at of placesOf((entry) => entry.in === 'data')) {
      const size = String(entryOf(lines[at]!).bytes).length / 2;
      for (const byte of [0, size >> 1, size - 1]) {
        const spoiled = changed(lines, at, (entry) => ({ ...entry, bytes: flipped(entry.bytes, byte) }));
        const { differences } = await replayed(spoiled);
        expect(differences[0]?.line).toBeGreaterThan(at);
      }
    }
  });

  test('of the nonce that was drawn is found in our version', async () => {
    const [at = 0] = placesOf(({ out, bytes }) => out === 'draw' && String(bytes).length === 16);
    const spoiled = changed(lines, at, (entry) => ({ ...entry, bytes: flipped(entry.bytes, 3) }));
    const { differences } = await replayed(spoiled);
    expect(differences[0]?.what).toMatch(/^write\.bytes\[\d+\]$/);
  });

  test('of a moment of the handshake is found', async () => {
    const moves = placesOf(({ out }) => out === 'transition');
    for (const at of placesOf((entry) => entry.in === 'data')) {
      const spoiled = changed(lines, at, (entry) => ({ ...entry, at: Number(entry.at) + 0.5 }));
      const end = placesOf((entry) => entry.in !== undefined && entry.at !== undefined).find((n) => n > at)!;
      const move = moves.find((n) => n > at && n < end);
      if (!move) continue;
      const { differences } = await replayed(spoiled);
      expect(differences.map(({ line, what }) => [line, what])).toContainEqual([move + 1, 'transition.at']);
    }
  });

  test('of the wall clock is found in the time that we announce', async () => {
    const moved = lines.map((line) =>
      line.replace(/"wall":(\d+)/, (_all, wall) => `"wall":${Number(wall) + 5_000}`),
    );
    const { differences } = await replayed(moved);
    expect(differences.some(({ what }) => /^write\.bytes|peer\.(conntime|last)/.test(what))).toBe(true);
  });

  test('of a state or a reason is named by its field', async () => {
    const [move = 0] = placesOf(({ out }) => out === 'transition');
    const moved = await replayed(changed(lines, move, (entry) => ({ ...entry, to: 'closed' })));
    expect(moved.differences).toMatchObject([{ line: move + 1, what: 'transition.to', recorded: 'closed' }]);
    const [end = 0] = placesOf(({ out }) => out === 'ended');
    const lastreason = { code: 'ERR_LINK_RESET', facts: {} };
    const ended = await replayed(
      changed(lines, end, ({ peer, ...entry }) => ({ ...entry, peer: { ...(peer as object), lastreason } })),
    );
    expect(ended.differences[0]).toMatchObject({ line: end + 1, recorded: 'ERR_LINK_RESET' });
  });

  test('by a missing or duplicated output is named', async () => {
    // A draw may be one that the search for a key had no use for.
    for (const at of placesOf(({ out }) => out !== undefined && out !== 'draw')) {
      const without = lines.filter((_line, n) => n !== at);
      const twice = lines.flatMap((line, n) => (n === at ? [line, line] : [line]));
      for (const each of [without, twice]) {
        const { differences } = await replayed(each);
        expect([lines[at], Math.abs(differences[0]!.line - at - 1) < 2]).toEqual([lines[at], true]);
      }
    }
  });

  test('by a missing input is found', async () => {
    for (const at of placesOf((entry) => entry.in !== undefined)) {
      const isAlone = entryOf(lines[at + 1] ?? '{"in":""}').in !== undefined;
      if (isAlone || at === 1) continue;
      const found = await replayed(lines.filter((_line, n) => n !== at)).then(({ differing }) => differing);
      expect([lines[at], found > 0]).toEqual([lines[at], true]);
    }
  });

  test('that truncates it anywhere is not a difference', async () => {
    for (let end = 2; end < lines.length; end++) {
      const cut = lines.slice(0, end);
      const verdict = await play(fileOf(cut, 77));
      expect(verdict).toMatchObject({ differences: [], ending: 'cut', events: end - 1 });
    }
  });
});

describe('a file that is not a recording', () => {
  const whyOf = (lines: readonly string[]): Promise<string> =>
    play(fileOf(lines)).then(
      () => '',
      (error: { facts: { value: string; why: string } }) => `${error.facts.value}: ${error.facts.why}`,
    );

  test('is refused with its line', async () => {
    const lines = await handshake(false, true);
    const [header = '', node = ''] = lines;
    const first = entryOf(node);
    expect(await whyOf([])).toBe('line 1: the file is empty');
    expect(await whyOf(['{}'])).toMatch(/^line 1: not a recording/);
    expect(await whyOf(['GET / HTTP/1.1'])).toMatch(/^line 1: not a recording/);
    expect(await whyOf([header.replace('"version":1', '"version":2')])).toMatch(
      /^line 1: its format version is 2/,
    );
    expect(await whyOf([header, 'null'])).toBe('line 2: not a JSON object');
    expect(await whyOf([header, '{"out":"write"}'])).toMatch(/^line 2: a turn begins/);
    expect(await whyOf([header, '{"in":"launch"}'])).toBe('line 2: there is no input "launch"');
    expect(await whyOf([header, '{"in":"toString"}'])).toBe('line 2: there is no input "toString"');
    expect(await whyOf([header, `{"in":"stop","node":1,"at":0,"wall":0}`])).toBe(
      'line 2: node 1 does not exist yet',
    );
    expect(await whyOf([header, node, node])).toBe('line 3: node 1 exists already');
    expect(await whyOf([header, `${'['.repeat(1e5)}`])).toBe('line 2: not a JSON object');
    expect(await whyOf([header, `{"in":"stop","x":${'['.repeat(1e4)}${']'.repeat(1e4)}}`])).toMatch(
      /^line 2: nested too deep/,
    );
    const options = first.options as object;
    const made = (change: object) =>
      whyOf([header, JSON.stringify({ ...first, options: { ...options, ...change } })]);
    expect(await made({ chain: 'moon' })).toBe('line 2: moon: there is no such chain');
    expect(await made({ services: '9' })).toMatch(/^line 2: 9: services/);
    expect(await made({ faults: ['gremlins'] })).toMatch(/^line 2: gremlins: no such fault/);
    expect(await made({ rules: { relay: 1 } })).toBe('line 2: node.options.rules.relay should be a boolean');
  });

  test('of one endless line is refused', async () => {
    async function* endless() {
      await Promise.resolve();
      for (;;) yield Buffer.alloc(2 ** 20, 'x');
    }
    await expect(play(endless())).rejects.toMatchObject({ facts: { value: 'line 1' } });
  });

  test('never crashes, whatever one field of one line holds', async () => {
    const lines = await handshake(true, true);
    const strange = [null, -1, 1e300, '', 'x', [], {}, true, '00', '0'.repeat(4_000)];
    for (const [at, line] of lines.entries()) {
      for (const field of Object.keys(entryOf(line))) {
        const value = strange[(at + field.length) % strange.length];
        const spoiled = changed(lines, at, (entry) => ({ ...entry, [field]: value }));
        await replayed(spoiled).catch((error: { code?: string }) =>
          expect(error.code).toBe('ERR_LOCAL_ARGUMENT'),
        );
      }
    }
  });
});
