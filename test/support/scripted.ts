/** Nodes that do what a test says, on a net in memory and a virtual clock, and cases made for them. */
import { VirtualClock } from '../../src/index.js';
import type { Link, Net } from '../../src/io/link.js';
import { memoryNet } from '../../src/io/memory.js';
import { NETWORKS } from '../../src/networks.js';
import type { Case, Step } from '../../src/tools/conform/case.js';
import { readCase } from '../../src/tools/conform/form.js';
import { versionPayload } from '../../src/tools/conform/greeting.js';
import type { Subject } from '../../src/tools/conform/subject.js';
import { createV1Framer, encodeFrame } from '../../src/wire/index.js';

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
  constructor(private readonly link: Link) {}
  say(command: string, payload: Uint8Array = new Uint8Array(0)): void {
    this.link.write([encodeFrame(chain.magic, command, payload)]);
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
}

/** Follows a script on one connection. */
export function play(link: Link, { opened, hears, bytes }: Script): void {
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
  readonly subject: Subject;
}

export async function stageOf(script: Script): Promise<Stage> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock });
  await net.listen(AT, (link) => play(link, script));
  const dialler = {
    ...{ types: ['manual'], choosesV2: true, patience: 0 },
    dial: (request: { at: typeof AT }) => {
      net.dial(request.at, { opened: (link) => play(link, script), failed: () => undefined });
      return Promise.resolve();
    },
  };
  return { clock, net, subject: { net, at: AT, dialler } };
}
