/** The node under test, as far as the tester can reach it. */
import type { Endpoint, Net } from '../net/index.js';
import type { Dialect, Listener, Need } from './case.js';

/** A request to the node under test to dial us. */
export interface DialRequest {
  readonly at: Endpoint;
  readonly type: string;
  readonly v2: boolean;
}

/** Makes the node under test dial the tester. */
export interface Dialler {
  /** The connection types that it can be asked for. */
  readonly types: readonly string[];
  /** Whether it dials with v1 on request; a v2-capable node tries v2 by itself. */
  readonly choosesV2: boolean;
  /** Milliseconds that an operator or a program may take until the connection is there. */
  readonly patience: number;
  dial(request: DialRequest): Promise<void>;
}

/** The node under test. With an address alone it is whatever listens there; a test that owns the node adds the rest. */
export interface NodeUnderTest {
  readonly net: Net;
  readonly at: Endpoint;
  /** Makes the net from which a case dials; `net` when absent. */
  readonly netOfCase?: () => Net;
  /** Where we listen for it. Default 127.0.0.1. */
  readonly host?: string;
  readonly dialler?: Dialler;
  /** Its clock: frozen at a time, then moved. */
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
  /** It sends its version before it has ours. */
  readonly speaksfirst: boolean;
  readonly listener: Listener;
  readonly dialect: Dialect;
}
