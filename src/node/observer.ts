/**
 * The observer of a node: sees each input before it acts and each event before its listeners. A recorder writes them down,
 * a replay compares them with a recording.
 */
import type { ConnectionType } from '../../machines/index.js';
import type { SeedAddress } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { NodeEvents } from './events.js';

/** The options of a dial as data: those of `DialOptions` without `signal`. */
export interface DialInput {
  readonly connection_type?: Exclude<ConnectionType, 'inbound'>;
  readonly persistent?: boolean;
  readonly v2transport?: boolean;
}

/**
 * An input of a node, as JSON-safe data: a call of its owner, or the answer of the source of automatic connections (`feeler`: one address or none). Dials are
 * numbered from 1 in the order of the calls; messages are pairs of command and payload in lower-case hex.
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

/** What `createNode` takes as `observer`. It must not throw: an error would reach the caller of the node. */
export interface NodeObserver {
  /** The node has received an input. `run` executes it; its result is returned. */
  input<T>(input: NodeInput, run: () => T): T;
  /**
   * The node emits an event; `run` calls its listeners, and says whether there were any. `transition`, `established`, `ended`
   * and `pong` are emitted to an observer even without listeners.
   */
  emit(event: keyof NodeEvents, payload: object, run: () => boolean): boolean;
}
