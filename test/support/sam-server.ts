/** An I2P router's SAM bridge on loopback: sessions and streams between them, or what a script answers instead. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

import { decodeI2pBase64, destinationOf, encodeI2pBase64, i2pAddressOf } from '../../src/net/i2p-key.js';
import { join, readLine, type ScriptedServer, scriptedServer } from './scripted-server.js';

/** The first two words of a request. */
export type Task =
  | 'HELLO VERSION'
  | 'DEST GENERATE'
  | 'SESSION CREATE'
  | 'NAMING LOOKUP'
  | 'STREAM CONNECT'
  | 'STREAM ACCEPT'
  | 'DESTINATION';

/** Answers in place of the usual ones; `DESTINATION` is the line of who connects. `hold`: none. `close`: the end. */
export type SamScript = Partial<Record<Task, 'hold' | 'close' | (string & {})>>;

export interface SamServer extends ScriptedServer {
  /** Every request, without private keys. */
  readonly requests: string[];
  /** Ids of the sessions that live. */
  readonly sessions: () => string[];
  /** Closes the control connections of all sessions, as a router that is restarted. */
  dropSessions(): void;
  /** May be changed at any time. */
  script: SamScript;
}

interface Session {
  readonly id: string;
  readonly control: Socket;
  readonly destination: string;
  readonly acceptors: Socket[];
}

const CERTIFICATE = Buffer.from([5, 0, 4, 0, 7, 0, 0]);

/** A private key of the right shape: a destination with an Ed25519 certificate, and what stands for the secret keys. */
export const newKey = (): Uint8Array => Buffer.concat([randomBytes(384), CERTIFICATE, randomBytes(96)]);

const publicOf = (key: string): string =>
  encodeI2pBase64(destinationOf(decodeI2pBase64(key) ?? new Uint8Array()) ?? new Uint8Array());

class Router {
  readonly sessions = new Map<string, Session>();
  readonly requests: string[] = [];
  script: SamScript = {};

  async serve(socket: Socket): Promise<void> {
    for (;;) {
      const line = await readLine(socket);
      const [, task = '', args = ''] = /^(\S+ \S+) ?(.*)$/.exec(line) ?? [];
      this.requests.push(task === 'SESSION CREATE' ? line.replace(/=[\w~-]{100,}=*/, '=KEY') : line);
      const scripted = this.script[task as Task];
      if (scripted === 'close') return void socket.end();
      if (scripted === 'hold') continue;
      if (scripted !== undefined) socket.write(`${scripted}\n`);
      else if (this.#answer(task as Task, argsOf(args), socket)) return;
    }
  }

  /** True when the connection is a stream from now on, or waits for one. */
  #answer(task: Task, args: ReadonlyMap<string, string>, socket: Socket): boolean {
    const get = (name: string): string => args.get(name) ?? '';
    if (task === 'STREAM CONNECT') return this.#connect(get('ID'), get('DESTINATION'), socket);
    if (task === 'STREAM ACCEPT') return this.#accept(get('ID'), socket);
    if (task === 'HELLO VERSION') socket.write('HELLO REPLY RESULT=OK VERSION=3.1\n');
    if (task === 'DEST GENERATE') socket.write(generated());
    if (task === 'SESSION CREATE') this.#create(get('ID'), get('DESTINATION'), socket);
    if (task === 'NAMING LOOKUP') socket.write(this.#lookup(get('NAME')));
    return false;
  }

  #create(id: string, wanted: string, control: Socket): void {
    const key = wanted === 'TRANSIENT' ? encodeI2pBase64(newKey()) : wanted;
    const destination = publicOf(key);
    if ([...this.sessions.values()].some((session) => session.destination === destination)) {
      return void control.write('SESSION STATUS RESULT=DUPLICATED_DEST\n');
    }
    const session = { id, control, destination, acceptors: [] };
    this.sessions.set(id, session);
    control.on('close', () => this.#drop(session));
    control.on('end', () => control.end());
    control.write(`SESSION STATUS RESULT=OK DESTINATION=${key}\n`);
  }

  #drop(session: Session): void {
    this.sessions.delete(session.id);
    for (const acceptor of session.acceptors) acceptor.destroy();
  }

  #lookup(name: string): string {
    const found = [...this.sessions.values()].find(
      ({ destination }) => i2pAddressOf(decodeI2pBase64(destination) ?? new Uint8Array()) === name,
    );
    return found
      ? `NAMING REPLY RESULT=OK NAME=${name} VALUE=${found.destination}\n`
      : `NAMING REPLY RESULT=KEY_NOT_FOUND NAME=${name}\n`;
  }

  #accept(id: string, socket: Socket): boolean {
    const session = this.sessions.get(id);
    socket.write(`STREAM STATUS RESULT=${session ? 'OK' : 'INVALID_ID'}\n`);
    session?.acceptors.push(socket);
    socket.on('close', () => session?.acceptors.splice(session.acceptors.indexOf(socket) >>> 0, 1));
    return session !== undefined;
  }

  #connect(id: string, destination: string, socket: Socket): boolean {
    const from = this.sessions.get(id);
    const to = [...this.sessions.values()].find((session) => session.destination === destination);
    const acceptor = to?.acceptors.shift();
    if (!from) socket.write('STREAM STATUS RESULT=INVALID_ID\n');
    else if (!acceptor) socket.write('STREAM STATUS RESULT=CANT_REACH_PEER MESSAGE="no acceptor there"\n');
    if (!from || !acceptor) return false;
    acceptor.write(`${this.script.DESTINATION ?? from.destination}\n`);
    socket.write('STREAM STATUS RESULT=OK\n');
    join(socket, acceptor);
    return true;
  }
}

const argsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split(' ').map((word) => word.split(/=(.*)/s, 2) as [string, string]));

function generated(): string {
  const key = encodeI2pBase64(newKey());
  return `DEST REPLY PUB=${publicOf(key)} PRIV=${key}\n`;
}

export async function samServer(script: SamScript = {}): Promise<SamServer> {
  const router = new Router();
  router.script = script;
  const server = await scriptedServer((socket) => router.serve(socket));
  return {
    ...server,
    requests: router.requests,
    sessions: () => [...router.sessions.keys()],
    dropSessions: () => [...router.sessions.values()].forEach(({ control }) => control.destroy()),
    get script() {
      return router.script;
    },
    set script(script: SamScript) {
      router.script = script;
    },
  };
}
