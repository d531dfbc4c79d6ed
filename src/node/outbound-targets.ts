/**
 * The outbound targets of a node, as one actor below the supervisor. It stores the targets in a plain map, for the
 * reason given in peer-pool.ts, and connects each target with its connection.
 */
import type { ActorLogic, AnyActorRef, AnyEventObject, Snapshot } from 'xstate';
import type {
  ConnectionType,
  OutboundConnectionType,
  OutboundContext,
  RefusalCode,
  SlotType,
  SupervisorEvent,
} from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import { formatEndpoint } from '../net/endpoint.js';
import { drawFraction, type Env } from '../net/environment.js';
import type { Endpoint } from '../net/link.js';
import type { Netgroups } from '../net/netgroup.js';
import type { Reason } from '../reasons.js';
import { withChainHint } from './chain-hint.js';
import { endpointOf, OutboundTarget, type TargetOwner } from './outbound-target.js';
import { outboundGroup, takenGroups } from './outbound-netgroups.js';
import type { PeerPool } from './peer-pool.js';
import type { PeerInfo } from './peerinfo.js';
import { ReleasingMap } from './releasing-map.js';
import type { EndedPeer } from './tracker.js';

/** What to dial: a name, looked up for every round, or the addresses of one host. */
export type Destination =
  | { readonly name: string; readonly port: number }
  | { readonly addresses: readonly [Endpoint, ...Endpoint[]] };

export interface CreateTarget {
  readonly destination: Destination;
  readonly connection_type: OutboundConnectionType;
  readonly persistent: boolean;
  readonly v2: boolean;
  readonly automatic: boolean;
}

export interface TargetsListener {
  ended(last: PeerInfo): void;
  fallback(last: PeerInfo): void;
  retry(target: OutboundTarget, context: OutboundContext): void;
  abandoned(target: OutboundTarget, reason: Reason): void;
  /** A connection to that address is about to be opened. */
  dialled(remote: Endpoint): void;
}

export interface TargetsOptions {
  readonly env: Env;
  readonly compiled: boolean;
  readonly v2only: boolean;
  readonly pool: PeerPool;
  readonly netgroups: Netgroups;
  /** Sends an event to the supervisor. */
  readonly supervise: (event: SupervisorEvent) => void;
}

type TargetsLogic = ActorLogic<Snapshot<undefined>, AnyEventObject>;

export class OutboundTargets implements TargetOwner {
  readonly env: Env;
  readonly compiled: boolean;
  readonly #targets = new ReleasingMap<number, OutboundTarget>();
  /** Ids of targets; the key is the id of the open connection. */
  readonly #byConnection = new Map<number, number>();
  #parent: AnyActorRef | undefined;
  #lastid = 0;

  constructor(
    private readonly options: TargetsOptions,
    private readonly listener: TargetsListener,
  ) {
    this.env = options.env;
    this.compiled = options.compiled;
  }

  /** The actor that the supervisor invokes: the parent of the outbound actors. */
  readonly logic: TargetsLogic = {
    getInitialSnapshot: (scope) => {
      this.#parent = scope.self;
      return { status: 'active', output: undefined, error: undefined };
    },
    transition: (snapshot, event) => {
      this.#receive(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };

  /** Number of targets that wait for their next round of dials. */
  get backingOff(): number {
    return [...this.#targets.values()].filter(({ isBackingOff }) => isBackingOff).length;
  }

  /** Creates a target; {@link OutboundTarget.dial} starts its first round. */
  create({ destination, automatic, ...rules }: CreateTarget): OutboundTarget {
    const isName = 'name' in destination;
    const name = isName ? destination.name : '';
    const addresses = isName ? [] : destination.addresses.map(formatEndpoint);
    const port = isName ? destination.port : 0;
    const addr = isName ? formatEndpoint({ host: name, port }) : (addresses[0] ?? '');
    const id = ++this.#lastid;
    const input = { id, name, addresses, v2only: this.options.v2only, ...rules };
    const parent = this.#parent;
    const target = new OutboundTarget({ input, port, addr, automatic, ...(parent && { parent }) }, this);
    this.#targets.add(id, target);
    return target;
  }

  /** The supervisor's answer to `slot.requested`: granted without a code. */
  answerSlot(id: number, code?: RefusalCode): void {
    const target = this.#targets.get(id);
    if (target) target.answerSlot(code);
    // It was closed while its request waited: the slot is not used.
    else if (!code) this.options.supervise({ type: 'peer.ended', id: 0, inbound: false });
  }

  /** Closes every target and its connection. */
  drain(): void {
    for (const target of [...this.#targets.values()]) target.close();
  }

  /** The target of a connection; undefined for an inbound one. */
  of(connection: Connection): OutboundTarget | undefined {
    const id = this.#byConnection.get(connection.id);
    return id === undefined ? undefined : this.#targets.get(id);
  }

  established(connection: Connection): void {
    const target = this.of(connection);
    if (!target) return;
    target.established();
    if (isFillingSlot(target)) this.options.supervise({ type: 'target.established' });
  }

  /** A connection has ended. Returns true when it belonged to a target: the target reports the end then. */
  connectionEnded(connection: Connection, ended: EndedPeer): boolean {
    const target = this.of(connection);
    this.#byConnection.delete(connection.id);
    target?.connectionEnded(connection, ended);
    return target !== undefined;
  }

  requestSlot(target: OutboundTarget, addr: string): void {
    this.options.supervise({
      type: 'slot.requested',
      ticket: target.id,
      known: this.options.pool.isKnown(addr),
      grouped: isFillingSlot(target) && this.#isGroupTaken(target, endpointOf(addr).host),
    });
  }

  /** Whether a connection exists in the same network group, or another target waits for a slot in it: several are created at once. */
  #isGroupTaken(target: OutboundTarget, host: string): boolean {
    const { pool, netgroups } = this.options;
    const group = outboundGroup(host, netgroups);
    if (group === undefined) return false;
    const waiting = [...this.#targets.values()].flatMap((other) => (other === target ? [] : other.requested));
    return takenGroups([...pool.outbound(), ...waiting], netgroups).has(group);
  }

  connect(target: OutboundTarget, addr: string, v2: boolean): void {
    const { connection_type } = target.options.input;
    const remote = endpointOf(addr);
    this.listener.dialled(remote);
    this.options.pool.spawn({ remote, connection_type, v2 }, (connection) => {
      this.#byConnection.set(connection.id, target.id);
      target.connected(connection);
    });
  }

  ended(last: PeerInfo): void {
    this.listener.ended(withChainHint(last, this.options.pool.chain));
  }

  fallback(last: PeerInfo): void {
    this.listener.fallback(last);
  }

  retry(target: OutboundTarget, context: OutboundContext): void {
    this.listener.retry(target, context);
  }

  abandoned(target: OutboundTarget, reason: Reason): void {
    this.listener.abandoned(target, reason);
  }

  /** Handles `xstate.done.actor.outbound.7` and `xstate.error.actor.outbound.7`: both end the target. */
  #receive(event: AnyEventObject): void {
    const target = this.#targets.get(Number(String(event.actorId).split('.')[1]));
    if (target) this.over(target);
  }

  over(target: OutboundTarget): void {
    this.#targets.delete(target.id);
    target.onOver?.();
    if (!target.options.automatic) return;
    const { wasEstablished: established } = target;
    const { connection_type } = target.options.input;
    if (!isSlotType(connection_type)) return this.options.supervise({ type: 'feeler.ended' });
    const draw = drawFraction(this.env);
    this.options.supervise({ type: 'target.ended', connection_type, established, draw });
  }
}

const isSlotType = (type: ConnectionType): type is SlotType =>
  type === 'outbound-full-relay' || type === 'block-relay-only';

/** Whether the target was created to fill a slot of the supervisor. A feeler fills none. */
const isFillingSlot = ({ options: { automatic, input } }: OutboundTarget): boolean =>
  automatic && isSlotType(input.connection_type);
