/**
 * A node that floods: it answers a version, then sends empty `inv` messages, 40,000 in a write, as fast as they are read, for ever. A process of its
 * own: `node flooding-node.mjs` prints the port on 127.0.0.1 that it listens on.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

const MAGIC = Buffer.from('fabfb5da', 'hex');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

function frame(command, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(24);
  MAGIC.copy(header);
  header.write(command, 4);
  header.writeUInt32LE(payload.length, 16);
  sha256(sha256(payload)).copy(header, 20, 0, 4);
  return Buffer.concat([header, payload]);
}

/** Protocol 70016, user agent `/flood/`. */
function version() {
  const payload = Buffer.alloc(80 + 8 + 5);
  payload.writeInt32LE(70_016, 0);
  payload.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1_000)), 12);
  payload.writeUInt8(7, 80);
  payload.write('/flood/', 81);
  payload.writeUInt8(1, payload.length - 1);
  return frame('version', payload);
}

const MANY = Buffer.concat(Array(40_000).fill(frame('inv', Buffer.alloc(1))));

function flood(socket) {
  while (!socket.destroyed && socket.write(MANY));
}

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(
      Buffer.concat(
        ['wtxidrelay', 'sendaddrv2', 'verack'].reduce((all, name) => [...all, frame(name)], [version()]),
      ),
    );
    socket.on('drain', () => flood(socket));
    flood(socket);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
