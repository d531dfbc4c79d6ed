/** Nodes that follow a script, on a net in memory and a virtual clock, and cases made for them. */
import { VirtualClock } from '../../src/index.js';
import type { Link, Net } from '../../src/net/link.js';
import { memoryNet } from '../../src/net/memory.js';
import { NETWORKS } from '../../src/networks.js';
import type { Case, Step } from '../../src/conformance/case.js';
import { readCase } from '../../src/conformance/case-schema.js';
import { versionPayload } from '../../src/conformance/version-message.js';
import type { NodeUnderTest } from '../../src/conformance/node-under-test.js';
import {
  createV1Framer,
  createV2Key,
  createHandshakeParser,
  createPacketDecoder,
  createPacketEncoder,
  encodeFrame,
  type HandshakeParserEvent,
  type V2Event,
  type PacketDecoder,
  type PacketEncoder,
} from '../../src/wire/index.js';
import { seededRandom } from './memory-nodes.js';

export const chain = NETWORKS.regtest;
export const AT = { host: '10.0.0.1', port: 18_444 };
/** The version of a scripted node. */
export const VERSION = Buffer.from(
  versionPayload({ fields: { version: 70017, user_agent: '/scripted:1/' } }),
);

/** What Core answers to a version. */
export const ANSWER = ['version', 'wtxidrelay', 'sendaddrv2', 'verack'];
export const HANDSHAKE_STEPS: readonly Step[] = [
  { op: 'send', messages: ['version'] },
  { op: 'expect', messages: ANSWER },
];

/** The smallest case with these steps. */
export const caseOf = (steps: readonly Step[], more: Partial<Case> = {}): Case =>
  readCase({
    ...{ id: 'x', name: 'a case', rule: 'a rule', grade: 'must', role: 'inbound', transport: 'v1' },
    ...{ listener: 'any', dialects: ['d70016', 'd70017'], tags: [], source: 'here', verified: [] },
    ...more,
    steps,
  });

/** What a scripted node can do on one connection. */
export class ScriptedConnection {
  constructor(
    private readonly link: Link,
    private readonly encode = (command: string, payload: Uint8Array) =>
      encodeFrame(chain.magic, command, payload),
  ) {}
  send(command: string, payload: Uint8Array = new Uint8Array(0)): void {
    this.link.write([this.encode(command, payload)]);
  }
  raw(hex: string): void {
    this.link.write([Buffer.from(hex, 'hex')]);
  }
  close(): void {
    this.link.end();
  }
}

export interface Script {
  readonly opened?: (connection: ScriptedConnection) => void;
  readonly message?: (connection: ScriptedConnection, command: string, payload: Uint8Array) => void;
  readonly bytes?: (connection: ScriptedConnection, chunk: Uint8Array) => void;
  /** v2 only: what it read besides messages, its last event included. It closes for none of them by itself. */
  readonly v2Event?: (connection: ScriptedConnection, event: V2Event) => void;
  /** v2 only: the garbage it sends, and whether its first packet authenticates another one. */
  readonly garbage?: number;
  readonly forges?: boolean;
}

/** Follows a script on one connection. */
export function play(link: Link, { opened, message, bytes }: Script): void {
  const connection = new ScriptedConnection(link);
  const framer = createV1Framer(chain.magic);
  link.attach({
    data: (chunk) => {
      bytes?.(connection, chunk);
      for (const event of framer.feed(chunk)) {
        if (event.kind === 'frame') message?.(connection, event.command, event.payload);
      }
    },
    closed: () => undefined,
  });
  opened?.(connection);
}

const random = seededRandom(324);

/** One v2 connection of a scripted node; it supports nothing else. */
class V2Connection {
  readonly #key = createV2Key(random);
  readonly #garbage: Uint8Array;
  readonly #parser;
  readonly #connection: ScriptedConnection;
  #sender!: PacketEncoder;
  #receiver: PacketDecoder | undefined;

  constructor(
    private readonly link: Link,
    private readonly script: Script,
    private readonly initiating: boolean,
  ) {
    this.#garbage = random(script.garbage ?? 7);
    this.#parser = createHandshakeParser({ initiating, magic: chain.magic });
    this.#connection = new ScriptedConnection(link, (command, payload) =>
      this.#sender.message(command, payload),
    );
    link.attach({ data: (chunk) => this.#data(chunk), closed: () => undefined });
    if (initiating) this.#sendKey();
    script.opened?.(this.#connection);
  }

  #sendKey(): void {
    this.link.write([this.#key.ellswift, this.#garbage]);
  }

  #data(chunk: Uint8Array): void {
    this.script.bytes?.(this.#connection, chunk);
    if (this.#receiver) for (const event of this.#receiver.feed(chunk)) this.#event(event);
    else for (const event of this.#parser.feed(chunk)) this.#opened(event);
  }

  #opened(event: HandshakeParserEvent): void {
    if (event.kind === 'v2') this.#sendKey();
    if (event.kind !== 'key') return;
    const keys = this.#key.agree(event.ellswift, this.initiating, chain.magic);
    this.#sender = createPacketEncoder(keys.send, this.script.forges ? random(8) : this.#garbage);
    this.#receiver = createPacketDecoder(keys.receive);
    this.link.write([this.#sender.terminator, this.#sender.decoy(3), this.#sender.version()]);
    this.#data(event.rest);
  }

  #event(event: V2Event): void {
    if (event.kind === 'frame') this.script.message?.(this.#connection, event.command, event.payload);
    else this.script.v2Event?.(this.#connection, event);
  }
}

/** Follows a script on one connection, over v2. */
export function playV2(link: Link, script: Script, initiating = false): void {
  new V2Connection(link, script, initiating);
}

/** Behaves as a correct node, as far as these tests need it. */
export const GOOD: Script = {
  message: (connection, command, payload) => {
    if (command === 'version') {
      connection.send('version', VERSION);
      for (const word of ['wtxidrelay', 'sendaddrv2', 'verack']) connection.send(word);
    } else if (command === 'ping') connection.send('pong', payload.slice());
  },
};

export interface ScriptedSetup {
  readonly clock: VirtualClock;
  readonly net: Net;
  readonly subject: NodeUnderTest;
}

/** `latency`: one way, milliseconds. */
export async function scriptedSetup(
  script: Script,
  transport: 'v1' | 'v2' = 'v1',
  latency = 0,
): Promise<ScriptedSetup> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency });
  const follow = transport === 'v1' ? play : playV2;
  await net.listen(AT, (link) => follow(link, script));
  const dialler = {
    ...{ types: ['manual'], choosesV2: true, patience: 0 },
    dial: (request: { at: typeof AT }) => {
      net.dial(request.at, { opened: (link) => follow(link, script, true), failed: () => undefined });
      return Promise.resolve();
    },
  };
  return { clock, net, subject: { net, at: AT, dialler } };
}
