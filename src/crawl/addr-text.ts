/** Parses the `host:port` notation of the crawl file. */

/** The endpoint of an address that this program wrote; for other text `0.0.0.0:0`, which is never contacted. */
export function endpointOf(addr: string): { readonly host: string; readonly port: number } {
  const at = addr.lastIndexOf(':');
  const port = Number(addr.slice(at + 1));
  if (at <= 0 || !Number.isInteger(port)) return { host: '0.0.0.0', port: 0 };
  const isBracketed = addr.startsWith('[') && addr[at - 1] === ']';
  return { host: isBracketed ? addr.slice(1, at - 1) : addr.slice(0, at), port };
}

export const hostOf = (addr: string): string => endpointOf(addr).host;
