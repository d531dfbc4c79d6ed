/**
 * The inputs that a well-behaved peer may send, in the order in which it may send them: one `version`, `verack`, then requests
 * that every node answers or ignores. Nothing here adds to a misbehaviour score of any node.
 */

const VERSIONS = ['version', 'version-70017', 'version-70012', 'version-norelay'];
const REQUESTS = ['ping', 'getdata', 'getdata-block', 'sendheaders', 'sendcmpct', 'unknown'];

/** What may follow the inputs that were sent already; each request once. */
export function politeAfter(sent: readonly string[]): readonly string[] {
  if (sent.length === 0) return VERSIONS;
  if (!sent.includes('verack')) return ['verack'];
  return REQUESTS.filter((name) => !sent.includes(name));
}

/**
 * What a node sends when something happens on its network, and not because of what we sent; it counts neither in a model nor in
 * an answer.
 */
const UNSOLICITED: readonly string[] = ['inv', 'addr', 'addrv2', 'tx'];

/** An output without what was not sent because of us. */
export const solicited = (output: string): string =>
  output
    .split(' ')
    .filter((part) => !UNSOLICITED.includes(part))
    .join(' ');
