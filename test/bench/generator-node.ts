/**
 * The load generator where there is no C compiler: the same options, the same lines of JSON as `generator.c`, which says
 * what they mean. It costs about as much as what it measures, so its ratios are too high.
 */
import { connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { createInterface } from 'node:readline';
import { features, frame, version } from './canned-bytes.js';

const HANDSHAKE_LIMIT_MS = 20_000;
const PONG_LIMIT_MS = 10_000;
const HEADER = 24;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    total: { type: 'string', default: '1000' },
    inflight: { type: 'string', default: '16' },
    keep: { type: 'string', default: '0' },
    sources: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '120' },
    addresses: { type: 'string', default: '1' },
  },
});
const option = (name: keyof typeof values): number => Number(values[name]);
const [port, inflight, keep] = [option('port'), option('inflight'), option('keep')];
const VERSION = version();
const FEATURES = features();
const HELLO = Buffer.concat([VERSION, FEATURES]);
const PING = frame('ping', Buffer.from('measured'));

const report = (line: object): void => console.log(JSON.stringify(line));
const kept: Socket[] = [];
let [started, lost] = [0, 0];

/** Percentiles of milliseconds. */
function percentiles(times: number[]): object {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Calls `onMessage` with the command and the payload of every whole frame. */
function reader(onMessage: (command: string, payload: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= HEADER && held.length >= HEADER + held.readUInt32LE(16)) {
      const size = HEADER + held.readUInt32LE(16);
      onMessage(held.toString('latin1', 4, 16).replace(/\0+$/, ''), held.subarray(HEADER, size));
      held = held.subarray(size);
    }
  };
}

function retain(socket: Socket): void {
  kept.push(socket);
  socket.setTimeout(0);
  if (kept.length > keep) kept.shift()?.end();
}

/** One handshake; its milliseconds, or undefined when it failed. */
function handshake(): Promise<number | undefined> {
  const began = performance.now();
  const sources = option('sources');
  const localAddress = sources > 1 ? { localAddress: `127.0.1.${1 + (started % sources)}` } : {};
  started++;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...localAddress }, () =>
    socket.write(VERSION),
  );
  return new Promise((resolve) => {
    let isDone = false;
    const onMessage = (command: string, payload: Buffer): void => {
      if (command === 'version') socket.write(FEATURES);
      else if (command === 'verack') socket.write(PING);
      else if (command === 'ping') socket.write(frame('pong', payload));
      else if (command === 'pong' && !isDone) {
        isDone = true;
        retain(socket);
        resolve(performance.now() - began);
      } else if (command === 'pong') socket.emit('answered');
    };
    socket.on('data', reader(onMessage));
    socket.on('error', () => undefined);
    socket.setTimeout(HANDSHAKE_LIMIT_MS, () => socket.destroy());
    socket.on('close', () => {
      if (isDone && kept.includes(socket)) lost++;
      resolve(undefined);
    });
  });
}

async function handshakes(total: number): Promise<void> {
  const began = performance.now();
  const until = began + 1e3 * option('seconds');
  const times: number[] = [];
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun++ < total && performance.now() < until) {
      const time = await handshake();
      if (time !== undefined) times.push(time);
    }
  };
  await Promise.all(Array.from({ length: inflight }, one));
  const seconds = (performance.now() - began) / 1e3;
  const done = times.length;
  const counts = { done, failed: total - done, lost, open: kept.length - lost };
  report({ ...counts, seconds, persecond: done / seconds, ...percentiles(times) });
}

async function pings(): Promise<void> {
  const times: number[] = [];
  const asked = kept.filter((socket) => !socket.destroyed);
  const answers = asked.map((socket) => {
    const began = performance.now();
    socket.write(PING);
    return new Promise<void>((resolve) => {
      socket.once('answered', () => {
        times.push(performance.now() - began);
        resolve();
      });
    });
  });
  const late = new Promise((resolve) => setTimeout(resolve, PONG_LIMIT_MS).unref());
  await Promise.race([Promise.all(answers), late]);
  report({ pings: asked.length, pongs: times.length, lost, ...percentiles(times) });
}

function answer(socket: Socket): void {
  const onMessage = (command: string, payload: Buffer): void => {
    if (command === 'version') socket.write(HELLO);
    else if (command === 'ping') socket.write(frame('pong', payload));
  };
  socket.on('error', () => undefined);
  socket.on('data', reader(onMessage));
  socket.on('end', () => socket.resetAndDestroy());
}

async function respond(): Promise<void> {
  const hosts = Array.from({ length: option('addresses') }, (_, i) => `127.0.0.${i + 1}`);
  const open = (host: string): Promise<void> =>
    new Promise((resolve) =>
      createServer({ noDelay: true, allowHalfOpen: true }, answer).listen(port, host, resolve),
    );
  await Promise.all(hosts.map(open));
  report({ listening: true });
}

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit());
lines.on('line', (line) => {
  if (line === 'ping') void pings();
  else if (line.startsWith('more ')) void handshakes(Number(line.slice(5)));
});
if (positionals[0] === 'respond') await respond();
else {
  await handshakes(option('total'));
  if (keep === 0) process.exit();
}
