/**
 * The observer of a node: receives each input before it takes effect, and each event before its listeners. A recorder writes
 * them to a file; a replay compares them with a recording.
 */
import type { OutboundConnectionType } from '../../machines/index.js';
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { NodeEvents } from './events.js';

/** The options of a dial as data: those of `DialOptions` without `signal`. */
export interface DialInput {
  readonly connection_type?: OutboundConnectionType;
  readonly persistent?: boolean;
  readonly v2transport?: boolean;
}

/**
 * An input of a node, as JSON-safe data: a call of a method, or an answer of the candidate source (`feeler`: one address or
 * none). Dials are numbered from 1 in the order of the calls; messages are pairs of command and payload in lower-case hex.
 */
export type NodeInput =
  | {
      readonly in: 'dial';
      readonly to: readonly [Endpoint, ...Endpoint[]];
      readonly options: DialInput;
    }
  | { readonly in: 'dialname'; readonly name: string; readonly port: number; readonly options: DialInput }
  | { readonly in: 'candidates'; readonly addresses: readonly SeedAddress[] }
  | { readonly in: 'feeler'; readonly addresses: readonly Endpoint[] }
  | { readonly in: 'closedial'; readonly dial: number }
  | { readonly in: 'listen'; readonly host: string; readonly port: number }
  | { readonly in: 'close'; readonly id: number }
  | { readonly in: 'send'; readonly id: number; readonly messages: readonly (readonly [string, string])[] }
  | { readonly in: 'stop' };

/** The option `observer` of `createNode`. It must not throw: the error would reach the caller of the node. */
export interface NodeObserver {
  /** The node has received an input. Must call `run`, which executes it, and return its result. */
  input<T>(input: NodeInput, run: () => T): T;
  /**
   * The node emits an event. Must call `run`, which calls the listeners, and return its result: whether there were any.
   * `transition`, `established`, `ended` and `pong` are passed to an observer even without listeners.
   */
  emit(event: keyof NodeEvents, payload: object, run: () => boolean): boolean;
}
