/** A SOCKS5 server on loopback that follows a script. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import type { Endpoint } from '../../src/net/link.js';
import type { Credentials } from '../../src/net/socks5.js';
import { join, readBytes, type ScriptedServer, scriptedServer } from './scripted-server.js';

export interface Socks5Script {
  /** Demanded; by default a client that offers a user name is asked for it, and any is taken. */
  readonly credentials?: Credentials;
  /** Sent in place of the method selection, of the answer to the login, of the reply; then the connection is closed. */
  readonly instead?: Partial<Record<'method' | 'login' | 'reply', readonly number[]>>;
  /** From here on nothing is answered; `hold` holds the connection, `close` closes it. */
  readonly stop?: { readonly at: 'method' | 'login' | 'reply'; readonly how: 'hold' | 'close' };
  /** Where a CONNECT leads; default where it asks to. */
  readonly route?: (to: Endpoint) => Endpoint;
  /** Sent right behind the reply, in the same write. */
  readonly behind?: string;
  /** Sends each answer byte by byte. */
  readonly bytewise?: boolean;
}

export interface Socks5Server extends ScriptedServer {
  /** What was asked for, in order; `type` is the address type. */
  readonly requests: (Endpoint & { readonly type: number; readonly username?: string })[];
}

const BOUND = [0, 3, 4, 0x68, 0x6f, 0x73, 0x74, 0, 9];

class Session {
  #username: string | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly script: Socks5Script,
    private readonly requests: Socks5Server['requests'],
  ) {}

  async run(): Promise<void> {
    const [, count = 0] = await readBytes(this.socket, 2);
    const methods = await readBytes(this.socket, count);
    const asks = methods.includes(2);
    if (!asks && this.script.credentials) return this.#refuse([5, 0xff]);
    if (!(await this.#answer('method', [5, asks ? 2 : 0]))) return;
    if (asks && !(await this.#login())) return;
    await this.#connect(await this.#request());
  }

  async #login(): Promise<boolean> {
    const [, length = 0] = await readBytes(this.socket, 2);
    this.#username = (await readBytes(this.socket, length)).toString();
    const [size = 0] = await readBytes(this.socket, 1);
    const password = (await readBytes(this.socket, size)).toString();
    const { username, password: expected } = this.script.credentials ?? {
      username: this.#username,
      password,
    };
    if (this.#username === username && password === expected) return this.#answer('login', [1, 0]);
    this.#refuse([1, 1]);
    return false;
  }

  async #request(): Promise<Endpoint> {
    const [, , , type = 0, length = 0] = await readBytes(this.socket, 5);
    const host = (await readBytes(this.socket, length)).toString();
    const port = (await readBytes(this.socket, 2)).readUInt16BE();
    const username = this.#username;
    this.requests.push({ host, port, type, ...(username !== undefined && { username }) });
    return { host, port };
  }

  async #connect(to: Endpoint): Promise<void> {
    if (this.script.instead?.reply ?? this.script.stop?.at === 'reply')
      return void (await this.#answer('reply', []));
    const { host, port } = this.script.route?.(to) ?? to;
    const target = connect({ host, port, allowHalfOpen: true, noDelay: true });
    try {
      await once(target, 'connect');
    } catch {
      return this.#refuse([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    const behind = Buffer.from(this.script.behind ?? '');
    if (await this.#answer('reply', [5, 0, ...BOUND, ...behind])) join(this.socket, target);
    else target.destroy();
  }

  /** False when the script ends here. */
  async #answer(step: 'method' | 'login' | 'reply', bytes: readonly number[]): Promise<boolean> {
    const { stop, instead } = this.script;
    if (stop?.at === step) {
      if (stop.how === 'close') this.socket.end();
      return false;
    }
    const other = instead?.[step];
    if (other) this.#refuse(other);
    else await this.#send(bytes);
    return other === undefined;
  }

  async #send(bytes: readonly number[]): Promise<void> {
    if (!this.script.bytewise) return void this.socket.write(Uint8Array.from(bytes));
    for (const byte of bytes) {
      this.socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #refuse(bytes: readonly number[]): void {
    this.socket.end(Uint8Array.from(bytes));
    this.socket.resume();
  }
}

export async function socks5Server(script: Socks5Script = {}): Promise<Socks5Server> {
  const requests: Socks5Server['requests'] = [];
  const server = await scriptedServer((socket) => new Session(socket, script, requests).run());
  return { ...server, requests };
}
