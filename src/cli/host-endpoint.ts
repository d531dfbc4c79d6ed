/** The address that a verb connects to, of a host given as an address or a name, and the way there. */
import { type Endpoint, type Net, parseEndpoint } from '../net/index.js';
import type { NodeNet } from './node-net.js';

/** Where a host is, and through what it is reached. */
export interface HostRoute {
  readonly at: Endpoint;
  /** Undefined: directly. */
  readonly net: Net | undefined;
}

/**
 * The first address of a name; with a proxy for names the name itself. Rejects with `ERR_LOCAL_ARGUMENT` for a text that is no
 * host, `ERR_DIAL_DNS` for a name without an address, `ERR_DIAL_NO_LOOKUP` for a name with `-dns=0`.
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
