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

/** Records what a link tells, and waits, for a bounded time, until it has told something. */
class Ear implements LinkHandler {
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

  hears(text: string): Promise<void> {
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

  async function heardConnection(): Promise<{ near: Link; far: Link; nearEar: Ear; farEar: Ear }> {
    const [near, far] = await connection();
    const ears = { nearEar: new Ear(), farEar: new Ear() };
    near.attach(ears.nearEar);
    far.attach(ears.farEar);
    return { near, far, ...ears };
  }

  /** A question and its answer on another connection: whatever was on its way before has come. */
  async function barrier(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      const { near, far, nearEar, farEar } = await heardConnection();
      near.write([ascii('there')]);
      await farEar.hears('there');
      far.write([ascii('back')]);
      await nearEar.hears('back');
    }
  }

  test('bytes come in order and unchanged, both ways', async () => {
    const { near, far, nearEar, farEar } = await heardConnection();
    for (let n = 0; n < 100; n += 1) near.write([ascii(`<${n}>`), ascii('-')]);
    far.write([ascii('other way')]);
    await farEar.hears('<99>-');
    await nearEar.hears('other way');
    expect(farEar.text).toBe(Array.from({ length: 100 }, (_, n) => `<${n}>-`).join(''));
    expect(nearEar.text).toBe('other way');
  });

  test('the frames of one write are one chunk, and an empty write is nothing', async () => {
    const { near, farEar } = await heardConnection();
    near.write([]);
    near.write([ascii('one'), ascii('two'), ascii('three')]);
    await farEar.hears('three');
    expect(farEar.chunks.map(String)).toEqual(['onetwothree']);
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
      const ear = new Ear();
      late?.attach(ear);
      expect(ear.chunks).toEqual([]);
      await ear.end();
      expect([ear.text, ear.ends]).toEqual(['early', ['ERR_LINK_EOF']]);
    },
  );

  test('pause before attach holds', async () => {
    const [near, far] = await connection();
    const ear = new Ear();
    far.pause();
    far.attach(ear);
    near.write([ascii('held')]);
    await barrier();
    expect(ear.chunks).toEqual([]);
    far.resume();
    await ear.hears('held');
  });

  test('end: everything written arrives, then one EOF; the ending side gets no event', async () => {
    const { near, nearEar, farEar } = await heardConnection();
    near.write([Buffer.alloc(3 * MIB, 7)]);
    near.end();
    near.end();
    near.write([ascii('too late')]);
    await farEar.end();
    await barrier();
    expect(farEar.size).toBe(3 * MIB);
    expect(farEar.ends).toEqual(['ERR_LINK_EOF']);
    expect([nearEar.chunks, nearEar.ends]).toEqual([[], []]);
  });

  test('after end no event of the other side is reported, and its data does not disturb ours', async () => {
    const { near, far, nearEar, farEar } = await heardConnection();
    near.write([ascii('last words')]);
    near.end();
    far.write([ascii('not received')]);
    await farEar.end();
    expect([farEar.text, farEar.ends]).toEqual(['last words', ['ERR_LINK_EOF']]);
    expect(nearEar.chunks).toEqual([]);
  });

  test('a link that received EOF is closed: writing, ending, destroying and pausing it do no harm', async () => {
    const { near, far, nearEar, farEar } = await heardConnection();
    near.end();
    await farEar.end();
    far.write([ascii('x')]);
    far.pause();
    far.resume();
    far.end();
    far.destroy();
    far.destroy();
    await barrier();
    expect([farEar.ends, nearEar.ends, nearEar.chunks, far.pending]).toEqual([['ERR_LINK_EOF'], [], [], 0]);
  });

  test('destroy ends the other side once and is silent on its own', async () => {
    const { near, nearEar, farEar } = await heardConnection();
    near.destroy();
    near.destroy();
    near.end();
    near.write([ascii('x')]);
    await farEar.end();
    await barrier();
    expect(farEar.ends).toHaveLength(1);
    expect([nearEar.ends, farEar.chunks, near.pending]).toEqual([[], [], 0]);
  });

  test('nothing is called after destroy, not even from inside data', async () => {
    const { near, far, nearEar, farEar } = await heardConnection();
    farEar.onData = () => far.destroy();
    near.write([ascii('one')]);
    near.write([Buffer.alloc(MIB)]);
    await nearEar.end();
    await barrier();
    expect(farEar.chunks).toHaveLength(1);
    expect([farEar.ends, farEar.drains]).toEqual([[], 0]);
  });

  test('a paused reader causes backpressure, loses nothing, and the writer drains when reading resumes', async () => {
    const { near, far, nearEar, farEar } = await heardConnection();
    far.pause();
    let written = 0;
    while (near.pending === 0 && written < 64) near.write([Buffer.alloc(MIB, written++)]);
    expect(near.pending).toBeGreaterThan(0);
    near.write([ascii('tail')]);
    await barrier();
    // A proxy takes what fits into its own buffers.
    if (isDirect) expect(nearEar.drains).toBe(0);
    far.resume();
    await farEar.until('every byte', () => farEar.size === written * MIB + 4);
    await nearEar.until('drained', () => nearEar.drains > 0);
    expect(near.pending).toBe(0);
    const { bytes } = farEar;
    for (let n = 0; n < written; n += 1) expect(bytes.readUInt16BE(n * MIB + MIB / 2)).toBe(n * 0x101);
    expect(bytes.subarray(-4).toString()).toBe('tail');
  });

  test('pause inside data stops the next chunk; EOF waits behind the data', async () => {
    const { near, far, farEar } = await heardConnection();
    farEar.onData = () => far.pause();
    near.write([ascii('one')]);
    await farEar.hears('one');
    near.write([ascii('two')]);
    near.end();
    await barrier();
    expect([farEar.text, farEar.ends]).toEqual(['one', []]);
    farEar.onData = undefined;
    far.resume();
    await farEar.end();
    expect(farEar.text).toBe('onetwo');
  });

  test('a link that rests resumes by itself, after others were read', async () => {
    const one = await heardConnection();
    const two = await heardConnection();
    const order: string[] = [];
    one.farEar.onData = () => {
      order.push('one');
      one.far.rest();
      two.near.write([ascii('two')]);
    };
    two.farEar.onData = () => order.push('two');
    one.near.write([Buffer.alloc(4 * MIB, 1)]);
    await one.farEar.until('four MiB', () => one.farEar.size === 4 * MIB);
    await two.farEar.hears('two');
    // The system may have handed out one more read before it was told.
    if (isDirect) expect(order.slice(0, 3)).toContain('two');
  });

  test('a paused link stays paused through a rest, and one that ended stays silent', async () => {
    const { near, far, farEar } = await heardConnection();
    far.pause();
    far.rest();
    near.write([ascii('held')]);
    await barrier();
    expect(farEar.size).toBe(0);
    far.resume();
    await farEar.hears('held');
    far.rest();
    far.destroy();
    near.write([ascii('late')]);
    await barrier();
    expect(farEar.text).toBe('held');
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
    const ear = new Ear();
    let giveUp: () => void = () => undefined;
    const near = await new Promise<Link>((resolve) => {
      giveUp = net.dial(listener.local, { opened: resolve, failed: () => undefined });
    });
    links.push(near);
    near.attach(ear);
    giveUp();
    await barrier();
    far?.write([ascii('still here')]);
    await ear.hears('still here');
  });

  // Ports belong to direct nets; refusals and resets are the proxy's own.
  if (!isDirect) return;

  test('destroy with bytes unread is a reset for the other side', async () => {
    const [near, far] = await connection();
    const ear = new Ear();
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
    const { near, farEar } = await heardConnection();
    const [listener] = listeners;
    await listener?.close();
    await listener?.close();
    near.write([ascii('alive')]);
    await farEar.hears('alive');
    listeners.push(await net.listen(near.remote, () => undefined));
  });
});

/** A later write often has the shorter way. */
function uneven(): () => number {
  let turn = 0;
  return () => [7, 1, 4, 0][turn++ % 4] ?? 0;
}
