/**
 * The ceiling of what a Node program can do: a server that answers the first bytes of a connection with a flight made
 * beforehand, and whatever looks like a ping with a pong. It checks nothing and keeps nothing.
 */
import { createServer, type Socket } from 'node:net';
import { features, frame, nonceAt, version } from './canned-bytes.js';

const BACKLOG = 1_024;

/** Resolves when peers can come to 127.0.0.1. */
export function listenRaw(port: number): Promise<void> {
  const flight = Buffer.concat([version(), features()]);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => greet(socket, flight));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, backlog: BACKLOG }, resolve);
  });
}

function greet(socket: Socket, flight: Buffer): void {
  socket.write(flight);
  socket.on('data', (chunk: Buffer) => {
    const nonce = nonceAt(chunk, 'ping');
    if (nonce >= 0) socket.write(frame('pong', chunk.subarray(nonce, nonce + 8)));
  });
}
