/**
 * Opens a new connection for every word: either we dial the node's listener (on loopback each time from another source address),
 * or the node dials us.
 */
import { isIPv4 } from 'node:net';
import {
  type Clock,
  type Endpoint,
  formatEndpoint,
  isLoopback,
  type Link,
  type Listener,
  type Net,
  tcpNet,
} from '../net/index.js';
import { type Facts, VerackError } from '../index.js';
import { type Dialler, loopbackSources } from '../conformance/index.js';

/** A source of new connections. */
export interface Connections {
  /** Whether we dialled: the initiator of BIP324. */
  readonly initiating: boolean;
  /** Opens a connection. Rejects with a {@link VerackError} on failure or timeout. */
  open(): Promise<Link>;
}

const CONNECT_MS = 5_000;

/** Connections that we dial to the node's listener. `net`: replaces TCP, for example with a proxy. */
export function dialledConnections(at: Endpoint, clock: Clock, net?: Net): Connections {
  const sources = loopbackSources();
  const spread = isIPv4(at.host) && isLoopback(at.host);
  const netOf = (): Net => net ?? tcpNet(spread ? { localAddress: sources.next().value as string } : {});
  return { initiating: true, open: () => dialled(netOf(), at, clock) };
}

function dialled(net: Net, at: Endpoint, clock: Clock): Promise<Link> {
  return new Promise((resolve, reject) => {
    const fail = (facts: Facts): void => reject(new VerackError('ERR_DIAL_UNREACHABLE', facts));
    const timer = clock.setTimeout(
      () => {
        giveUp();
        fail({ host: at.host, port: at.port });
      },
      net.timeoutOf?.(at.host, CONNECT_MS) ?? CONNECT_MS,
    );
    const giveUp = net.dial(at, {
      opened: (link) => {
        clock.clearTimeout(timer);
        resolve(link);
      },
      failed: (code, facts) => {
        clock.clearTimeout(timer);
        reject(new VerackError(code, facts));
      },
    });
  });
}

export interface AcceptOptions {
  readonly net: Net;
  /** Our address, on which we listen and which the node dials. */
  readonly host: string;
  /** Makes the node dial, by RPC or by a command. */
  readonly dialler: Dialler;
  /** The connection type that the node is to use, as in Core's `addconnection`. */
  readonly type: string;
  readonly v2: boolean;
  readonly clock: Clock;
}

/** Connections that the node dials. Each uses a new port of ours, so that it cannot be confused with another one. */
export const acceptedConnections = (options: AcceptOptions): Connections => ({
  initiating: false,
  open: () => accepted(options),
});

async function accepted({ net, host, dialler, type, v2, clock }: AcceptOptions): Promise<Link> {
  let accept: (link: Link) => void = () => undefined;
  const accepted = new Promise<Link>((resolve) => (accept = resolve));
  const listener = await net.listen({ host, port: 0 }, accept);
  await dialler.dial({ at: listener.local, type, v2 });
  return within(accepted, CONNECT_MS + dialler.patience, listener, clock);
}

/** Rejects when the node has not dialled within `ms`; closes the listener in either case. */
function within(accepted: Promise<Link>, ms: number, listener: Listener, clock: Clock): Promise<Link> {
  const late = new Promise<never>((_, reject) => {
    const timer = clock.setTimeout(() => {
      const why = `the node did not dial ${formatEndpoint(listener.local)}`;
      reject(new VerackError('ERR_DIAL_UNREACHABLE', { why, ms }));
    }, ms);
    void accepted.then(() => clock.clearTimeout(timer));
  });
  return Promise.race([accepted, late]).finally(() => void listener.close());
}
