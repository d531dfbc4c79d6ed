/**
 * One target of outbound connections: runs an outbound machine and executes its effects. All decisions are in
 * machines/outbound.machine.ts.
 */
import { type ActorRefFrom, type AnyActorRef, createActor } from 'xstate';
import {
  copyOutboundContext,
  currentAddress,
  MAX_ADDRESSES,
  type OutboundContext,
  type OutboundInput,
  outboundMachine,
  type RefusalCode,
  usesV2,
} from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import { formatEndpoint, parseEndpoint } from '../net/endpoint.js';
import { drawFraction, type Env } from '../net/environment.js';
import type { Endpoint } from '../net/link.js';
import { isLinkCode, type Reason } from '../reasons.js';
import { compile } from '../xstate/compile.js';
import { handlersOf, withHandlers } from '../xstate/effect-handlers.js';
import { isInspected } from '../xstate/inspection.js';
import { Stepper } from '../xstate/stepper.js';
import type { Peer } from './peer.js';
import type { PeerInfo } from './peerinfo.js';
import type { EndedPeer } from './tracker.js';

/** What a target needs from the node. */
export interface TargetOwner {
  readonly env: Env;
  readonly compiled: boolean;
  /** Asks the supervisor for an outbound slot; the owner passes the answer to {@link OutboundTarget.answerSlot}. */
  requestSlot(target: OutboundTarget, addr: string): void;
  /** Opens a connection; the owner calls {@link OutboundTarget.connected} and later {@link OutboundTarget.connectionEnded}. */
  connect(target: OutboundTarget, addr: string, v2: boolean): void;
  ended(last: PeerInfo): void;
  fallback(last: PeerInfo): void;
  retry(target: OutboundTarget, context: OutboundContext): void;
  abandoned(target: OutboundTarget, reason: Reason): void;
  /** Its machine has ended. Not called where that is an actor: the parent is notified of its end. */
  over(target: OutboundTarget): void;
}

export interface TargetOptions {
  readonly input: OutboundInput;
  /** For a name: the port of its addresses. */
  readonly port: number;
  /** The text form of the destination: the name or the first address, with its port. */
  readonly addr: string;
  /** True for a target that the node created by itself, false for one that was passed to `dial`. */
  readonly automatic: boolean;
  readonly parent?: AnyActorRef;
}

/** The effects of the outbound machine. */
interface OutboundEffects {
  lookUp(context: OutboundContext): void;
  cancelLookUp(): void;
  requestSlot(context: OutboundContext): void;
  connect(context: OutboundContext): void;
  disconnect(): void;
  reportEnd(context: OutboundContext): void;
  reportFallback(): void;
  reportRetry(context: OutboundContext): void;
  reportAbandoned(context: OutboundContext): void;
  settle(context: OutboundContext, isOver: boolean): void;
}

const interpreted = outboundMachine.provide({
  actions: {
    'effect.lookUp': ({ self, context }) => handlersOf<OutboundEffects>(self).lookUp(context),
    'effect.cancelLookUp': ({ self }) => handlersOf<OutboundEffects>(self).cancelLookUp(),
    'effect.requestSlot': ({ self, context }) => handlersOf<OutboundEffects>(self).requestSlot(context),
    'effect.connect': ({ self, context }) => handlersOf<OutboundEffects>(self).connect(context),
    'effect.disconnect': ({ self }) => handlersOf<OutboundEffects>(self).disconnect(),
    'effect.reportEnd': ({ self, context }) => handlersOf<OutboundEffects>(self).reportEnd(context),
    'effect.reportFallback': ({ self }) => handlersOf<OutboundEffects>(self).reportFallback(),
    'effect.reportRetry': ({ self, context }) => handlersOf<OutboundEffects>(self).reportRetry(context),
    'effect.reportAbandoned': ({ self, context }) =>
      handlersOf<OutboundEffects>(self).reportAbandoned(context),
    'effect.settle': ({ self, context }, { isOver }) =>
      handlersOf<OutboundEffects>(self).settle(context, isOver),
  },
});

let compiled: typeof interpreted | undefined;
const machineOf = (isCompiled: boolean) =>
  isCompiled ? (compiled ??= compile(interpreted, { copy: copyOutboundContext })) : interpreted;

export class OutboundTarget implements OutboundEffects {
  readonly id: number;
  /** What runs the machine: an actor only when somebody inspects. */
  readonly machine: ActorRefFrom<typeof outboundMachine> | Stepper<typeof outboundMachine>;
  /** The handle that `dial` returned; automatic targets have none. */
  peer: Peer | undefined;
  /** The open connection, if there is one. */
  connection: Connection | undefined;
  /** Called once when the machine has ended. */
  onOver: (() => void) | undefined;
  #last: EndedPeer | undefined;
  #cancelLookUp: (() => void) | undefined;

  constructor(
    readonly options: TargetOptions,
    private readonly owner: TargetOwner,
  ) {
    this.id = options.input.id;
    this.machine = this.#start();
  }

  #start() {
    const { input, parent } = this.options;
    const { compiled } = this.owner;
    const logic = withHandlers(machineOf(compiled), this);
    const id = `outbound.${input.id}`;
    if (compiled && parent && !isInspected(parent.system))
      return new Stepper(logic, { id, input, parent, done: () => this.owner.over(this) }).start();
    const actor = createActor(logic, { id, input, ...(parent && { parent }) });
    // The parent is notified of an error too, and acts on it; without this XState would throw it as an uncaught exception.
    actor.subscribe({ error: () => undefined });
    return actor.start();
  }

  get addr(): string {
    return this.options.addr;
  }

  /** Whether a handshake was ever completed. */
  get wasEstablished(): boolean {
    return this.machine.getSnapshot().context.established;
  }

  /** Whether the machine has ended: nothing more will be dialled. */
  get isOver(): boolean {
    return this.machine.getSnapshot().status !== 'active';
  }

  /** Whether the target waits for its next round of dials. */
  get isBackingOff(): boolean {
    return this.machine.getSnapshot().value === 'backingOff';
  }

  /** The connection for which the target waits for a slot; an empty list when it does not wait. */
  get requested(): {
    readonly connection_type: OutboundInput['connection_type'];
    readonly remote: Endpoint;
  }[] {
    const snapshot = this.machine.getSnapshot();
    if (!snapshot.matches({ dialling: 'requestingSlot' })) return [];
    const { context } = snapshot;
    return [{ connection_type: context.connection_type, remote: endpointOf(currentAddress(context)) }];
  }

  dial(): void {
    this.machine.send({ type: 'user.dial' });
  }

  close(): void {
    this.machine.send({ type: 'user.close' });
  }

  /** The supervisor's answer to a request for a slot. `code`: why it was refused; absent when it was granted. */
  answerSlot(code?: RefusalCode): void {
    if (!code) return this.machine.send({ type: 'slot.granted' });
    const reason = { code, facts: { addr: currentAddress(this.machine.getSnapshot().context) } };
    this.machine.send({ type: 'slot.refused', reason, draw: this.#draw() });
  }

  connected(connection: Connection): void {
    this.connection = connection;
    this.peer?.follow(connection.id);
  }

  established(): void {
    this.machine.send({ type: 'peer.established' });
    this.peer?.onEstablished();
  }

  connectionEnded(connection: Connection, ended: EndedPeer): void {
    this.connection = undefined;
    this.#last = ended;
    this.peer?.onDisconnected(ended);
    const { reason } = ended;
    const { establishedat } = connection.context;
    this.machine.send({
      type: 'peer.ended',
      reason,
      unanswered: reason.facts.retry === 'v1' && reason.code !== 'ERR_V2_UNSUPPORTED',
      speaksv1: reason.code === 'ERR_V2_UNSUPPORTED',
      lasted: establishedat < 0 ? 0 : this.owner.env.clock.now() - establishedat,
      draw: this.#draw(),
    });
  }

  // Effects.

  lookUp({ name }: OutboundContext): void {
    this.#cancelLookUp = this.owner.env.lookup(name, {
      found: (hosts) => this.machine.send({ type: 'lookup.done', addresses: this.#addressesOf(hosts) }),
      failed: (reason) => this.machine.send({ type: 'lookup.failed', reason, draw: this.#draw() }),
    });
  }

  cancelLookUp(): void {
    this.#cancelLookUp?.();
    this.#cancelLookUp = undefined;
  }

  requestSlot(context: OutboundContext): void {
    this.owner.requestSlot(this, currentAddress(context));
  }

  connect(context: OutboundContext): void {
    this.owner.connect(this, currentAddress(context), usesV2(context));
  }

  disconnect(): void {
    this.connection?.actor.send({ type: 'user.close' });
  }

  reportEnd(context: OutboundContext): void {
    if (this.#last) this.owner.ended(afterV2(this.#last.info, context));
  }

  reportFallback(): void {
    if (this.#last) this.owner.fallback(this.#last.info);
  }

  reportRetry(context: OutboundContext): void {
    this.owner.retry(this, context);
  }

  reportAbandoned({ reason }: OutboundContext): void {
    if (reason) this.owner.abandoned(this, reason);
  }

  settle(context: OutboundContext, isOver: boolean): void {
    const reason = context.reason ?? { code: 'ERR_LOCAL_CANCELLED', facts: {} };
    this.peer?.onEnded(this.#last && afterV2(this.#last.info, context), reason, isOver);
  }

  #addressesOf(hosts: readonly string[]): string[] {
    const { port } = this.options;
    return hosts.slice(0, MAX_ADDRESSES).map((host) => formatEndpoint({ host, port }));
  }

  #draw(): number {
    return drawFraction(this.owner.env);
  }
}

/**
 * Adds the fact `afterv2` to the end of a v1 connection that followed a failed v2 attempt: some nodes ban a peer that tries
 * v2, and then close its v1 connection at once.
 */
function afterV2(last: PeerInfo, { v1addresses }: OutboundContext): PeerInfo {
  const { lastreason, addr } = last;
  if (!lastreason || !isLinkCode(lastreason.code) || !v1addresses.includes(addr)) return last;
  return { ...last, lastreason: { ...lastreason, facts: { ...lastreason.facts, afterv2: true } } };
}

/** Parses an address in the context of the outbound machine. */
export const endpointOf = (addr: string) => {
  // An I2P peer has port 0.
  const { host, port } = parseEndpoint(addr, 0, { allowZero: true });
  return { host, port };
};
