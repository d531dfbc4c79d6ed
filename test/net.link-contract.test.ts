/** The link contract (`src/net/link.ts`), one suite for every net that claims to keep it. */
import { afterEach, describe, expect, test } from '@jest/globals';

import type { Endpoint, Link, LinkHandler, Listener, Net } from '../src/net/link.js';
import { memoryNet } from '../src/net/memory.js';
import { tcpNet } from '../src/net/tcp.js';
import { type Facts, type LinkCode, VerackError } from '../src/reasons.js';
import { i2p, socks5Proxied } from './support/proxied-nets.js';

/** Only ends what hangs. */
const WAIT_MS = 20_000;
const MIB = 1 << 20;

/** Records the events of a link, and waits for one, for a bounded time. */
class RecordingHandler implements LinkHandler {
  readonly chunks: Buffer[] = [];
  readonly ends: LinkCode[] = [];
  drains = 0;
  onData: ((chunk: Buffer) => void) | undefined;
  #wake: () => void = () => undefined;

  data(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk));
    this.onData?.(Buffer.from(chunk));
    this.#wake();
  }

  closed(code: LinkCode): void {
    this.ends.push(code);
    this.#wake();
  }

  drained(): void {
    this.drains += 1;
    this.#wake();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get size(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  until(what: string, claim: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), WAIT_MS);
      this.#wake = () => {
        if (!claim()) return;
        clearTimeout(timer);
        resolve();
      };
      this.#wake();
    });
  }

  end(): Promise<void> {
    return this.until('the end', () => this.ends.length > 0);
  }

  receives(text: string): Promise<void> {
    return this.until(text, () => this.text.includes(text));
  }
}

type Outcome = { link: Link } | { code: string; facts: Facts };

function dial(net: Net, to: Endpoint): Promise<Outcome> {
  return new Promise((resolve) => {
    net.dial(to, {
      opened: (link) => resolve({ link }),
      failed: (code, facts) => resolve({ code, facts }),
    });
  });
}

const ascii = (text: string) => Buffer.from(text, 'latin1');

/** A net under the contract. `host`: where it listens. `isDirect`: both ends see the same connection, not two with a proxy between. */
interface Case {
  readonly name: string;
  readonly make: () => Net;
  readonly host: string;
  readonly isDirect: boolean;
}

const DIRECT: readonly Case[] = [
  { name: 'tcp over IPv4', make: () => tcpNet(), host: '127.0.0.1', isDirect: true },
  { name: 'tcp over IPv6', make: () => tcpNet(), host: '::1', isDirect: true },
  { name: 'memory', make: () => memoryNet(), host: '127.0.0.1', isDirect: true },
  {
    name: 'memory with uneven latency',
    make: () => memoryNet({ latency: uneven() }),
    host: '10.0.0.1',
    isDirect: true,
  },
];

const PROXIED: readonly Case[] = [
  { name: 'tcp through SOCKS5', make: () => socks5Proxied(), host: '127.0.0.1', isDirect: false },
  { name: 'I2P through SAM', make: () => i2p(), host: 'b32.i2p', isDirect: false },
];

describe.each([...DIRECT, ...PROXIED])('$name', ({ make, host, isDirect }) => {
  const net = make();
  const links: Link[] = [];
  const listeners: Listener[] = [];

  afterEach(async () => {
    for (const link of links.splice(0)) link.destroy();
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  });

  async function listen(accepted: (link: Link) => void = () => undefined): Promise<Listener> {
    const listener = await net.listen({ host, port: 0 }, (link) => {
      links.push(link);
      accepted(link);
    });
    listeners.push(listener);
    return listener;
  }

  /** Both ends of one connection, nothing attached yet. */
  async function connection(): Promise<[near: Link, far: Link]> {
    let found: (link: Link) => void = () => undefined;
    const far = new Promise<Link>((resolve) => (found = resolve));
    const listener = await listen((link) => found(link));
    const outcome = await dial(net, listener.local);
    if (!('link' in outcome)) throw new Error(outcome.code);
    links.push(outcome.link);
    return [outcome.link, await far];
  }

  async function observedConnection(): Promise<{
    near: Link;
    far: Link;
    nearEvents: RecordingHandler;
    farEvents: RecordingHandler;
  }> {
    const [near, far] = await connection();
    const handlers = { nearEvents: new RecordingHandler(), farEvents: new RecordingHandler() };
    near.attach(handlers.nearEvents);
    far.attach(handlers.farEvents);
    return { near, far, ...handlers };
  }

  /** A question and its answer on another connection: whatever was on its way before has come. */
  async function barrier(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      const { near, far, nearEvents, farEvents } = await observedConnection();
      near.write([ascii('there')]);
      await farEvents.receives('there');
      far.write([ascii('back')]);
      await nearEvents.receives('back');
    }
  }

  test('bytes come in order and unchanged, both ways', async () => {
    const { near, far, nearEvents, farEvents } = await observedConnection();
    for (let n = 0; n < 100; n += 1) near.write([ascii(`<${n}>`), ascii('-')]);
    far.write([ascii('other way')]);
    await farEvents.receives('<99>-');
    await nearEvents.receives('other way');
    expect(farEvents.text).toBe(Array.from({ length: 100 }, (_, n) => `<${n}>-`).join(''));
    expect(nearEvents.text).toBe('other way');
  });

  test('the frames of one write are one chunk, and an empty write is nothing', async () => {
    const { near, farEvents } = await observedConnection();
    near.write([]);
    near.write([ascii('one'), ascii('two'), ascii('three')]);
    await farEvents.receives('three');
    expect(farEvents.chunks.map(String)).toEqual(['onetwothree']);
  });

  test("both ends have each other's endpoints", async () => {
    const [near, far] = await connection();
    expect(near.remote).toEqual(far.local);
    expect(near.remote).toEqual(listeners[0]?.local);
    if (isDirect) {
      expect(near.local).toEqual(far.remote);
      expect(far.local.host).toBe(host);
      expect(near.local.port).toBeGreaterThan(0);
    }
  });

  test.each(['dialled', 'accepted'])(
    'a link that was %s reads and tells nothing before attach',
    async (side) => {
      const ends = await connection();
      const [speaker, late] = side === 'accepted' ? ends : ends.reverse();
      speaker?.write([ascii('early')]);
      speaker?.end();
      await barrier();
      const ear = new RecordingHandler();
      late?.attach(ear);
      expect(ear.chunks).toEqual([]);
      await ear.end();
      expect([ear.text, ear.ends]).toEqual(['early', ['ERR_LINK_EOF']]);
    },
  );

  test('pause before attach holds', async () => {
    const [near, far] = await connection();
    const ear = new RecordingHandler();
    far.pause();
    far.attach(ear);
    near.write([ascii('held')]);
    await barrier();
    expect(ear.chunks).toEqual([]);
    far.resume();
    await ear.receives('held');
  });

  test('end: everything written arrives, then one EOF; the ending side gets no event', async () => {
    const { near, nearEvents, farEvents } = await observedConnection();
    near.write([Buffer.alloc(3 * MIB, 7)]);
    near.end();
    near.end();
    near.write([ascii('too late')]);
    await farEvents.end();
    await barrier();
    expect(farEvents.size).toBe(3 * MIB);
    expect(farEvents.ends).toEqual(['ERR_LINK_EOF']);
    expect([nearEvents.chunks, nearEvents.ends]).toEqual([[], []]);
  });

  test('after end no event of the other side is reported, and its data does not disturb ours', async () => {
    const { near, far, nearEvents, farEvents } = await observedConnection();
    near.write([ascii('last words')]);
    near.end();
    far.write([ascii('not received')]);
    await farEvents.end();
    expect([farEvents.text, farEvents.ends]).toEqual(['last words', ['ERR_LINK_EOF']]);
    expect(nearEvents.chunks).toEqual([]);
  });

  test('a link that received EOF is closed: writing, ending, destroying and pausing it do no harm', async () => {
    const { near, far, nearEvents, farEvents } = await observedConnection();
    near.end();
    await farEvents.end();
    far.write([ascii('x')]);
    far.pause();
    far.resume();
    far.end();
    far.destroy();
    far.destroy();
    await barrier();
    expect([farEvents.ends, nearEvents.ends, nearEvents.chunks, far.pending]).toEqual([
      ['ERR_LINK_EOF'],
      [],
      [],
      0,
    ]);
  });

  test('destroy ends the other side once and is silent on its own', async () => {
    const { near, nearEvents, farEvents } = await observedConnection();
    near.destroy();
    near.destroy();
    near.end();
    near.write([ascii('x')]);
    await farEvents.end();
    await barrier();
    expect(farEvents.ends).toHaveLength(1);
    expect([nearEvents.ends, farEvents.chunks, near.pending]).toEqual([[], [], 0]);
  });

  test('nothing is called after destroy, not even from inside data', async () => {
    const { near, far, nearEvents, farEvents } = await observedConnection();
    farEvents.onData = () => far.destroy();
    near.write([ascii('one')]);
    near.write([Buffer.alloc(MIB)]);
    await nearEvents.end();
    await barrier();
    expect(farEvents.chunks).toHaveLength(1);
    expect([farEvents.ends, farEvents.drains]).toEqual([[], 0]);
  });

  test('a paused reader causes backpressure, loses nothing, and the writer drains when reading resumes', async () => {
    const { near, far, nearEvents, farEvents } = await observedConnection();
    far.pause();
    let written = 0;
    while (near.pending === 0 && written < 64) near.write([Buffer.alloc(MIB, written++)]);
    expect(near.pending).toBeGreaterThan(0);
    near.write([ascii('tail')]);
    await barrier();
    // A proxy takes what fits into its own buffers.
    if (isDirect) expect(nearEvents.drains).toBe(0);
    far.resume();
    await farEvents.until('every byte', () => farEvents.size === written * MIB + 4);
    await nearEvents.until('drained', () => nearEvents.drains > 0);
    expect(near.pending).toBe(0);
    const { bytes } = farEvents;
    for (let n = 0; n < written; n += 1) expect(bytes.readUInt16BE(n * MIB + MIB / 2)).toBe(n * 0x101);
    expect(bytes.subarray(-4).toString()).toBe('tail');
  });

  test('pause inside data stops the next chunk; EOF waits behind the data', async () => {
    const { near, far, farEvents } = await observedConnection();
    farEvents.onData = () => far.pause();
    near.write([ascii('one')]);
    await farEvents.receives('one');
    near.write([ascii('two')]);
    near.end();
    await barrier();
    expect([farEvents.text, farEvents.ends]).toEqual(['one', []]);
    farEvents.onData = undefined;
    far.resume();
    await farEvents.end();
    expect(farEvents.text).toBe('onetwo');
  });

  test('a link that rests resumes by itself, after others were read', async () => {
    const one = await observedConnection();
    const two = await observedConnection();
    const order: string[] = [];
    one.farEvents.onData = () => {
      order.push('one');
      one.far.rest();
      two.near.write([ascii('two')]);
    };
    two.farEvents.onData = () => order.push('two');
    one.near.write([Buffer.alloc(4 * MIB, 1)]);
    await one.farEvents.until('four MiB', () => one.farEvents.size === 4 * MIB);
    await two.farEvents.receives('two');
    // The system may have handed out one more read before it got the call.
    if (isDirect) expect(order.slice(0, 3)).toContain('two');
  });

  test('a paused link stays paused through a rest, and one that ended stays silent', async () => {
    const { near, far, farEvents } = await observedConnection();
    far.pause();
    far.rest();
    near.write([ascii('held')]);
    await barrier();
    expect(farEvents.size).toBe(0);
    far.resume();
    await farEvents.receives('held');
    far.rest();
    far.destroy();
    near.write([ascii('late')]);
    await barrier();
    expect(farEvents.text).toBe('held');
  });

  test('a cancelled dial calls no handler; a later cancel does nothing', async () => {
    const listener = await listen();
    const calls: string[] = [];
    const giveUp = net.dial(listener.local, {
      opened: () => calls.push('opened'),
      failed: () => calls.push('failed'),
    });
    giveUp();
    giveUp();
    const { port } = listener.local;
    await listener.close();
    const giveUpRefused = net.dial(
      { host, port },
      { opened: () => calls.push('o'), failed: () => calls.push('f') },
    );
    giveUpRefused();
    await barrier();
    expect(calls).toEqual([]);
  });

  test('a cancel after opening does not affect the link', async () => {
    let far: Link | undefined;
    const listener = await listen((link) => (far = link));
    const ear = new RecordingHandler();
    let giveUp: () => void = () => undefined;
    const near = await new Promise<Link>((resolve) => {
      giveUp = net.dial(listener.local, { opened: resolve, failed: () => undefined });
    });
    links.push(near);
    near.attach(ear);
    giveUp();
    await barrier();
    far?.write([ascii('still here')]);
    await ear.receives('still here');
  });

  // Ports belong to direct nets; refusals and resets are the proxy's own.
  if (!isDirect) return;

  test('destroy with bytes unread is a reset for the other side', async () => {
    const [near, far] = await connection();
    const ear = new RecordingHandler();
    near.attach(ear);
    near.write([ascii('never read')]);
    await barrier();
    far.destroy();
    await ear.end();
    expect(ear.ends).toEqual(['ERR_LINK_RESET']);
  });

  test('a dial to a closed port is refused, with facts', async () => {
    const listener = await listen();
    await listener.close();
    const { port } = listener.local;
    expect(await dial(net, listener.local)).toEqual({
      code: 'ERR_DIAL_REFUSED',
      facts: { syscode: 'ECONNREFUSED', host, port },
    });
  });

  test('port 0 gives each listener a port of its own', async () => {
    const [one, two] = [await listen(), await listen()];
    expect(one.local.host).toBe(host);
    expect(one.local.port).toBeGreaterThan(0);
    expect(two.local.port).not.toBe(one.local.port);
  });

  test('a used port is refused with facts', async () => {
    const { local } = await listen();
    const error: unknown = await net.listen(local, () => undefined).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(VerackError);
    expect(error).toMatchObject({ code: 'ERR_LOCAL_ADDRESS', facts: { syscode: 'EADDRINUSE', ...local } });
  });

  test('closing a listener resolves at once, frees the port and leaves accepted links alone', async () => {
    const { near, farEvents } = await observedConnection();
    const [listener] = listeners;
    await listener?.close();
    await listener?.close();
    near.write([ascii('alive')]);
    await farEvents.receives('alive');
    listeners.push(await net.listen(near.remote, () => undefined));
  });
});

/** A later write often has the shorter way. */
function uneven(): () => number {
  let turn = 0;
  return () => [7, 1, 4, 0][turn++ % 4] ?? 0;
}
