/** What the scripted proxy servers share: a TCP server on loopback whose connections are read piece by piece. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import type { Endpoint } from '../../src/net/link.js';

export interface ScriptedServer {
  readonly at: Endpoint;
  close(): Promise<void>;
}

/** The connection ended before it had sent what was read for. */
export class Ended extends Error {}

/** Exactly `length` bytes; what comes behind them stays in the socket. */
export async function readBytes(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes?.length === length) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Ended();
    await Promise.race([once(socket, 'readable'), once(socket, 'close'), once(socket, 'end')]);
  }
}

export async function readLine(socket: Socket): Promise<string> {
  let line = '';
  for (;;) {
    const byte = (await readBytes(socket, 1)).toString('latin1');
    if (byte === '\n') return line;
    line += byte;
  }
}

/** Joins two connections: ends and resets of each reach the other. */
export function join(one: Socket, two: Socket): void {
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const) {
    from.on('error', () => to.resetAndDestroy());
    from.pipe(to);
  }
}

/** Serves on 127.0.0.1; `serve` may reject when its connection breaks. */
export async function scriptedServer(serve: (socket: Socket) => Promise<void>): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return {
    at: { host: '127.0.0.1', port },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
