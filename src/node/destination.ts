/** Parses and checks the argument of a dial before anything is dialled. */
import { parseEndpoint } from '../net/endpoint.js';
import { defaultPortOf, I2P_PORT, kindOfHost } from '../net/host-kind.js';
import type { Endpoint } from '../net/link.js';
import { VerackError } from '../reasons.js';
import type { Destination } from './outbound-targets.js';

/** Port 0 is valid for I2P peers only. */
const parse = (text: string, host: string, port: number) =>
  parseEndpoint(text, defaultPortOf(host, port), { allowZero: defaultPortOf(host, 1) === I2P_PORT });

/**
 * The destination of a dial. A DNS name is looked up. An address is dialled directly, and so is a host of another network
 * (`.onion`, `.i2p`, `.internal`): a look-up of it would fail and reveal the target to the resolver.
 *
 * @param port - used for text without a port; for an `.i2p` host it is 0 instead
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for text that is not a host, and for an endpoint whose host is not an address
 */
export function destinationOf(
  to: string | Endpoint | readonly [Endpoint, ...Endpoint[]],
  port: number,
): Destination {
  if (typeof to !== 'string') return { addresses: checked('host' in to ? [to] : to) };
  const { host } = parseEndpoint(to, port, { allowZero: true });
  const { kind, ...endpoint } = parse(to, host, port);
  const isLookedUp = kind === 'name' && kindOfHost(host) === 'name';
  return isLookedUp ? { name: host, port: endpoint.port } : { addresses: [endpoint] };
}

function checked(endpoints: readonly [Endpoint, ...Endpoint[]]): readonly [Endpoint, ...Endpoint[]] {
  const [first, ...more] = endpoints;
  if ((first as Endpoint | undefined) === undefined)
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: '[]', why: 'no address to dial' });
  return [checkedEndpoint(first), ...more.map(checkedEndpoint)];
}

function checkedEndpoint({ host, port }: Endpoint): Endpoint {
  const kind = kindOfHost(host);
  const isAddress = kind === 'ipv4' || kind === 'ipv6';
  if (isAddress && Number.isInteger(port) && port >= 1 && port <= 65_535) return { host, port };
  if (isAddress || kind === 'name') throw noAddress(`${host}:${port}`);
  const endpoint = parse(`${host}:${port}`, host, port);
  return { host: endpoint.host, port: endpoint.port };
}

const noAddress = (value: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', {
    value,
    why: 'an address (IP, .onion, .i2p), and a port from 1 to 65535; a name is given as text: name:port',
  });
