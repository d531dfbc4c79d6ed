/**
 * Decides whether an HTTP request to a loopback server is answered. The server is reachable from this machine only, but
 * a browser on this machine runs pages of other sites. Such a page can send a request to the server, which its Origin header
 * shows, or its own name can resolve to a loopback address (DNS rebinding), which the Host header shows.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../net/index.js';

/** Checks the headers Host and Origin. */
export class HttpGuard {
  /**
   * Why the request is refused; undefined when it is allowed. Host must be `localhost` or a loopback address, with any
   * port, because a tunnel such as `ssh -L` changes the port. Origin, if there is one, must be the same host and port.
   */
  refusalOf({ headers }: IncomingMessage): string | undefined {
    const { host = '', origin } = headers;
    if (!isOwnHost(host)) return 'the Host header must be localhost, 127.0.0.1 or [::1], with any port';
    if (origin === undefined || origin === `http://${host}`) return undefined;
    return 'the Origin header must have the same host and port as the Host header';
  }

  /** As {@link refusalOf}, for a WebSocket. A browser always sends Origin with it, so a request without Origin is refused. */
  socketRefusalOf(request: IncomingMessage): string | undefined {
    if (request.headers.origin === undefined) return 'a WebSocket needs the Origin header';
    return this.refusalOf(request);
  }
}

const HOST = /^(?:\[([\da-f:.]+)\]|([a-z\d.]+))(?::\d{1,5})?$/i;

function isOwnHost(host: string): boolean {
  const [, ipv6, name = ''] = HOST.exec(host) ?? [];
  if (ipv6 !== undefined) return isIP(ipv6) === 6 && isLoopback(ipv6);
  return name.toLowerCase() === 'localhost' || (isIP(name) === 4 && isLoopback(name));
}
