/**
 * A fresh connection for every word: dialled to the node's listener, each from an address of its own on loopback, or accepted
 * from the node's dialler.
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

/** Where fresh connections come from. */
export interface Connections {
  /** Whether we dialled: the initiator of BIP324. */
  readonly initiating: boolean;
  /** Rejects with a {@link VerackError} when there is none. */
  open(): Promise<Link>;
}

const CONNECT_MS = 5_000;

/** Dials the node's listener. `net`: instead of TCP. */
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
  /** The address where the node finds us. */
  readonly host: string;
  readonly dialler: Dialler;
  /** The connection type that the node is asked for. */
  readonly type: string;
  readonly v2: boolean;
  readonly clock: Clock;
}

/** Has the node dial a port of its own for every word. */
export const acceptedConnections = (options: AcceptOptions): Connections => ({
  initiating: false,
  open: () => accepted(options),
});

async function accepted({ net, host, dialler, type, v2, clock }: AcceptOptions): Promise<Link> {
  let taken: (link: Link) => void = () => undefined;
  const coming = new Promise<Link>((resolve) => (taken = resolve));
  const listener = await net.listen({ host, port: 0 }, taken);
  await dialler.dial({ at: listener.local, type, v2 });
  return within(coming, CONNECT_MS + dialler.patience, listener, clock);
}

/** The port is closed once the node has come, or has not. */
function within(coming: Promise<Link>, ms: number, listener: Listener, clock: Clock): Promise<Link> {
  const late = new Promise<never>((_, reject) => {
    const timer = clock.setTimeout(() => {
      const why = `the node did not dial ${formatEndpoint(listener.local)}`;
      reject(new VerackError('ERR_DIAL_UNREACHABLE', { why, ms }));
    }, ms);
    void coming.then(() => clock.clearTimeout(timer));
  });
  return Promise.race([coming, late]).finally(() => void listener.close());
}
