/** A TCP proxy in front of a node that replaces the user agent of its `version` message. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { encodeFrame } from '../../src/wire/index.js';
import type { Endpoint } from '../../src/net/link.js';

const HEADER = 24;
const LENGTH_AT = 16;
/** Of the user agent in a version payload. */
const AGENT_AT = 80;

export interface Proxy extends AsyncDisposable {
  readonly port: number;
}

/** `magic`: of the network. `agent`: at most 252 bytes. The node must send its version as its first v1 message. */
export async function userAgentProxy(node: Endpoint, magic: Uint8Array, agent: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  };
  const server = createServer((client) => {
    const upstream = connect(node.port, node.host);
    [client, upstream].forEach(keep);
    client.pipe(upstream);
    relabelled(upstream, client, magic, agent);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Holds the stream back until its first message is whole. */
function relabelled(from: Socket, to: Socket, magic: Uint8Array, agent: string): void {
  let held = Buffer.alloc(0);
  const hold = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    const size = held.length < HEADER ? Infinity : HEADER + held.readUInt32LE(LENGTH_AT);
    if (held.length < size) return;
    from.off('data', hold);
    to.write(encodeFrame(magic, 'version', withAgent(held.subarray(HEADER, size), agent)));
    to.write(held.subarray(size));
    from.on('data', (later: Buffer) => to.write(later));
  };
  from.on('data', hold);
}

/** A `version` payload with another user agent. */
export function withAgent(version: Buffer, agent: string): Buffer {
  const end = AGENT_AT + 1 + (version[AGENT_AT] ?? 0);
  const text = Buffer.from(agent, 'latin1');
  return Buffer.concat([version.subarray(0, AGENT_AT), Buffer.of(text.length), text, version.subarray(end)]);
}
