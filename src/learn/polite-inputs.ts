/**
 * The inputs that a well-behaved peer may send, in a legal order: one `version`, `verack`, then requests that every node answers
 * or ignores. None of them counts as misbehaviour in any known node.
 */

const VERSIONS = ['version', 'version-70017', 'version-70012', 'version-norelay'];
const REQUESTS = ['ping', 'getdata', 'getdata-block', 'sendheaders', 'sendcmpct', 'unknown'];

/** The inputs that may follow the ones that were sent already. Each request is sent at most once. */
export function politeAfter(sent: readonly string[]): readonly string[] {
  if (sent.length === 0) return VERSIONS;
  if (!sent.includes('verack')) return ['verack'];
  return REQUESTS.filter((name) => !sent.includes(name));
}

/**
 * Commands that a node sends because of events on its network, not in answer to an input. They are removed from models and
 * answers before these are compared.
 */
const UNSOLICITED: readonly string[] = ['inv', 'addr', 'addrv2', 'tx'];

/** An output without unsolicited commands. */
export const solicited = (output: string): string =>
  output
    .split(' ')
    .filter((part) => !UNSOLICITED.includes(part))
    .join(' ');
