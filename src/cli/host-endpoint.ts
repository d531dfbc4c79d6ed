/** The address that a verb connects to, of a host given as an address or a name. */
import { type Endpoint, parseEndpoint, resolveHost } from '../net/index.js';
import { dnsOptionsOf } from './node-options.js';
import type { Flags } from './options.js';

/**
 * The first address of a name. Rejects with `ERR_LOCAL_ARGUMENT` for a text that is no host, `ERR_DIAL_DNS` for a name without an
 * address.
 */
export async function endpointOf(host: string, port: number, flags: Flags): Promise<Endpoint> {
  const at = parseEndpoint(host, port);
  if (at.kind !== 'name') return { host: at.host, port: at.port };
  const [address = ''] = await resolveHost(at.host, dnsOptionsOf(flags));
  return { host: address, port: at.port };
}
