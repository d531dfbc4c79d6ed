/**
 * The feed of the page at `/`: what it shows of the followed nodes, coalesced per peer and told at most ten times a
 * second. While no page looks, only the stories and the counts go on.
 */
import type { WebSocket } from 'ws';
import type { AnyEventObject, InspectionEvent } from 'xstate';
import { ignoredReason } from '../../machines/index.js';
import type { NodeEvents } from '../node/events.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { REASONS, type Reason } from '../reasons.js';
import type { ObservedNode, ObserveOptions } from './observed-node.js';
import type { Lab } from './lab.js';
import type { Change, Entry } from './actor-registry.js';
import type {
  FeedStart,
  LabCommand,
  MachineName,
  StateChange,
  Request,
  Row,
  Transcript,
} from './page/feed-messages.js';
import { MOVES, PageClient, TICK } from './page-client.js';
import { rowOf } from './peer-row.js';
import { eventOf, TranscriptRecorder, type TakenTransition } from './transcript.js';
import { Counts } from './outcome-counts.js';

/** Rows of ended peers that are kept, as many as the tracker keeps; and their stories. */
export const ENDED_ROWS = 1_000;
export const ENDED_STORIES = 300;
/** Live peers that are followed; those beyond are not shown. */
export const LIVE_ROWS = 10_000;

interface Node extends Required<ObserveOptions> {
  readonly peers: ObservedNode['peers'];
  /** Peers whose messages are kept now. While there are none, the node tells of no message: each costs it time. */
  readonly heard: Set<Subject>;
  readonly listen: () => void;
  readonly rest: () => void;
}

/** A peer that was seen: live until `last` is set. */
interface Subject {
  readonly node: Node;
  readonly id: number;
  readonly key: string;
  readonly line: TranscriptRecorder;
  state: string;
  exchange: string;
  context?: object;
  last?: PeerInfo;
  endedat?: number;
}

/** One machine of a peer. */
interface Part {
  readonly lane: MachineName;
  readonly subject: Subject;
}

export class PageFeed {
  readonly #nodes = new Map<string, Node>();
  readonly #subjects = new Map<string, Subject>();
  /** Null for actors that are no peer's. */
  readonly #parts = new WeakMap<Entry, Part | null>();
  readonly #ended: Subject[] = [];
  readonly #counts = new Counts();
  /** The latest, for a page that is opened late. */
  readonly #moves: StateChange[] = [];
  readonly #pages = new Set<PageClient>();
  #nameless = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly sessions: ReadonlyMap<string, Transcript>,
    private readonly behind: number,
    private readonly lab?: Lab,
  ) {}

  /** Pages that look. */
  get size(): number {
    return this.#pages.size;
  }

  /** Takes up a node whose actors are inspected. */
  follow(node: ObservedNode, options: ObserveOptions = {}): void {
    const { name = this.#freeName(), now = () => performance.now(), held = () => false } = options;
    const cross = ({ id, direction, command, payload }: NodeEvents['message'][0]): void => {
      const subject = this.#subjects.get(keyOf(known, id));
      subject?.line.crossed(direction, command, payload);
      if (subject?.line.isFull) this.#settle(subject);
    };
    const [listen, rest] = [() => void node.on('message', cross), () => void node.off('message', cross)];
    const known: Node = { peers: node.peers, name, now, held, heard: new Set(), listen, rest };
    this.#nodes.set(node.supervisor.sessionId, known);
    node.on('ended', (last) => this.#end(keyOf(known, last.id), last));
    node.on('fallback', (last) => this.#end(keyOf(known, last.id), last));
  }

  /** Ids count up from 1 at every node: behind the first one without a name, a number tells them apart. */
  #freeName(): string {
    this.#nameless += 1;
    return this.#nameless === 1 ? '' : String(this.#nameless);
  }

  /** An event goes to an actor, or an actor has come out of one. */
  take({ kind, entry, event }: Change): void {
    const part = this.#partOf(entry);
    if (!part) return;
    if (kind === 'event') part.subject.line.begin(part.lane);
    else this.#moved(part, entry, event);
  }

  /** A machine took a transition, or ignored an event: then the reason is that of machines/ignored.ts. */
  decided(entry: Entry, inspected: InspectionEvent & { type: '@xstate.microstep' }): void {
    const part = this.#partOf(entry);
    if (!part) return;
    const { lane, subject } = part;
    const state = lane === 'peer' ? subject.state : subject.exchange;
    const { event, _transitions } = inspected;
    const ignored = _transitions.length === 0 ? ignoredReason(lane, state, event.type) : undefined;
    if (ignored !== undefined)
      subject.line.decided(lane, state, { eventType: event.type, description: ignored, actions: [] });
    for (const taken of _transitions) subject.line.decided(lane, state, taken as TakenTransition);
  }

  join(socket: WebSocket): void {
    const page = new PageClient(socket, this.behind, (request) => this.#hear(page, request));
    this.#pages.add(page);
    socket.on('close', () => this.#leave(page));
    // A frame that is too long, a reset: the close that follows says enough.
    socket.on('error', () => undefined);
    page.greet(this.#hello(), this.#subjects.keys(), this.#moves);
    this.#timer ??= setInterval(() => this.#tick(), TICK).unref();
  }

  close(): void {
    for (const page of this.#pages) page.drop();
    this.lab?.close();
  }

  #leave(page: PageClient): void {
    this.#pages.delete(page);
    this.#unwatch(page.chosen);
    if (this.#pages.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #hello(): FeedStart {
    const reasons = Object.fromEntries(
      Object.entries(REASONS).map(([code, { says, hint, blame }]) => [code, { says, hint, blame }]),
    );
    return { reasons, sessions: [...this.sessions.keys()], ...(this.lab && { lab: this.lab.menu }) };
  }

  /** Whose machine an actor is: looked up once in its life. */
  #partOf(entry: Entry): Part | undefined {
    const known = this.#parts.get(entry);
    if (known !== undefined) return known ?? undefined;
    const lane = laneOf(entry);
    const node = lane && this.#nodes.get(entry.rootId);
    const subject = node && this.#subjectOf(node, entry);
    const part = lane && subject ? { lane, subject } : null;
    this.#parts.set(entry, part);
    return part ?? undefined;
  }

  #subjectOf(node: Node, { name, snapshot }: Entry): Subject | undefined {
    const id = Number(name.slice(name.indexOf('.') + 1));
    const key = keyOf(node, id);
    return this.#subjects.get(key) ?? this.#born(node, id, key, (snapshot.context ?? {}) as Context);
  }

  /** A key exchange is heard of after its peer. */
  #born(node: Node, id: number, key: string, { connection_type }: Context): Subject | undefined {
    if (!connection_type || this.#subjects.size - this.#ended.length >= LIVE_ROWS) return undefined;
    const inbound = connection_type === 'inbound';
    const line = new TranscriptRecorder(key, inbound, Date.now(), node.now);
    const subject: Subject = { node, id, key, line, state: 'connecting', exchange: 'opening' };
    this.#subjects.set(key, subject);
    this.#hearOf(subject);
    this.#changed(subject, true);
    return subject;
  }

  /** From now on its messages are kept. */
  #hearOf(subject: Subject): void {
    const { heard, listen } = subject.node;
    if (subject.last !== undefined) return;
    if (heard.size === 0) listen();
    heard.add(subject);
  }

  /** They are kept no longer, once its story is full or over. */
  #settle(subject: Subject): void {
    const { heard, rest } = subject.node;
    if (subject.last === undefined && !subject.line.isFull) return;
    if (heard.delete(subject) && heard.size === 0) rest();
  }

  /** What changes nothing but byte counts is not told of: rows in sight are told anew all the time. */
  #moved({ subject, lane }: Part, entry: Entry, event: AnyEventObject): void {
    const context = (entry.snapshot.context ?? {}) as Context;
    const to = leafOf(entry);
    const from = lane === 'peer' ? subject.state : subject.exchange;
    if (to === from && context === subject.context) return;
    if (event.type === 'wire.pong' && context.pingtime >= 0) {
      subject.line.ponged(context.pingtime);
      this.#settle(subject);
    }
    if (lane === 'peer') subject.context = context;
    if (to !== from) this.#stepped(subject, { lane, from, to }, context, event);
    this.#changed(subject, to !== from);
  }

  #stepped(subject: Subject, way: Way, context: Context, event: AnyEventObject): void {
    const { lane, from, to } = way;
    if (lane === 'peer') subject.state = to;
    else subject.exchange = to;
    const cell = subject.line.moved(lane, from, to, context.reason ?? undefined);
    if (to === 'established') this.#counts.established(context.establishedat - context.openedat);
    const { key } = subject;
    const [says, code] = [cell?.says ?? '', context.reason?.code ?? ''];
    const move: StateChange = { at: Date.now(), key, ...way, event: eventOf(event.type), says, code };
    this.#moves.push(move);
    if (this.#moves.length > MOVES) this.#moves.shift();
    for (const page of this.#pages) page.move(move);
  }

  #changed({ key }: Subject, atOnce: boolean): void {
    for (const page of this.#pages) page.mark(key, atOnce);
  }

  #end(key: string, last: PeerInfo): void {
    const subject = this.#subjects.get(key);
    if (subject?.last !== undefined || !subject) return;
    Object.assign(subject, { last, endedat: Date.now() });
    this.#settle(subject);
    if (last.lastreason) this.#counts.ended(last.lastreason.code);
    this.#ended.push(subject);
    this.#changed(subject, true);
    const oldest = this.#ended.length > ENDED_ROWS ? this.#ended.shift() : undefined;
    if (oldest) this.#forget(oldest.key);
    this.#ended.at(-ENDED_STORIES - 1)?.line.forget();
  }

  #forget(key: string): void {
    this.#subjects.delete(key);
    for (const page of this.#pages) page.forget(key);
  }

  #hear(page: PageClient, request: Request): void {
    if ('view' in request) page.view = new Set(request.view);
    else if ('choose' in request) this.#choose(page, request.choose);
    else this.#command(request.token, request.lab);
  }

  #choose(page: PageClient, key: string): void {
    const before = page.chosen;
    page.choose(key);
    this.#unwatch(before);
    const subject = this.#subjects.get(key);
    if (!subject) return;
    subject.line.watched = true;
    this.#hearOf(subject);
  }

  /** Its story grows no more once the last page looks away. */
  #unwatch(key: string): void {
    const subject = this.#subjects.get(key);
    if (!subject || [...this.#pages].some((page) => page.chosen === key)) return;
    subject.line.watched = false;
    this.#settle(subject);
  }

  #command(token: string, command: LabCommand): void {
    const { lab } = this;
    if (lab?.menu.token !== token) return;
    lab.obey(command);
    for (const subject of this.#subjects.values()) if (subject.node.name !== '') this.#changed(subject, true);
    this.#tick();
  }

  #tick(): void {
    const at = Date.now();
    const tally = this.#counts;
    for (const page of this.#pages) {
      page.tick({
        at,
        rowOf: (key) => this.#rowOf(key, at),
        storyOf: (key, from) => this.#storyOf(key, from),
        tally: { version: tally.version, tell: () => tally.tell() },
        lab: () => this.lab?.report(),
      });
    }
  }

  #rowOf(key: string, at: number): Row | undefined {
    const subject = this.#subjects.get(key);
    if (!subject) return undefined;
    const { node, id, last, endedat } = subject;
    const peer = last ?? node.peers.get(id);
    return peer && rowOf(peer, { key, at: endedat ?? at, held: !last && node.held() });
  }

  #storyOf(key: string, from: number): Transcript | undefined {
    const subject = this.#subjects.get(key);
    if (!subject) return undefined;
    return subject.line.tell({ ...(subject.last ?? subject.node.peers.get(subject.id)) }, from);
  }
}

type Way = Pick<StateChange, 'lane' | 'from' | 'to'>;

/** What is read of either machine's context. */
interface Context {
  readonly connection_type?: string;
  readonly reason: Reason | null;
  readonly pingtime: number;
  readonly openedat: number;
  readonly establishedat: number;
}

const keyOf = ({ name }: Node, id: number): string => (name === '' ? String(id) : `${name}.${id}`);

const laneOf = ({ name }: Entry): MachineName | undefined =>
  name.startsWith('peer.') ? 'peer' : name.startsWith('transport.') ? 'transport' : undefined;

function leafOf({ snapshot }: Entry): string {
  const { value, status } = snapshot;
  if (status === 'error' || status === 'stopped') return status;
  return typeof value === 'object' && value !== null ? String(Object.values(value)[0]) : String(value);
}
