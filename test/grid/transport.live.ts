/**
 * The transport's cells on a running node: a scripted peer with real keys brings the node into the column, then sends what
 * the row says, and what the node did is read off the wire, its inspection and its events.
 */
import type { InspectionEvent } from 'xstate';

import type { TransportContext, TransportEvent } from '../../machines/index.js';
import { type BitcoinNode, createNode, VirtualClock } from '../../src/index.js';
import type { Link } from '../../src/net/link.js';
import { type MemoryLink, memoryNet } from '../../src/net/memory.js';
import { NETWORKS } from '../../src/networks.js';
import {
  createV2Key,
  createHandshakeParser,
  createPacketDecoder,
  createPacketEncoder,
  encodeFrame,
  type V2Key,
  type PacketDecoder,
  type PacketEncoder,
} from '../../src/wire/index.js';
import { seededRandom } from '../support/memory-nodes.js';
import { leafOf } from '../support/step.js';
import {
  changedTransport,
  type Phase,
  PHASES,
  type TransportCell,
  type TransportColumn,
  type TransportRow,
} from './transport.js';

const NODE = { host: '10.0.0.1', port: 18_444 };
const PEER = { host: '10.0.0.2', port: 18_444 };
const { magic } = NETWORKS.regtest;
const GARBAGE = 7;
/** One byte more than a packet may hold. */
const TOO_LONG = 4_000_014;

const V1_VERSION = encodeFrame(magic, 'version', new Uint8Array(86));
const FOREIGN = encodeFrame(NETWORKS.main.magic, 'version', new Uint8Array(86));

/** Whether the first byte tells v2 from v1 of any network that is used here. */
const isPlain = ([first]: Uint8Array): boolean => first !== V1_VERSION[0] && first !== FOREIGN[0];

function plainKey(random: (count: number) => Uint8Array): V2Key {
  for (;;) {
    const key = createV2Key(random);
    if (isPlain(key.ellswift)) return key;
  }
}

/** The scripted side. */
class Peer {
  readonly links: Link[] = [];
  /** The first bytes of every connection. */
  readonly firstChunks: Uint8Array[] = [];
  readonly received: string[] = [];
  readonly #random = seededRandom(324);
  readonly #key = plainKey(this.#random);
  readonly #garbage = this.#random(GARBAGE);
  readonly #parser;
  #keyBytesSent = 0;
  #receiver: PacketDecoder | undefined;
  sender: PacketEncoder | undefined;

  constructor(private readonly initiating: boolean) {
    this.#parser = createHandshakeParser({ initiating: true, takesAnyKey: true, magic });
  }

  take(link: Link): void {
    const place = this.links.push(link) - 1;
    link.attach({
      data: (chunk) => {
        this.firstChunks[place] ??= chunk.slice();
        if (place === 0) this.#read(chunk);
      },
      closed: () => undefined,
    });
  }

  /** Their bytes so far: 64 or more are a key, and behind our own key they can be read. */
  #read(chunk: Uint8Array): void {
    if (this.#receiver) return this.#packets(chunk);
    for (const event of this.#parser.feed(chunk)) {
      if (event.kind !== 'key' || isV1(event.ellswift)) continue;
      this.received.push('key');
      const keys = this.#key.agree(event.ellswift, this.initiating, magic);
      this.sender = createPacketEncoder(keys.send, this.#garbage);
      this.#receiver = createPacketDecoder(keys.receive);
      this.#packets(event.rest);
    }
  }

  #packets(chunk: Uint8Array): void {
    for (const event of this.#receiver?.feed(chunk) ?? [])
      if (event.kind === 'version') this.received.push('terminator');
  }

  send(...parts: Uint8Array[]): void {
    this.links[0]!.write(parts);
  }

  /** The key up to its byte `to`, from where the last call ended. */
  key(to: number): Uint8Array {
    const from = this.#keyBytesSent;
    this.#keyBytesSent = to;
    return this.#key.ellswift.slice(from, to);
  }

  terminator(garbage: Uint8Array = this.#garbage): Uint8Array[] {
    return [garbage, this.sender!.terminator];
  }
}

const isV1 = (bytes: Uint8Array): boolean => bytes.every((byte, at) => at >= 16 || byte === V1_VERSION[at]);

/** A node with v2, its peer, and the events of its first transport actor. */
class TransportRun {
  readonly clock = new VirtualClock();
  readonly net = memoryNet({ timers: this.clock });
  readonly peer: Peer;
  readonly node: BitcoinNode;
  readonly events: TransportEvent[] = [];
  context!: TransportContext;
  state = 'opening';
  redials = 0;

  constructor(readonly column: TransportColumn) {
    const { role, v2only } = column;
    this.peer = new Peer(role === 'responder');
    this.node = createNode({
      ...{ chain: 'regtest', clock: this.clock, net: this.net.at(NODE.host), random: seededRandom(1) },
      ...{ v2transport: true, v2only, padding: { garbage: GARBAGE, decoys: [] } },
      inspect: (event) => this.#inspect(event),
    });
    this.node.on('fallback', () => (this.redials += 1));
  }

  #inspect(event: InspectionEvent): void {
    const { actorRef } = event;
    if (!('id' in actorRef) || !String(actorRef.id).startsWith('transport.')) return;
    const fake = (type: string) => type === 'xstate.init' || type === 'xstate.stop';
    if (event.type === '@xstate.event' && !fake(event.event.type))
      this.events.push(event.event as TransportEvent);
    if (event.type !== '@xstate.snapshot') return;
    const { value, context } = event.snapshot as unknown as { value: unknown; context: TransportContext };
    Object.assign(this, { state: leafOf(value), context });
  }

  async settle(ms = 0): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(0);
  }

  async connect(): Promise<void> {
    await this.node.listen(NODE);
    await this.net.at(PEER.host).listen(PEER, (link) => this.peer.take(link));
    if (this.column.role === 'initiator') this.node.dial(PEER);
    else
      this.net.at(PEER.host).dial(NODE, { opened: (link) => this.peer.take(link), failed: () => undefined });
    await this.settle();
  }

  /** Real bytes up to the column; `header`: of which the first byte is, when it is not one of a key. */
  async reachColumn(header: Uint8Array | undefined): Promise<void> {
    const { leaf, received } = this.column;
    await this.connect();
    if (received) this.peer.send(header?.slice(0, 1) ?? this.peer.key(1));
    await this.settle();
    if (leaf === 'garbage' || leaf === 'versionPacket') this.peer.send(this.peer.key(64));
    await this.settle();
    if (leaf === 'versionPacket') this.peer.send(...this.peer.terminator());
    await this.settle();
  }

  /** First bytes of a second connection that are those of v1. */
  get usedV1(): boolean {
    const again = this.peer.firstChunks[1];
    return again !== undefined && again.length >= 16 && isV1(again);
  }
}

const spoilt = (packet: Uint8Array): Uint8Array => {
  const copy = packet.slice();
  copy[copy.length - 1]! ^= 1;
  return copy;
};

/** The v1 header that the row is about, where the node reads its bytes as one. */
function headerFor({ event }: TransportRow, { leaf, role }: TransportColumn): Uint8Array | undefined {
  if (event.type === 'bytes.broken' && event.code === 'ERR_V2_OTHER_NETWORK') return FOREIGN;
  const isRead = role === 'initiator' || leaf === 'detecting';
  return event.type === 'bytes.v1' && isRead ? V1_VERSION : undefined;
}

/** The bytes of a row, given whom they are for. */
function bytesFor(row: TransportRow, { column, peer }: TransportRun): Uint8Array[] {
  const { event } = row;
  const { sender } = peer;
  const isHeader = headerFor(row, column) !== undefined;
  if (event.type === 'bytes.arrived')
    return [column.role === 'responder' ? V1_VERSION.slice(0, 1) : peer.key(1)];
  if (event.type === 'bytes.v1') return [V1_VERSION.slice(isHeader && column.received ? 1 : 0, 16)];
  if (event.type === 'bytes.v2') return [peer.key(1)];
  if (event.type === 'bytes.key') return [peer.key(64)];
  if (event.type === 'bytes.garbage') return peer.terminator(new Uint8Array(event.size));
  if (event.type === 'packet.decoy') return [sender!.decoy(3)];
  if (event.type === 'packet.version') return [sender!.version()];
  return event.type === 'bytes.broken' ? [badBytes(event.code, column, sender)] : [];
}

function badBytes(
  code: string,
  { received }: TransportColumn,
  sender: PacketEncoder | undefined,
): Uint8Array {
  if (code === 'ERR_V2_OTHER_NETWORK') return FOREIGN.slice(received ? 1 : 0, 24);
  if (code === 'ERR_V2_GARBAGE') return new Uint8Array(4_111);
  if (code === 'ERR_V2_AUTH') return spoilt(sender!.version());
  return sender!.packet(new Uint8Array(TOO_LONG)).subarray(0, 3);
}

async function act(run: TransportRun, row: TransportRow): Promise<void> {
  const { event } = row;
  const [link] = run.peer.links;
  if (event.type === 'link.connected') await run.connect();
  else if (event.type.startsWith('xstate.after.')) await run.settle(60_000);
  else if (event.type !== 'link.closed') run.peer.send(...bytesFor(row, run));
  else if (event.code === 'ERR_LINK_EOF') link!.end();
  else (link as MemoryLink).sever();
  await run.settle();
}

const NOT_STARTED: Pick<TransportContext, 'transport' | 'received' | 'garbage' | 'decoys'> = {
  transport: 'detecting',
  received: false,
  garbage: -1,
  decoys: 0,
};

/** What the node did in a cell. */
export interface Played extends TransportCell {
  /** It dialled again and used v1. */
  readonly redials: boolean;
  /** The events of its transport machine. */
  readonly events: readonly TransportRow['event'][];
}

/** Plays one cell. */
export async function playTransport(row: TransportRow, column: TransportColumn): Promise<Played> {
  const run = new TransportRun(column);
  if (column.leaf !== 'opening') await run.reachColumn(headerFor(row, column));
  if (run.state !== column.leaf) throw new Error(`in ${run.state} instead of ${column.leaf}`);
  const was = { context: run.context, received: run.peer.received.length, events: run.events.length };
  await act(run, row);
  const { state, context, peer } = run;
  return {
    ...{ to: state === column.leaf ? '' : state, code: endOf(run), sends: peer.received.slice(was.received) },
    notes: changedTransport(was.context ?? { ...context, ...NOT_STARTED }, context),
    redials: run.redials === 1 && run.usedV1,
    events: run.events.slice(was.events),
  };
}

/** The reason that the node reports when the transport has failed. */
const endOf = ({ node, state }: TransportRun): string =>
  state === 'failed' || state === 'fallback' ? (node.peers.recent()[0]?.lastreason?.code ?? '') : '';

const LATER = 'its bytes are read in a later state';
const EARLIER = 'its bytes were read in an earlier state';

/** Where each event can be had with bytes. */
const AT: Readonly<Record<string, readonly Phase[]>> = {
  'bytes.arrived': ['detecting', 'keySent'],
  'bytes.v1': ['detecting', 'keySent'],
  'bytes.v2': ['detecting'],
  'bytes.key': ['keySent'],
  'bytes.garbage': ['garbage'],
  'packet.decoy': ['versionPacket'],
  'packet.version': ['versionPacket'],
  ERR_V2_OTHER_NETWORK: ['detecting', 'keySent'],
  ERR_V2_GARBAGE: ['garbage'],
  ERR_V2_AUTH: ['versionPacket'],
  ERR_V2_LENGTH: ['versionPacket'],
};

/** Why the bytes cause no event here, although the state is right. */
function unsaid({ event }: TransportRow, { received }: TransportColumn): string {
  return event.type === 'bytes.arrived' && received ? EARLIER : '';
}

/** Empty when the cell can be exercised, else the reason. */
export function obstacleTo(row: TransportRow, column: TransportColumn): string {
  const { event } = row;
  const { leaf } = column;
  if (event.type === 'link.connected') return leaf === 'opening' ? '' : 'the link opens once';
  if (leaf === 'opening') return 'the machine is made when TCP is open';
  const places = AT[event.type === 'bytes.broken' ? event.code : event.type] ?? [leaf];
  if (places.includes(leaf)) return unsaid(row, column);
  return PHASES.indexOf(leaf) < PHASES.indexOf(places[0]!) ? LATER : EARLIER;
}
