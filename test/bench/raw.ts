/**
 * The ceiling of what a Node program can do: a server that answers the first bytes of a connection with a flight made
 * beforehand, and whatever looks like a ping with a pong. It checks nothing and keeps nothing.
 *
 *   node dist/test/bench/raw.js PORT
 */
import { createServer, type Socket } from 'node:net';
import { argv } from 'node:process';
import { features, frame, nonceAt, version } from './flights.js';

const FLIGHT = Buffer.concat([version(), features()]);
const BACKLOG = 1_024;

function greet(socket: Socket): void {
  socket.write(FLIGHT);
  socket.on('data', (chunk: Buffer) => {
    const nonce = nonceAt(chunk, 'ping');
    if (nonce >= 0) socket.write(frame('pong', chunk.subarray(nonce, nonce + 8)));
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => greet(socket));
});

server.listen({ host: '127.0.0.1', port: Number(argv[2]), backlog: BACKLOG }, () => console.log('listening'));
