/** What the net in memory adds to the contract: a clock of one's own, latency, hosts, broken paths, and no timer left. */
import { describe, expect, test } from '@jest/globals';

import type { Link, LinkHandler, Net } from '../src/net/link.js';
import { linkPair, memoryNet, type MemoryLink } from '../src/net/memory.js';
import { VirtualClock } from '../src/net/virtual-clock.js';

const PLACE = { host: '10.0.0.1', port: 8333 };

/** Records the events of all links that use it in one list, with their times. */
class Tape {
  readonly lines: string[] = [];
  constructor(readonly clock: VirtualClock) {}

  note(line: string): void {
    this.lines.push(`${this.clock.now() - 1} ${line}`);
  }

  ear(name: string): LinkHandler {
    return {
      data: (chunk) => this.note(`${name} ${Buffer.from(chunk).toString()}`),
      closed: (code) => this.note(`${name} ${code}`),
      drained: () => this.note(`${name} drained`),
    };
  }
}

const ascii = (text: string) => Buffer.from(text);

function pair(latency: number | (() => number) = 0) {
  const clock = new VirtualClock();
  const tape = new Tape(clock);
  const [near, far] = linkPair({ timers: clock, latency });
  near.attach(tape.ear('near'));
  far.attach(tape.ear('far'));
  return { clock, tape, near, far };
}

async function served(net: Net, accepted: (link: Link) => void = () => undefined) {
  return net.listen(PLACE, accepted);
}

describe('time', () => {
  test('no handler runs inside a call, and each write is delayed by the latency', () => {
    const { clock, tape, near } = pair(30);
    near.write([ascii('a'), ascii('b')]);
    expect(tape.lines).toEqual([]);
    clock.advance(29);
    near.write([ascii('c')]);
    near.end();
    clock.advance(100);
    expect(tape.lines).toEqual(['30 far ab', '59 far c', '59 far ERR_LINK_EOF']);
    expect(clock.armed).toBe(0);
  });

  test('a quicker write waits for the slower one before it', () => {
    const delays = [50, 10, 0];
    const { clock, tape, near } = pair(() => delays.shift() ?? 0);
    near.write([ascii('slow')]);
    near.write([ascii('quick')]);
    near.end();
    clock.advance(100);
    expect(tape.lines).toEqual(['50 far slow', '50 far quick', '50 far ERR_LINK_EOF']);
  });

  test('a dial needs a round trip, and its time depends on both endpoints', async () => {
    const clock = new VirtualClock();
    const tape = new Tape(clock);
    const net = memoryNet({ timers: clock, latency: (from) => (from.host === PLACE.host ? 5 : 20) });
    await served(net, () => tape.note('accepted'));
    net.at('10.0.0.2').dial(PLACE, {
      opened: (link) => tape.note(`opened ${link.local.host} ${link.remote.port}`),
      failed: () => tape.note('failed'),
    });
    net.dial({ ...PLACE, port: 1 }, { opened: () => undefined, failed: (code) => tape.note(code) });
    clock.advance(100);
    expect(tape.lines).toEqual(['25 accepted', '25 opened 10.0.0.2 8333', '25 ERR_DIAL_REFUSED']);
  });

  test('what was written may be changed afterwards', () => {
    const { clock, tape, near } = pair();
    const bytes = ascii('before');
    near.write([bytes]);
    bytes.write('after!');
    clock.advance(0);
    expect(tape.lines).toEqual(['0 far before']);
  });
});

describe('a reader that does not read', () => {
  test('its bytes are pending at the writer, and drained comes after the last of them', () => {
    const { clock, tape, near, far } = pair();
    near.write([ascii('seen')]);
    clock.advance(0);
    far.pause();
    near.write([ascii('12345')]);
    expect([near.pending, far.pending]).toEqual([5, 0]);
    clock.advance(1_000);
    far.resume();
    clock.advance(0);
    expect(tape.lines).toEqual(['0 far seen', '1000 far 12345', '1000 near drained']);
    expect(near.pending).toBe(0);
  });

  test('bytes under way when it stops reading are pending too, and drained is called once', () => {
    const { clock, tape, near, far } = pair(10);
    near.write([ascii('12345')]);
    expect(near.pending).toBe(0);
    far.pause();
    expect(near.pending).toBe(5);
    clock.advance(20);
    far.resume();
    clock.advance(0);
    expect(tape.lines).toEqual(['20 far 12345', '20 near drained']);
  });

  test('destroy resets for bytes that have arrived, not for bytes under way', () => {
    for (const [wait, code] of [
      [10, 'ERR_LINK_RESET'],
      [9, 'ERR_LINK_EOF'],
    ] as const) {
      const { clock, tape, near, far } = pair(10);
      far.pause();
      near.write([ascii('unread')]);
      clock.advance(wait);
      far.destroy();
      clock.advance(10);
      expect(tape.lines).toEqual([`${wait + 10} near ${code}`]);
    }
  });

  test('end destroys the link after 2 s: unsent bytes are lost, and the reader gets a reset when it resumes', () => {
    const { clock, tape, near, far } = pair();
    far.pause();
    near.write([ascii('lost')]);
    near.end();
    clock.advance(2_000);
    far.resume();
    clock.advance(0);
    expect(tape.lines).toEqual(['2000 far ERR_LINK_RESET']);
    expect(clock.armed).toBe(0);
  });

  test('end waits for it until then', () => {
    const { clock, tape, near, far } = pair();
    far.pause();
    near.write([ascii('kept')]);
    near.end();
    clock.advance(1_999);
    far.resume();
    clock.advance(10_000);
    expect(tape.lines).toEqual(['1999 far kept', '1999 far ERR_LINK_EOF']);
  });

  test('destroy after end does not wait, and the other side still gets an end', () => {
    const { clock, tape, near, far } = pair();
    far.pause();
    near.write([ascii('lost')]);
    near.end();
    near.destroy();
    expect(near.pending).toBe(0);
    far.resume();
    clock.advance(0);
    expect(tape.lines).toEqual(['0 far ERR_LINK_EOF']);
    expect(clock.armed).toBe(0);
  });
});

describe('a path that breaks', () => {
  test('both sides get a reset, and bytes under way are lost', () => {
    const { clock, tape, near, far } = pair(10);
    near.write([ascii('lost')]);
    far.write([ascii('lost')]);
    near.sever();
    clock.advance(100);
    expect(tape.lines).toEqual(['10 near ERR_LINK_RESET', '10 far ERR_LINK_RESET']);
    near.sever();
    near.write([ascii('x')]);
    clock.advance(100);
    expect(tape.lines).toHaveLength(2);
    expect(clock.armed).toBe(0);
  });

  test('a side that had ended gets no event', () => {
    const { clock, tape, near, far } = pair(10);
    near.end();
    far.sever();
    clock.advance(5_000);
    expect(tape.lines).toEqual(['10 far ERR_LINK_RESET']);
    expect(clock.armed).toBe(0);
  });
});

describe('timers', () => {
  type Step = (near: MemoryLink, far: MemoryLink) => void;
  test.each<[string, Step]>([
    ['both end', (near, far) => [near, far].forEach((link) => link.end())],
    ['both destroy', (near, far) => [near, far].forEach((link) => link.destroy())],
    ['one ends, the other destroys', (near, far) => [near.end(), far.destroy()]],
    ['one ends, then destroys', (near) => [near.end(), near.destroy()]],
    ['one destroys with data under way both ways', (near, far) => [far.write([ascii('x')]), near.destroy()]],
  ])('%s: none remains after the latency', (_name, step) => {
    const { clock, near, far } = pair(10);
    near.write([ascii('data')]);
    step(near, far);
    clock.advance(20);
    expect(clock.armed).toBe(0);
  });
});

describe('addresses', () => {
  async function opened(net: Net, to = PLACE): Promise<Link> {
    return new Promise((resolve, reject) => net.dial(to, { opened: resolve, failed: reject }));
  }

  test('a wildcard listener accepts for its family, an exact one takes precedence', async () => {
    const net = memoryNet();
    const received: string[] = [];
    await net.listen({ host: '0.0.0.0', port: 8333 }, (link) => received.push(`any ${link.local.host}`));
    await served(net, () => received.push('exact'));
    await opened(net, { host: '10.9.9.9', port: 8333 });
    await opened(net);
    await expect(opened(net, { host: '2001:db8::1', port: 8333 })).rejects.toBe('ERR_DIAL_REFUSED');
    expect(received).toEqual(['any 10.9.9.9', 'exact']);
  });

  test('`links` are the ends that are open, and a port is free again after its link', async () => {
    const net = memoryNet();
    const accepted: Link[] = [];
    await served(net, (link) => accepted.push(link));
    const first = await opened(net);
    const second = await opened(net);
    expect(second.local.port).not.toBe(first.local.port);
    expect(net.links.size).toBe(4);
    first.destroy();
    expect(net.links.size).toBe(3);
    accepted[1]?.end();
    expect([...net.links]).toEqual([accepted[0], second]);
    for (const link of [...accepted, second]) link.destroy();
  });

  test('a host without free ports reports it, and dials again when one is free', async () => {
    const net = memoryNet();
    const host = '10.0.0.3';
    const held = await Promise.all(
      Array.from({ length: 16_384 }, () => net.listen({ host, port: 0 }, () => undefined)),
    );
    await expect(net.listen({ host, port: 0 }, () => undefined)).rejects.toMatchObject({
      code: 'ERR_LOCAL_ADDRESS',
      facts: { syscode: 'EADDRNOTAVAIL' },
    });
    await held[77]?.close();
    await held[77]?.close();
    const again = await net.listen({ host, port: 0 }, () => undefined);
    expect(again.local).toEqual(held[77]?.local);
    await held[77]?.close();
    await expect(net.listen(again.local, () => undefined)).rejects.toMatchObject({
      code: 'ERR_LOCAL_ADDRESS',
    });
  });

  test('a port is taken until its own end has closed, whatever the other end did', async () => {
    const net = memoryNet();
    await served(net, (link) => link.destroy());
    const link = await opened(net);
    expect(net.links.size).toBe(1);
    const host = link.local.host;
    const listen = () => net.listen({ host, port: 0 }, () => undefined);
    await Promise.all(Array.from({ length: 16_383 }, listen));
    await expect(listen()).rejects.toMatchObject({ facts: { syscode: 'EADDRNOTAVAIL' } });
    link.destroy();
    expect((await listen()).local.port).toBe(link.local.port);
  });
});

test('an option that does not exist is refused with the nearest name', () => {
  const options: object = { timer: {}, latency: 3 };
  expect(() => memoryNet(options)).toThrow(
    expect.objectContaining({
      code: 'ERR_LOCAL_ARGUMENT',
      facts: { value: 'timer', why: 'there is no such option; did you mean timers?' },
    }),
  );
  expect(() => memoryNet({ clock: {} } as object)).toThrow(/the options are timers, latency/);
});
