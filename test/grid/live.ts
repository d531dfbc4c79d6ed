/**
 * The same cells on a running node: a scripted peer on the far end of a real link brings the node into the state with
 * real bytes, then sends the event, and what the node did is read off the wire, its events and its inspection.
 */
import type { InspectionEvent } from 'xstate';

import { type PeerContext, type Rules } from '../../machines/index.js';
import { networkOf } from '../../src/networks.js';
import type { Endpoint, Link, LinkHandler, Net } from '../../src/net/link.js';
import { type BitcoinNode, createNode, VirtualClock } from '../../src/index.js';
import type { LinkCode, Reason } from '../../src/reasons.js';
import { createV1Framer, decodeMessage, type Message } from '../../src/wire/index.js';
import { type Cell, changed, type Column, describe } from './cell.js';
import { greeting, VERACK } from './handshake.js';
import { framed, type Row, type SentNonces } from './row.js';

const REGTEST = networkOf('regtest')!;

/** What a frame of ours reads like in a cell. */
function readable(command: string, payload: Uint8Array): string {
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) return `${command}(unreadable)`;
  const message = decoded.message as Message;
  const nonce = 'nonce' in message ? (message.nonce ?? '') : '';
  return describe({ ...message, nonce } as never);
}

/** The scripted side: stores what it receives. */
export class ScriptedPeer implements LinkHandler {
  readonly received: string[] = [];
  readonly #framer = createV1Framer(REGTEST.magic);
  link!: Link;
  ended: LinkCode | '' = '';
  pingnonce = '';
  /** Called after each change. */
  wake: () => void = () => undefined;

  take(link: Link): void {
    this.link = link;
    link.attach(this);
    this.wake();
  }

  data(chunk: Uint8Array): void {
    for (const event of this.#framer.feed(chunk)) {
      if (event.kind !== 'frame') throw new Error(`the node sent ${event.kind} ${event.code}`);
      this.received.push(readable(event.command, event.payload));
      if (event.command === 'ping' && event.payload.length === 8)
        this.pingnonce = Buffer.from(event.payload).reverse().toString('hex');
    }
    this.wake();
  }

  closed(code: LinkCode): void {
    this.ended = code;
    this.wake();
  }

  send(...frames: Uint8Array[]): void {
    this.link.write(frames);
  }
}

/** What was observed of one peer of a node. */
export class ObservedPeer {
  /** Events sent to the peer's machine. */
  readonly events: { readonly type: string }[] = [];
  context: PeerContext | undefined;
  state = 'connecting';
  reason: Reason | undefined;
  /** Messages sent to it, and marks received from it. */
  sent = 0;
  marks = 0;

  constructor(readonly id: number) {}
}

/** The peer whose actor it is: `peer.7` is 7. */
const idOf = (actor: object): number => {
  const id = 'id' in actor ? String(actor.id) : '';
  return id.startsWith('peer.') ? Number(id.slice(5)) : 0;
};

/** A node under observation, cell by cell. */
export class ObservedNode {
  readonly clock = new VirtualClock();
  readonly net: Net;
  readonly node: BitcoinNode;
  /** The node's random draws of 8 bytes since the cell began, in order: nonces. */
  draws: string[] = [];
  /** Peers since the cell began, in order of creation. */
  peers: ObservedPeer[] = [];
  /** Called after each change. */
  wake: () => void = () => undefined;
  #count = 0;

  constructor(rules: Partial<Rules>, netOf: (clock: VirtualClock) => Net) {
    this.net = netOf(this.clock);
    this.node = createNode({
      ...{ chain: 'regtest', clock: this.clock, net: this.net, rules, acceptrate: 0 },
      random: (count) => this.#draw(count),
      inspect: (event) => this.#inspect(event),
    });
    this.#observe();
  }

  /** Closes every peer of the last cell. */
  clear(): void {
    for (const { id } of this.node.peers.list()) this.node.close(id);
    this.draws = [];
    this.peers = [];
  }

  #draw(count: number): Uint8Array {
    const bytes = Buffer.alloc(count);
    bytes.writeUIntBE(0xd0000 + ++this.#count, Math.max(0, count - 6), Math.min(6, count));
    if (count === 8) this.draws.push(bytes.toString('hex'));
    return bytes;
  }

  #find(id: number): ObservedPeer | undefined {
    return this.peers.find((peer) => peer.id === id);
  }

  #inspect(event: InspectionEvent): void {
    const id = idOf(event.actorRef);
    if (id > 0 && event.type === '@xstate.actor') this.peers.push(new ObservedPeer(id));
    const peer = this.#find(id);
    if (!peer) return;
    if (event.type === '@xstate.event') peer.events.push(event.event);
    if (event.type === '@xstate.snapshot')
      peer.context = (event.snapshot as unknown as { context: PeerContext }).context;
  }

  #update(id: number, change: (peer: ObservedPeer) => void): void {
    const peer = this.#find(id);
    if (!peer) return;
    change(peer);
    this.wake();
  }

  #observe(): void {
    this.node.on('transition', ({ id, to }) => this.#update(id, (peer) => (peer.state = to)));
    this.node.on('ended', ({ id, lastreason }) => this.#update(id, (peer) => (peer.reason = lastreason)));
    this.node.on('message', ({ id, direction, command }) =>
      this.#update(id, (peer) => {
        if (direction === 'sent') peer.sent += 1;
        if (command === MARK) peer.marks += 1;
      }),
    );
  }
}

/** One cell on a node: the observed side and the scripted side. */
export class CellRun {
  readonly remote = new ScriptedPeer();

  constructor(
    readonly observed: ObservedNode,
    readonly column: Column,
    readonly row: Row,
  ) {
    observed.clear();
  }

  get peer(): ObservedPeer {
    const [peer] = this.observed.peers;
    if (!peer) throw new Error('no peer yet');
    return peer;
  }

  /** The context of the peer's machine. */
  get context(): PeerContext {
    if (!this.peer.context) throw new Error('no snapshot yet');
    return this.peer.context;
  }

  get nonces(): SentNonces {
    return { pingnonce: this.remote.pingnonce, dialling: this.observed.draws.at(-1) ?? '' };
  }

  dial(to: Endpoint): void {
    const { type } = this.column;
    if (type === 'inbound') throw new Error('an accepted peer is not dialled');
    this.observed.node.dial(to, { connection_type: type });
  }
}

/** An unknown command: the node counts it, and everything before it is then handled. */
export const MARK = 'mark';

/** Delivers what was sent; `quiet` adds no byte of its own. */
export type Settle = (quiet?: boolean) => Promise<void>;

/** The scripted handshake up to `column`. */
export async function handshake(run: CellRun, settle: Settle): Promise<void> {
  const { remote, column, row } = run;
  const { version = 70017, pings, age, asked } = row.given ?? {};
  await settle();
  if (column.leaf === 'awaitingVersion' || column.leaf === 'versionSent') return;
  remote.send(greeting(version));
  await settle();
  if (column.leaf === 'versionReceived') return;
  remote.send(VERACK);
  await settle();
  if (pings) remote.send(framed({ command: 'pong', nonce: remote.pingnonce }));
  await settle();
  if (asked) remote.send(framed({ command: 'getaddr' }));
  await settle();
  if (pings === 'pinged') run.observed.clock.advance(122_000);
  if (age) run.observed.clock.advance(age - (pings === 'pinged' ? 122_000 : 0));
  await settle(true);
}

/** What the peer and both sides were before the event. */
export interface Before {
  readonly context: PeerContext;
  readonly state: string;
  readonly received: number;
  readonly events: number;
}

export const before = ({ context, peer, remote }: CellRun): Before => ({
  ...{ context, state: peer.state, received: remote.received.length, events: peer.events.length },
});

/** What the node did since, in the form of a machine's cell. */
export function outcome({ peer, remote, context }: CellRun, was: Before): Cell {
  return {
    to: peer.state === was.state ? '' : peer.state,
    code: peer.reason?.code ?? '',
    sends: remote.received.slice(was.received),
    notes: changed(was.context, context),
  };
}

/** Keys that depend on the moment, on fresh randomness or on the system below. */
const VARIES: Readonly<Record<string, readonly string[]>> = {
  'link.open': ['at'],
  'link.failed': ['facts'],
  'wire.broken': ['facts'],
  'wire.verack': ['at', 'nonce'],
  'wire.version': ['at', 'nonce'],
  'wire.pong': ['at', 'nonce'],
  'clock.tick': ['at', 'lastrecv', 'lastsend', 'stalledat', 'pending', 'nonce'],
  'clock.jump': ['ms'],
};

/** The event without the keys that vary. */
export function comparable(event: { readonly type: string } | undefined): unknown {
  if (!event) return undefined;
  return Object.fromEntries(
    Object.entries(event).filter(([key]) => !(VARIES[event.type] ?? []).includes(key)),
  );
}
