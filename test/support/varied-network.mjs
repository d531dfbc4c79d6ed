/**
 * A network of 500 addresses on 127.x for crawlers, with nodes of many kinds, written without any code of `src`: frames, `version`,
 * `addr` and `addrv2` are encoded here. `node varied-network.mjs OCTET`: prints a JSON line `{ first, reachable }` when all
 * listen; ends with its input.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import process from 'node:process';
import { setTimeout } from 'node:timers';

const octet = Number(process.argv[2] ?? 61);
const SIZE = 500;
const REACHABLE = 391;
const PORT = 18444;
const MAGIC = Buffer.from('fabfb5da', 'hex');
const [V1, V2] = [0x409n, 0xc09n];

/** Kinds of reachable nodes. */
const KINDS = [
  'plain', // addrv2 when it was negotiated, addr otherwise; answers pings
  'plain',
  'plain',
  'pieces', // the addresses in several messages, with pauses
  'silent-on-key', // advertises BIP324 and waits for ever when it receives a key
  'closes-on-key', // advertises BIP324 and closes then
  'no-addresses', // never answers getaddr
  'legacy', // protocol 60002: addr only, no wtxidrelay and no sendaddrv2
  'slow', // its version comes after 300 ms
  'no-pong', // answers no ping
  'one-address', // advertises one other address
  'own-first', // its own address first, the others later
  'mapped', // IPv4 addresses as IPv6-mapped ones in addrv2
  'odd-port', // listens on another port
  'early', // addresses before verack, all in one write
  'bytes', // every byte in a write of its own
  'addrv2-only', // addrv2 whatever was negotiated
];
/** Kinds of nodes that complete no handshake. */
const UNREACHABLE = ['absent', 'closes-after-version', 'closes-at-once', 'absent', 'other-network'];

const nodes = Array.from({ length: SIZE }, (_, index) => {
  const kind = index < REACHABLE ? KINDS[index % KINDS.length] : UNREACHABLE[index % UNREACHABLE.length];
  const port = kind === 'odd-port' ? 20_000 + index : PORT;
  const services = kind === 'silent-on-key' || kind === 'closes-on-key' ? V2 : V1;
  return { index, kind, ip: [127, octet, index >> 8, index & 255], port, services };
});

const varint = (n) => (n < 0xfd ? Buffer.of(n) : Buffer.of(0xfd, n & 255, n >> 8));
const sha = (bytes) => createHash('sha256').update(bytes).digest();
const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
const u64 = (n) => Buffer.from(BigUint64Array.of(n).buffer);
const port16 = (n) => Buffer.of(n >> 8, n & 255);
const mapped = (ip) => Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...ip]);

function frame(command, payload, magic = MAGIC) {
  const name = Buffer.alloc(12);
  name.write(command);
  return Buffer.concat([magic, name, u32(payload.length), sha(sha(payload)).subarray(0, 4), payload]);
}

function version({ kind, ip, port, services }) {
  const address = Buffer.concat([u64(services), mapped(ip), port16(port)]);
  const number = kind === 'legacy' ? 60_002 : 70_016;
  const agent = Buffer.from(`/${kind}:1.0/`);
  return Buffer.concat([
    ...[u32(number), u64(services), u64(BigInt(Math.floor(Date.now() / 1000))), address, address],
    ...[u64(BigInt(ip[3] + 1)), varint(agent.length), agent, u32(900_000)],
    ...(kind === 'legacy' ? [] : [Buffer.of(1)]),
  ]);
}

const now = () => u32(Math.floor(Date.now() / 1000));
const legacyEntry = ({ ip, port, services }) =>
  Buffer.concat([now(), u64(services), mapped(ip), port16(port)]);
const entry = ({ ip, port, services }) =>
  Buffer.concat([now(), varint(Number(services)), Buffer.of(1, 4, ...ip), port16(port)]);
const mappedEntry = ({ ip, port, services }) =>
  Buffer.concat([now(), varint(Number(services)), Buffer.of(2, 16), mapped(ip), port16(port)]);

/** What a node advertises: the next ones of a ring, so that each address is advertised by several nodes, and some others. */
function advertisedBy({ index, kind }) {
  const ring = [1, 2, 3, 7, 50, 131, 257, 390].map((step) => (index + step) % SIZE);
  const others = Array.from({ length: 40 }, (_, n) => (index * 31 + n * 97) % SIZE);
  const all = [...new Set([...ring, ...others])].map((each) => nodes[each]);
  return kind === 'one-address' ? all.slice(0, 1) : all;
}

function addresses(node, isV2, list) {
  const form = !isV2 ? legacyEntry : node.kind === 'mapped' ? mappedEntry : entry;
  return frame(isV2 ? 'addrv2' : 'addr', Buffer.concat([varint(list.length), ...list.map(form)]));
}

function answer(node, write, isV2) {
  const list = advertisedBy(node);
  if (node.kind === 'no-addresses') return;
  if (node.kind === 'pieces') {
    for (let at = 0; at < list.length; at += 10)
      setTimeout(() => write(addresses(node, isV2, list.slice(at, at + 10))), at * 2);
  } else if (node.kind === 'own-first') {
    write(addresses(node, isV2, [node]));
    setTimeout(() => write(addresses(node, isV2, list)), 100);
  } else write(addresses(node, isV2 || node.kind === 'addrv2-only', list));
}

function serve(node, socket) {
  const { kind } = node;
  socket.on('error', () => undefined).setNoDelay();
  if (kind === 'closes-at-once') return socket.destroy();
  const write = (bytes) => {
    if (kind === 'bytes') for (const byte of bytes) socket.write(Buffer.of(byte));
    else socket.write(bytes);
  };
  let buffer = Buffer.alloc(0);
  let isV2 = false;
  const on = {
    version: () => {
      if (kind === 'other-network')
        return socket.end(frame('version', version(node), Buffer.from('f9beb4d9', 'hex')));
      if (kind === 'closes-after-version') return socket.end(frame('version', version(node)));
      const begin = [frame('version', version(node))];
      if (kind !== 'legacy')
        begin.push(frame('wtxidrelay', Buffer.alloc(0)), frame('sendaddrv2', Buffer.alloc(0)));
      if (kind === 'early') begin.push(addresses(node, false, advertisedBy(node)));
      begin.push(frame('verack', Buffer.alloc(0)));
      setTimeout(() => write(Buffer.concat(begin)), kind === 'slow' ? 300 : 0);
    },
    sendaddrv2: () => (isV2 = kind !== 'legacy'),
    getaddr: () => kind !== 'early' && setTimeout(() => answer(node, write, isV2), kind === 'slow' ? 301 : 1),
    ping: (payload) => kind !== 'no-pong' && write(frame('pong', payload)),
  };
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 24) {
      if (kind !== 'silent-on-key' && !buffer.subarray(0, 4).equals(MAGIC)) return socket.destroy();
      const length = buffer.readUInt32LE(16);
      if (buffer.length < 24 + length) return;
      const command = buffer.toString('latin1', 4, 16).replace(/\0+$/, '');
      on[command]?.(buffer.subarray(24, 24 + length));
      buffer = buffer.subarray(24 + length);
    }
  });
}

const listeners = nodes.filter(({ kind }) => kind !== 'absent');
await Promise.all(
  listeners.map(
    (node) =>
      new Promise((resolve) =>
        createServer((socket) => serve(node, socket)).listen(
          { host: node.ip.join('.'), port: node.port },
          resolve,
        ),
      ),
  ),
);
const addrOf = ({ ip, port }) => `${ip.join('.')}:${port}`;
const reachable = nodes.slice(0, REACHABLE).map(addrOf);
console.log(JSON.stringify({ first: reachable[0], reachable }));
process.stdin.on('end', () => process.exit(0)).resume();
