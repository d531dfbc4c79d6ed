/** Nodes that do what a test says, on a net in memory and a virtual clock, and cases made for them. */
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
export const greet: readonly Step[] = [
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
export class Actor {
  constructor(
    private readonly link: Link,
    private readonly encode = (command: string, payload: Uint8Array) =>
      encodeFrame(chain.magic, command, payload),
  ) {}
  say(command: string, payload: Uint8Array = new Uint8Array(0)): void {
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
  readonly opened?: (me: Actor) => void;
  readonly hears?: (me: Actor, command: string, payload: Uint8Array) => void;
  readonly bytes?: (me: Actor, chunk: Uint8Array) => void;
  /** v2 only: what it read besides messages, its last event included. It closes for none of them by itself. */
  readonly reads?: (me: Actor, event: V2Event) => void;
  /** v2 only: the garbage it sends, and whether its first packet authenticates another one. */
  readonly garbage?: number;
  readonly forges?: boolean;
}

/** Follows a script on one connection. */
export function play(link: Link, { opened, hears, bytes }: Script, _isDialler = false): void {
  const me = new Actor(link);
  const framer = createV1Framer(chain.magic);
  link.attach({
    data: (chunk) => {
      bytes?.(me, chunk);
      for (const event of framer.feed(chunk)) {
        if (event.kind === 'frame') hears?.(me, event.command, event.payload);
      }
    },
    closed: () => undefined,
  });
  opened?.(me);
}

const random = seededRandom(324);

/** One v2 connection of a scripted node; it supports nothing else. */
class Encrypted {
  readonly #key = createV2Key(random);
  readonly #garbage: Uint8Array;
  readonly #opening;
  readonly #me: Actor;
  #sender!: PacketEncoder;
  #receiver: PacketDecoder | undefined;

  constructor(
    private readonly link: Link,
    private readonly script: Script,
    private readonly initiating: boolean,
  ) {
    this.#garbage = random(script.garbage ?? 7);
    this.#opening = createHandshakeParser({ initiating, magic: chain.magic });
    this.#me = new Actor(link, (command, payload) => this.#sender.message(command, payload));
    link.attach({ data: (chunk) => this.#data(chunk), closed: () => undefined });
    if (initiating) this.#sendKey();
    script.opened?.(this.#me);
  }

  #sendKey(): void {
    this.link.write([this.#key.ellswift, this.#garbage]);
  }

  #data(chunk: Uint8Array): void {
    this.script.bytes?.(this.#me, chunk);
    if (this.#receiver) for (const event of this.#receiver.feed(chunk)) this.#heard(event);
    else for (const event of this.#opening.feed(chunk)) this.#opened(event);
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

  #heard(event: V2Event): void {
    if (event.kind === 'frame') this.script.hears?.(this.#me, event.command, event.payload);
    else this.script.reads?.(this.#me, event);
  }
}

/** Follows a script on one connection, over v2. */
export function playV2(link: Link, script: Script, initiating = false): void {
  new Encrypted(link, script, initiating);
}

/** Does what a good node does, as far as these tests go. */
export const GOOD: Script = {
  hears: (me, command, payload) => {
    if (command === 'version') {
      me.say('version', VERSION);
      for (const word of ['wtxidrelay', 'sendaddrv2', 'verack']) me.say(word);
    } else if (command === 'ping') me.say('pong', payload.slice());
  },
};

export interface Stage {
  readonly clock: VirtualClock;
  readonly net: Net;
  readonly subject: NodeUnderTest;
}

export async function stageOf(script: Script, transport: 'v1' | 'v2' = 'v1'): Promise<Stage> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock });
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
