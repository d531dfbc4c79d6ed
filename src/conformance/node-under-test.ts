/** The node under test, and the means by which the tester can control it. */
import type { Endpoint, Net } from '../net/index.js';
import type { Dialect, Listener, Need } from './case.js';

/** A request to the node under test to dial the tester. */
export interface DialRequest {
  readonly at: Endpoint;
  readonly type: string;
  readonly v2: boolean;
}

/** Makes the node under test dial the tester. */
export interface Dialler {
  /** The connection types that can be requested. */
  readonly types: readonly string[];
  /** Whether the request can select v1; otherwise a v2-capable node always tries v2. */
  readonly choosesV2: boolean;
  /** Milliseconds that an operator or a program may take until the connection is open. */
  readonly patience: number;
  dial(request: DialRequest): Promise<void>;
}

/** The node under test. Only `net` and `at` are required; a test that controls the node gives more. */
export interface NodeUnderTest {
  readonly net: Net;
  readonly at: Endpoint;
  /** Makes the net from which a case dials; `net` when absent. */
  readonly netOfCase?: () => Net;
  /** The address on which the tester listens for it. Default 127.0.0.1. */
  readonly host?: string;
  readonly dialler?: Dialler;
  /** Control of its clock: sets it to a UNIX time, at which it stops; advances it by seconds. */
  readonly clock?: {
    set(unix: number): Promise<void>;
    advance(seconds: number): Promise<void>;
  };
  /** The addresses (`host:port`) of the peers that it has. */
  readonly peers?: () => Promise<readonly string[]>;
  /** Needs that are met by other means. */
  readonly meets?: readonly Need[];
}

/** The properties of the node under test that decide which cases apply. */
export interface NodeInfo {
  readonly version: number;
  readonly subver: string;
  readonly services: readonly string[];
  readonly relay: 0 | 1;
  /** The commands that it sent up to its verack. */
  readonly sends: readonly string[];
  /** Whether it sends its version before it has received one. */
  readonly speaksfirst: boolean;
  readonly listener: Listener;
  readonly dialect: Dialect;
}
