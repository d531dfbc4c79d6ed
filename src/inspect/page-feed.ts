/**
 * The feed of the page at `/`: sends the peers and actors of the observed nodes, with the changes of each peer combined, at
 * most ten times a second. While no page is open, only transcripts, counts and the latest changes are kept.
 */
import { localAddresses, type NodeEvents, type PeerInfo, REASONS, type Reason } from '../index.js';
import type { WebSocket } from 'ws';
import type { AnyEventObject, InspectionEvent } from 'xstate';
import { ignoredReason, MACHINES } from '../../machines/index.js';
import type { InspectedNode, ObserveOptions } from './inspected-node.js';
import type { Lab } from './lab.js';
import { LAB_COMMANDS, LabCommandLimit } from './lab-command-limit.js';
import type { Change, Entry } from './actor-registry.js';
import type {
  CrawlReport,
  Deadlines,
  FeedStart,
  LabCommand,
  LocalAddress,
  MachineName,
  StateChange,
  Request,
  Row,
  Transcript,
} from './page/feed-messages.js';
import { leafOf, MachineActors } from './machine-actors.js';
import { CHANGES, PageClient, TICK, type UpdateSource } from './page-client.js';
import { rowOf } from './peer-row.js';
import { eventOf, TranscriptRecorder, type TakenTransition } from './transcript.js';
import { OutcomeCounter } from './outcome-counts.js';

/** Most rows of ended peers, as many as the tracker keeps, and most transcripts of ended peers. */
export const ENDED_ROWS = 1_000;
export const ENDED_TRANSCRIPTS = 300;
/** Most live peers; further ones are not shown. */
export const LIVE_ROWS = 10_000;

interface Node extends Required<ObserveOptions> {
  readonly peers: InspectedNode['peers'];
  /** Peers whose messages are recorded. While there are none, the feed does not listen to messages, since each event costs time. */
  readonly recorded: Set<ObservedPeer>;
  readonly listen: (change: 'on' | 'off') => void;
  deadlines?: Deadlines;
}

/** A peer: live until `last` is set. */
interface ObservedPeer {
  readonly node: Node;
  readonly id: number;
  readonly key: string;
  readonly recorder: TranscriptRecorder;
  state: string;
  exchange: string;
  context?: object;
  last?: PeerInfo;
  endedat?: number;
}

/** One machine of a peer. */
interface PeerMachine {
  readonly machine: MachineName;
  readonly peer: ObservedPeer;
}

export class PageFeed {
  readonly #nodes = new Map<string, Node>();
  readonly #peers = new Map<string, ObservedPeer>();
  /** Null for actors that do not belong to a peer. */
  readonly #peerMachines = new WeakMap<Entry, PeerMachine | null>();
  readonly #ended: ObservedPeer[] = [];
  readonly #counts = new OutcomeCounter();
  readonly #actors = new MachineActors();
  readonly #commands = new LabCommandLimit();
  /** The latest changes, for pages that are opened later. */
  readonly #changes: StateChange[] = [];
  readonly #pages = new Set<PageClient>();
  /** Undefined once a state has changed: only then do peers report other addresses. */
  #localAddresses: LocalAddress[] | undefined;
  #crawl: (() => CrawlReport) | undefined;
  #nameless = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly sessions: ReadonlyMap<string, Transcript>,
    private readonly behind: number,
    private readonly lab?: Lab,
  ) {}

  /** The number of open pages. */
  get size(): number {
    return this.#pages.size;
  }

  /** Shows a node whose actors are inspected. */
  observe(node: InspectedNode, options: ObserveOptions = {}): void {
    const { name = this.#freeName(), now = () => performance.now(), held = () => false } = options;
    const message = ({ id, direction, command, payload }: NodeEvents['message'][0]): void =>
      this.#record(keyOf(known, id), (recorder) => recorder.recordMessage(direction, command, payload));
    const dropped = ({ id, code, command }: NodeEvents['dropped'][0]): void =>
      this.#record(keyOf(known, id), (recorder) => recorder.recordDropped(code, command));
    const listen = (change: 'on' | 'off'): void => {
      node[change]('message', message);
      node[change]('dropped', dropped);
    };
    const known: Node = { peers: node.peers, name, now, held, recorded: new Set(), listen };
    this.#nodes.set(node.supervisor.sessionId, known);
    node.on('ended', (last) => this.#end(keyOf(known, last.id), last));
    node.on('fallback', (last) => this.#end(keyOf(known, last.id), last));
  }

  /** Shows a crawl. Its report is read only while a page is open. */
  observeCrawl(read: () => CrawlReport): void {
    this.#crawl = read;
  }

  #record(key: string, record: (recorder: TranscriptRecorder) => void): void {
    const peer = this.#peers.get(key);
    if (!peer) return;
    record(peer.recorder);
    if (peer.recorder.isFull) this.#stopRecording(peer);
  }

  /** The first node without a name has an empty one; the others have a number. */
  #freeName(): string {
    this.#nameless += 1;
    return this.#nameless === 1 ? '' : String(this.#nameless);
  }

  /** Handles a change of an actor: an event or a new snapshot. */
  record({ kind, entry, event }: Change): void {
    const peerMachine = this.#peerMachineOf(entry);
    if (!peerMachine) return this.#recordActor(entry, kind);
    if (kind === 'event') peerMachine.peer.recorder.begin(peerMachine.machine, event);
    else this.#onSnapshot(peerMachine, entry, event);
  }

  /** Records the state of an actor that does not belong to a connection. */
  #recordActor(entry: Entry, kind: Change['kind']): void {
    const node = this.#nodes.get(entry.rootId);
    if (node && kind === 'snapshot') this.#actors.update(node.name, entry);
  }

  /** Records a transition of a machine, or an ignored event, whose description is the reason in machines/ignored.ts. */
  recordTransition(entry: Entry, inspected: InspectionEvent & { type: '@xstate.microstep' }): void {
    const peerMachine = this.#peerMachineOf(entry);
    if (!peerMachine) return;
    const { machine, peer } = peerMachine;
    const state = machine === 'peer' ? peer.state : peer.exchange;
    const { event, _transitions } = inspected;
    const ignored = _transitions.length === 0 ? ignoredReason(machine, state, event.type) : undefined;
    if (ignored !== undefined)
      peer.recorder.recordTransition(machine, state, {
        eventType: event.type,
        description: ignored,
        actions: [],
      });
    for (const taken of _transitions)
      peer.recorder.recordTransition(machine, state, taken as TakenTransition);
  }

  join(socket: WebSocket): void {
    const page = new PageClient(socket, this.behind, (request) => this.#onRequest(page, request));
    this.#pages.add(page);
    socket.on('close', () => this.#remove(page));
    // After an error, such as a frame that is too long or a reset, `close` is emitted.
    socket.on('error', () => undefined);
    page.begin(this.#startMessage(), this.#peers.keys(), this.#changes);
    this.#timer ??= setInterval(() => this.#tick(), TICK).unref();
  }

  close(): void {
    for (const page of this.#pages) page.disconnect();
    this.lab?.close();
  }

  #remove(page: PageClient): void {
    this.#pages.delete(page);
    this.#unwatch(page.selected);
    if (this.#pages.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #startMessage(): FeedStart {
    const reasons = Object.fromEntries(
      Object.entries(REASONS).map(([code, { says, hint, blame }]) => [code, { says, hint, blame }]),
    );
    const machines = MACHINES.map(({ name }) => name);
    return {
      reasons,
      machines,
      sessions: [...this.sessions.keys()],
      ...(this.lab && { lab: this.lab.menu }),
    };
  }

  /** The peer of an actor, looked up once per actor. */
  #peerMachineOf(entry: Entry): PeerMachine | undefined {
    const known = this.#peerMachines.get(entry);
    if (known !== undefined) return known ?? undefined;
    const machine = machineOf(entry);
    const node = machine && this.#nodes.get(entry.rootId);
    const peer = node && this.#peerOf(node, entry);
    const peerMachine = machine && peer ? { machine, peer } : null;
    this.#peerMachines.set(entry, peerMachine);
    return peerMachine ?? undefined;
  }

  #peerOf(node: Node, { name, snapshot }: Entry): ObservedPeer | undefined {
    const id = Number(name.slice(name.indexOf('.') + 1));
    const key = keyOf(node, id);
    return this.#peers.get(key) ?? this.#addPeer(node, id, key, (snapshot.context ?? {}) as Context);
  }

  /** Undefined when the actor is not that of a peer, or there are too many. A key exchange starts after its peer, which then exists. */
  #addPeer(node: Node, id: number, key: string, context: Context): ObservedPeer | undefined {
    const { connection_type, rules } = context;
    if (!connection_type || this.#peers.size - this.#ended.length >= LIVE_ROWS) return undefined;
    if (rules && !node.deadlines) this.#setDeadlines(node, rules);
    const inbound = connection_type === 'inbound';
    const recorder = new TranscriptRecorder(key, inbound, Date.now(), node.now);
    const peer: ObservedPeer = { node, id, key, recorder, state: 'connecting', exchange: 'opening' };
    this.#peers.set(key, peer);
    this.#startRecording(peer);
    this.#markRow(peer, true);
    return peer;
  }

  #setDeadlines(node: Node, { connectTimeout, handshakeTimeout }: Deadlines): void {
    node.deadlines = { connectTimeout, handshakeTimeout };
    this.#actors.version += 1;
  }

  /** Starts recording the messages of a peer. */
  #startRecording(peer: ObservedPeer): void {
    const { recorded, listen } = peer.node;
    if (peer.last !== undefined) return;
    if (recorded.size === 0) listen('on');
    recorded.add(peer);
  }

  /** Stops recording them, if the transcript is full or the peer has ended. */
  #stopRecording(peer: ObservedPeer): void {
    const { recorded, listen } = peer.node;
    if (peer.last === undefined && !peer.recorder.isFull) return;
    if (recorded.delete(peer) && recorded.size === 0) listen('off');
  }

  /** Handles a snapshot; skips one without changes, since visible rows are refreshed regularly. */
  #onSnapshot({ peer, machine }: PeerMachine, entry: Entry, event: AnyEventObject): void {
    const context = (entry.snapshot.context ?? {}) as Context;
    const to = leafOf(entry);
    const from = machine === 'peer' ? peer.state : peer.exchange;
    if (to === from && context === peer.context) return;
    if (event.type === 'wire.pong' && context.pingtime >= 0) {
      peer.recorder.recordPong(context.pingtime);
      this.#stopRecording(peer);
    }
    if (machine === 'peer') peer.context = context;
    if (to !== from) this.#onStateChange(peer, { machine, from, to }, context, event);
    this.#markRow(peer, to !== from);
  }

  #onStateChange(peer: ObservedPeer, step: Step, context: Context, event: AnyEventObject): void {
    const { machine, from, to } = step;
    this.#localAddresses = undefined;
    if (machine === 'peer') peer.state = to;
    else peer.exchange = to;
    const transition = peer.recorder.recordTarget(machine, from, to, context.reason ?? undefined);
    if (to === 'established') this.#counts.established(context.establishedat - context.openedat);
    const { key } = peer;
    const [description, code] = [transition?.description ?? '', context.reason?.code ?? ''];
    const change: StateChange = {
      at: Date.now(),
      key,
      ...step,
      event: eventOf(event.type),
      description,
      code,
    };
    this.#changes.push(change);
    if (this.#changes.length > CHANGES) this.#changes.shift();
    for (const page of this.#pages) page.addChange(change);
  }

  #markRow({ key }: ObservedPeer, atOnce: boolean): void {
    for (const page of this.#pages) page.markRow(key, atOnce);
  }

  #end(key: string, last: PeerInfo): void {
    const peer = this.#peers.get(key);
    if (peer?.last !== undefined || !peer) return;
    this.#localAddresses = undefined;
    Object.assign(peer, { last, endedat: Date.now() });
    this.#stopRecording(peer);
    if (last.lastreason) this.#counts.ended(last.lastreason.code);
    this.#ended.push(peer);
    this.#markRow(peer, true);
    const oldest = this.#ended.length > ENDED_ROWS ? this.#ended.shift() : undefined;
    if (oldest) this.#removePeer(oldest.key);
    this.#ended.at(-ENDED_TRANSCRIPTS - 1)?.recorder.clear();
  }

  #removePeer(key: string): void {
    this.#peers.delete(key);
    for (const page of this.#pages) page.removeRow(key);
  }

  #onRequest(page: PageClient, request: Request): void {
    if ('visible' in request) page.visible = new Set(request.visible);
    else if ('select' in request) this.#select(page, request.select);
    else this.#command(request.token, request.lab);
  }

  #select(page: PageClient, key: string): void {
    const before = page.selected;
    page.select(key);
    this.#unwatch(before);
    const peer = this.#peers.get(key);
    if (!peer) return;
    peer.recorder.watched = true;
    this.#startRecording(peer);
  }

  /** Ends the complete recording of a peer when no page shows its transcript any more. */
  #unwatch(key: string): void {
    const peer = this.#peers.get(key);
    if (!peer || [...this.#pages].some((page) => page.selected === key)) return;
    peer.recorder.watched = false;
    this.#stopRecording(peer);
  }

  #command(token: string, command: LabCommand): void {
    const { lab } = this;
    if (lab?.menu.token !== token) return;
    if (this.#commands.count()) lab.execute(command);
    else lab.reject(`more than ${LAB_COMMANDS} commands per second`);
    for (const peer of this.#peers.values()) if (peer.node.name !== '') this.#markRow(peer, true);
    this.#tick();
  }

  #tick(): void {
    const source = this.#source(Date.now());
    for (const page of this.#pages) page.tick(source);
  }

  #source(at: number): UpdateSource {
    const [counts, actors] = [this.#counts, this.#actors];
    return {
      at,
      rowOf: (key) => this.#rowOf(key, at),
      transcriptOf: (key, from) => this.#transcriptOf(key, from),
      outcomeCounts: { version: counts.version, read: () => counts.read() },
      actors: {
        version: actors.version,
        read: () => ({ rows: actors.list(), deadlines: this.#deadlines() }),
      },
      localAddresses: () => (this.#localAddresses ??= this.#readLocalAddresses()),
      lab: () => this.lab?.report(),
      crawl: () => this.#crawl?.(),
    };
  }

  /** The addresses of the node without a name; the others are nodes of the lab. */
  #readLocalAddresses(): LocalAddress[] {
    const first = [...this.#nodes.values()].find(({ name }) => name === '');
    return localAddresses(first?.peers.list() ?? []).map(({ address, score }) => ({ address, score }));
  }

  /** The deadlines by the name of the node. */
  #deadlines(): Record<string, Deadlines> {
    const known = [...this.#nodes.values()].flatMap(({ name, deadlines }) =>
      deadlines ? [[name, deadlines] as const] : [],
    );
    return Object.fromEntries(known);
  }

  #rowOf(key: string, at: number): Row | undefined {
    const observed = this.#peers.get(key);
    if (!observed) return undefined;
    const { node, id, last, endedat } = observed;
    const peer = last ?? node.peers.get(id);
    return peer && rowOf(peer, { key, at: endedat ?? at, held: !last && node.held() });
  }

  #transcriptOf(key: string, from: number): Transcript | undefined {
    const peer = this.#peers.get(key);
    return peer?.recorder.read({ ...(peer.last ?? peer.node.peers.get(peer.id)) }, from);
  }
}

type Step = Pick<StateChange, 'machine' | 'from' | 'to'>;

/** The members of the contexts of both machines that are read. */
interface Context {
  readonly connection_type?: string;
  readonly rules?: Deadlines;
  readonly reason: Reason | null;
  readonly pingtime: number;
  readonly openedat: number;
  readonly establishedat: number;
}

const keyOf = ({ name }: Node, id: number): string => (name === '' ? String(id) : `${name}.${id}`);

const machineOf = ({ name }: Entry): MachineName | undefined =>
  name.startsWith('peer.') ? 'peer' : name.startsWith('transport.') ? 'transport' : undefined;
