/**
 * Our own peer machine as a Mealy machine, the reference for learning: applies every input of the alphabet in every reachable
 * state, with the same conversion of messages into events and the same machine that a connection uses.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import {
  type ConnectionType,
  CORE_RULES,
  type MessageSequence,
  messagesOf,
  type PeerContext,
  type PeerEvent,
  peerMachine,
  type Rules,
} from '../../machines/index.js';
import { frameOf } from '../conformance/index.js';
import { eventOfMessage, type Identity, type IncomingEvent, V1Transport } from '../connection/index.js';
import { type Chain, knownMagic } from '../index.js';
import { createHandshakeParser, encodeMessage } from '../wire/index.js';
import { type Input, inputsOf, PING_NONCE, type TransportName } from './alphabet.js';
import { type Mealy, minimizedWithNumbers, SILENCE } from './automata/index.js';
import { CLOSE, describeMessage, NO_MESSAGE } from './output.js';

/** The configuration of our node. For a comparison it is that of the other node, as far as that one's `version` shows it. */
export interface ChartOptions {
  readonly chain: Chain;
  readonly connection_type: ConnectionType;
  readonly transport: TransportName;
  /** Whether the listener also accepts v2. */
  readonly v2: boolean;
  readonly version: number;
  /** 16 hex digits. */
  readonly services: string;
  readonly relay: boolean;
  /** A variant of the peer machine, for tests. */
  readonly machine?: typeof peerMachine;
}

/** The behaviour of a node: the output before any input, and the Mealy machine from then on. */
export interface Behaviour {
  readonly greeting: string;
  readonly machine: Mealy;
  /** The name of each state in the chart: `awaitingVersion`, `versionReceived`, `established`, `closed`. Absent for a learned machine. */
  readonly names?: readonly string[];
}

type Snapshot = SnapshotFrom<typeof peerMachine>;

/** A constant time, because no reaction here depends on it. */
const AT = 1;
const NONCE = '00000000000000a1';
const CLOSED = 'closed';

/** Computes the machine: all reachable states, with equivalent ones merged. */
export function chartModel(options: ChartOptions): Behaviour {
  const chart = new Chart(options);
  const inputs = inputsOf(options.transport);
  const [greeting, first] = chart.opened();
  const beginning: Reached = { snapshot: first, isFirst: true };
  const numbers = new Map([[keyOf(beginning), 0]]);
  const reached = [beginning];
  const states = [];
  for (const { snapshot, isFirst } of reached) {
    const transitions = inputs.map((input) =>
      snapshot ? chart.step(snapshot, input, isFirst) : { output: SILENCE, next: undefined },
    );
    states.push(
      transitions.map(({ output, next }) => {
        const after: Reached = { snapshot: next, isFirst: false };
        const key = keyOf(after);
        const target = numbers.get(key) ?? reached.push(after) - 1;
        numbers.set(key, target);
        return { output, target };
      }),
    );
  }
  const { machine, numbers: kept } = minimizedWithNumbers({ inputs: inputs.map(({ name }) => name), states });
  return { greeting, machine, names: machine.states.map((_, state) => nameOf(reached[kept.indexOf(state)])) };
}

/** A state of the chart. Before the first message it also matters that this message decides between v1 and v2. */
interface Reached {
  /** Undefined once the connection is over. */
  readonly snapshot: Snapshot | undefined;
  readonly isFirst: boolean;
}

/** Context that no guard reads; with `features`, which grows, the number of states would be infinite. */
const IRRELEVANT = ['features', 'dropped', 'rules'];

/** A key that is equal for equal states: the state value and the context that guards read. */
function keyOf({ snapshot, isFirst }: Reached): string {
  if (!snapshot) return '';
  const context = Object.entries(snapshot.context).filter(([name]) => !IRRELEVANT.includes(name));
  return JSON.stringify([snapshot.value, context, isFirst]);
}

/** The name of the leaf state in the chart; `closed` once the connection has ended. */
function nameOf(reached: Reached | undefined): string {
  let value: unknown = reached?.snapshot?.value ?? CLOSED;
  while (typeof value === 'object' && value !== null) value = Object.values(value)[0];
  return String(value);
}

interface Step {
  readonly output: string;
  /** Undefined once the connection is over. */
  readonly next: Snapshot | undefined;
}

const over = (output: string): Step => ({ output, next: undefined });

class Chart {
  readonly #machine: typeof peerMachine;
  readonly #rules: Rules;
  readonly #identity: Identity;
  /** What the transport delivers for an input: cached, because it is the same in every state. */
  readonly #received = new Map<Input, readonly IncomingEvent[]>();

  constructor(private readonly options: ChartOptions) {
    const { version, services, relay } = options;
    this.#machine = options.machine ?? peerMachine;
    this.#rules = { ...CORE_RULES, version, relay };
    this.#identity = { version, services, start_height: 0, user_agent: new Uint8Array(0) };
  }

  /** The link is open: the messages that we send first, and the state after them. */
  opened(): [greeting: string, first: Snapshot] {
    const { connection_type } = this.options;
    const input = { id: 1, connection_type, rules: this.#rules };
    const [before] = initialTransition(this.#machine, input);
    const { output, next } = this.#take(before, { type: 'link.open', at: AT, elapsed: 0 });
    return [output, next ?? before];
  }

  step(snapshot: Snapshot, input: Input, isFirst: boolean): Step {
    if (input.close) return over(CLOSE);
    if (isFirst && this.#isTakenForV2(input)) return over(NO_MESSAGE);
    const [event] = this.#eventsOf(input, snapshot.context);
    return event ? this.#take(snapshot, event) : { output: SILENCE, next: snapshot };
  }

  #take(snapshot: Snapshot, event: PeerEvent): Step {
    const [next, actions] = transition(this.#machine, snapshot, event);
    const sent = actions
      .filter(({ type }) => type === 'effect.send')
      .flatMap(({ params }) =>
        messagesOf((params as { sequence: MessageSequence }).sequence, next.context, event),
      )
      .map((message) => this.#describe(message));
    if (next.status === 'active') return { output: sent.join(' '), next };
    return over([...sent, CLOSE].join(' '));
  }

  #describe(message: ReturnType<typeof messagesOf>[number]): string {
    if (message.command !== 'ping' && message.command !== 'pong') return message.command;
    const payload = message.nonce === '' ? new Uint8Array(0) : encodeMessage(message);
    return describeMessage(message.command, payload, PING_NONCE);
  }

  /** A listener that accepts v2 answers with its key unless the first bytes are those of a v1 `version` (BIP324). */
  #isTakenForV2(input: Input): boolean {
    const { chain, transport, v2, connection_type } = this.options;
    if (transport === 'v2' || !v2 || connection_type !== 'inbound' || !input.message) return false;
    const opening = createHandshakeParser({ initiating: false, magic: chain.magic, knownMagic });
    return opening.feed(this.#frame(input)).some(({ kind }) => kind === 'v2');
  }

  #frame({ message = { msg: '' } }: Input): Uint8Array {
    return frameOf(message, { chain: this.options.chain, captured: new Map() });
  }

  #eventsOf(input: Input, context: PeerContext): PeerEvent[] {
    const received = this.#received.get(input) ?? [...this.#read(input)];
    this.#received.set(input, received);
    return received.map((event) => this.#eventOf(event, context)).filter((event) => event !== undefined);
  }

  #read(input: Input): Iterable<IncomingEvent> {
    if (input.message) return new V1Transport(this.options.chain).feed(this.#frame(input));
    return input.packet?.corrupt_tag ? [{ kind: 'broken', code: 'ERR_V2_AUTH', facts: {} }] : [];
  }

  /** As src/connection/incoming-messages.ts does it for a real connection. */
  #eventOf(event: IncomingEvent, context: PeerContext): PeerEvent | undefined {
    if (event.kind === 'broken') return { type: 'wire.broken', code: event.code, facts: event.facts };
    if (event.kind === 'dropped') return { type: 'wire.dropped', code: event.code, command: event.command };
    if (event.kind !== 'frame') return undefined;
    const sources = { at: AT, unix: () => 0, draw: () => NONCE, isDialling: () => false };
    return eventOfMessage(event.command, event.payload, { identity: this.#identity, context, sources });
  }
}
