/** Finds the address that a verb connects to, and the route to it, for a host that is given as an address or a name. */
import { type Endpoint, type Net, parseEndpoint } from '../net/index.js';
import type { NodeNet } from './node-net.js';

/** The address of a host, and the net that connects to it. */
export interface HostRoute {
  readonly at: Endpoint;
  /** Undefined for a direct connection. */
  readonly net: Net | undefined;
}

/**
 * The first address of a name, or the name itself where a proxy resolves names. Rejects with `ERR_LOCAL_ARGUMENT` for a text
 * that is not a host, `ERR_DIAL_DNS` for a name without an address, and `ERR_DIAL_NO_LOOKUP` for a name with `-dns=0`.
 *
 * @param port - the port of a host that is given without one
 */
export async function routeTo(
  host: string,
  port: number,
  { proxied, options: { dns } }: NodeNet,
  signal?: AbortSignal,
): Promise<HostRoute> {
  const at = parseEndpoint(host, port);
  const [address = at.host] = await proxied.resolve(at.host, { ...dns, ...(signal && { signal }) });
  return { at: { host: address, port: at.port }, net: proxied.isProxying ? proxied : undefined };
}
