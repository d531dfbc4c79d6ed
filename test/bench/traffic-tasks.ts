/** Established traffic, taken by a whole node and by a bare decoder: the tasks of a `Worker`. */
import { createNode, type Link, type LinkHandler, type Net, NETWORKS } from '../../src/index.js';
import {
  createV1Framer,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  type Message,
} from '../../src/wire/index.js';
import { features, version } from './canned-bytes.js';
import { serveTasks } from './tasks.js';

/** One ping in a hundred invs. */
export const CYCLE = 101;
/** What a socket gives Node in one read. */
export const CHUNK = 65_536;
const { magic } = NETWORKS.regtest;

export interface Stream {
  /** Times the cycle of messages. */
  readonly cycles: number;
  /** Entries of each inv. */
  readonly entries: number;
}

const frameOf = (message: Message): Uint8Array => encodeFrame(magic, message.command, encodeMessage(message));

/** The bytes of one stream, in chunks. */
function chunksOf({ cycles, entries }: Stream): Uint8Array[] {
  const inventory = Array.from({ length: entries }, (_, i) => ({
    type: 5,
    hash: new Uint8Array(32).fill(i),
  }));
  const inv = frameOf({ command: 'inv', inventory });
  const ping = frameOf({ command: 'ping', nonce: '0102030405060708' });
  const cycle = [...Array.from({ length: CYCLE - 1 }, () => inv), ping];
  const bytes = new Uint8Array(Buffer.concat(Array.from({ length: cycles }, () => cycle).flat()));
  return Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, i) =>
    bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
}

/** A link whose other end is this script: it hands in what it likes, and counts what is written. */
class Hose implements Link {
  readonly local = { host: '127.0.0.1', port: 18_444 };
  readonly remote = { host: '127.0.0.1', port: 40_000 };
  readonly pending = 0;
  handler: LinkHandler | undefined;
  written = 0;

  attach(handler: LinkHandler): void {
    this.handler = handler;
  }

  write(frames: readonly Uint8Array[]): void {
    this.written += frames.length;
  }

  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Like a socket: a link that is paused gives nothing. */
  async read(chunk: Uint8Array): Promise<void> {
    this.handler?.data(chunk);
    while (this.isPaused) await new Promise((resolve) => setImmediate(resolve));
  }

  rest = (): void => undefined;
  end = (): void => undefined;
  destroy = (): void => undefined;
}

/** A peer of a real node, established. */
async function establish(): Promise<Hose> {
  const hose = new Hose();
  const net: Net = {
    dial: () => () => undefined,
    listen: (local, accepted) => {
      accepted(hose);
      return Promise.resolve({ local, close: () => Promise.resolve() });
    },
  };
  // Without relay, a transaction's inv would end the connection.
  const node = createNode({ chain: 'regtest', v2transport: true, rules: { relay: true }, net });
  await node.listen(hose.local);
  hose.handler?.data(new Uint8Array(version()));
  hose.handler?.data(new Uint8Array(features()));
  if (node.peers.list()[0]?.state !== 'established') throw new Error('the peer is not established');
  return hose;
}

const hose = await establish();
let made: { key: string; chunks: Uint8Array[] } | undefined;

function chunksFor(stream: Stream): Uint8Array[] {
  const key = JSON.stringify(stream);
  if (made?.key !== key) made = { key, chunks: chunksOf(stream) };
  return made.chunks;
}

/** Messages a second of CPU time: between its turns a node waits. */
function rate({ cycles }: Stream, began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (cycles * CYCLE) / ((user + system) / 1e6);
}

async function session(stream: Stream): Promise<number> {
  const chunks = chunksFor(stream);
  const before = hose.written;
  const began = process.cpuUsage();
  for (const chunk of chunks) await hose.read(chunk);
  const found = rate(stream, began);
  if (hose.written - before !== stream.cycles) throw new Error(`${hose.written - before} pongs`);
  return found;
}

function decode(stream: Stream): number {
  const chunks = chunksFor(stream);
  const framer = createV1Framer(magic);
  const began = process.cpuUsage();
  let decoded = 0;
  for (const chunk of chunks) {
    for (const event of framer.feed(chunk)) {
      if (event.kind === 'frame' && decodeMessage(event.command, event.payload).ok) decoded++;
    }
  }
  const found = rate(stream, began);
  if (decoded !== stream.cycles * CYCLE) throw new Error(`${decoded} messages decoded`);
  return found;
}

serveTasks({ session, decode });
