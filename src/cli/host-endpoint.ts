/** Finds the address that a verb connects to, and the route to it, for a host that is given as an address or a name. */
import { defaultPortOf, type Endpoint, type Net, parseEndpoint } from '../net/index.js';
import type { NodeNet } from './node-net.js';

/** The address of a host, and the net that connects to it. */
export interface HostRoute {
  readonly at: Endpoint;
  /** Undefined for a direct connection. */
  readonly net: Net | undefined;
}

/** Milliseconds for a connection to one of several addresses. */
const CONNECT_MS = 3_000;

/** Parses a host. Without a port it has `port`, and an I2P peer port 0. Throws `ERR_LOCAL_ARGUMENT` for a text that is not a host. */
export function endpointOf(text: string, port: number): Endpoint {
  const { host } = parseEndpoint(text, port, { allowZero: true });
  const usual = defaultPortOf(host, port);
  const at = parseEndpoint(text, usual, { allowZero: usual === 0 });
  return { host: at.host, port: at.port };
}

/**
 * The address of a name that accepts a connection, or the name itself where a proxy resolves names. Rejects with
 * `ERR_LOCAL_ARGUMENT` for a text that is not a host, `ERR_DIAL_DNS` for a name without an address, and `ERR_DIAL_NO_LOOKUP`
 * for a name with `-dns=0`.
 *
 * @param port - the port of a host that is given without one
 */
export async function routeTo(
  text: string,
  port: number,
  { proxied, options: { dns } }: NodeNet,
  signal?: AbortSignal,
): Promise<HostRoute> {
  const at = endpointOf(text, port);
  const hosts = await proxied.resolve(at.host, { ...dns, ...(signal && { signal }) });
  const addresses = hosts.map((host) => ({ host, port: at.port }));
  return { at: await firstOpen(addresses, proxied), net: proxied.isProxying ? proxied : undefined };
}

/** The first address that accepts a connection. If none does, the first, so that the caller reports its failure. */
async function firstOpen(addresses: readonly Endpoint[], net: Net): Promise<Endpoint> {
  const [first] = addresses;
  if (addresses.length > 1) for (const at of addresses) if (await isOpen(at, net)) return at;
  return first!;
}

/** Whether a connection can be opened; it is closed at once. */
function isOpen(at: Endpoint, net: Net): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isOpened: boolean): void => {
      clearTimeout(timer);
      resolve(isOpened);
    };
    const giveUp = net.dial(at, {
      opened: (link) => {
        link.destroy();
        end(true);
      },
      failed: () => end(false),
    });
    const timer = setTimeout(() => {
      giveUp();
      resolve(false);
    }, CONNECT_MS);
  });
}
