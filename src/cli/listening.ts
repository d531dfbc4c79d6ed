/** Opens the listeners of a verb: the addresses of `--bind`, and I2P. */
import { type Endpoint, formatEndpoint, I2P_LISTEN } from '../net/index.js';
import { type BitcoinNode, reasonOf, VerackError } from '../index.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';
import { failureLine } from './peer-lines.js';

const LOOPBACK = '127.0.0.1';
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;
/** The pause before the next attempt to open I2P grows by a step up to a maximum, milliseconds (Core: `ThreadI2PAcceptIncoming`). */
const RETRY_STEP_MS = 1_000;
const RETRY_MAX_MS = 300_000;

/** Prints each address that the node listens on. */
export function printListening(node: BitcoinNode, out: Output): void {
  node.on('listening', (at) => {
    out.answer(`listening on ${formatEndpoint(at)}`);
    out.event('listening', { addr: formatEndpoint(at), ...at });
  });
}

/**
 * Opens all listeners. When one cannot be opened, prints the failure, stops the node and resolves to false. I2P is opened in
 * the background, until `signal` aborts, since a router takes minutes to build tunnels.
 */
export async function openListeners(
  node: BitcoinNode,
  flags: Flags,
  out: Output,
  signal: AbortSignal,
): Promise<boolean> {
  const port = flags.port ?? node.chain.port;
  const wanted = (flags.bind ?? [{ host: LOOPBACK, port }]).map(({ host, port: own }) => ({
    host,
    port: own < 0 ? port : own,
  }));
  if (!(await openAll(node, wanted, (line) => out.failure(line)))) return false;
  if (flags.i2psam && flags.i2pacceptincoming !== false) void listenOnI2p(node, out, signal);
  return true;
}

async function listenOnI2p(node: BitcoinNode, out: Output, signal: AbortSignal): Promise<void> {
  for (let pause = RETRY_STEP_MS; !signal.aborted; pause = Math.min(pause + RETRY_STEP_MS, RETRY_MAX_MS)) {
    try {
      await node.listen(I2P_LISTEN, { signal });
      return;
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      if (signal.aborted || error.code === 'ERR_LOCAL_CANCELLED') return;
      if (pause === RETRY_STEP_MS) out.failure(failureLine('inbound I2P', reasonOf(error), out.paintLog));
      await delay(pause, signal);
    }
  }
}

/** Resolves after `ms` milliseconds, or when `signal` aborts. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

async function openAll(
  node: BitcoinNode,
  wanted: readonly Endpoint[],
  fail: (line: string) => void,
): Promise<boolean> {
  try {
    for (const endpoint of wanted) await node.listen(endpoint);
    return true;
  } catch (error) {
    if (!(error instanceof VerackError && /^ERR_LOCAL_(ADDRESS|LIMIT)$/.test(error.code))) throw error;
    await node.stop();
    fail(`${error.code} ${formatEndpoint(endpointOf(error))} — ${causeOf(error)}`);
    return false;
  }
}

const endpointOf = ({ facts }: VerackError): Endpoint => ({
  host: String(facts.host),
  port: Number(facts.port),
});

/** The cause of the failure, and which option to change. */
function causeOf(error: VerackError): string {
  const { host, port } = endpointOf(error);
  const { syscode = 'unknown' } = error.facts;
  if (syscode === 'EADDRINUSE')
    return `port ${port} is in use; choose another with --port, or 0 for any free one`;
  if (syscode === 'EACCES')
    return `port ${port} needs a permission that this user lacks; choose one from 1024 up with --port`;
  if (syscode === 'EINVAL' && LINK_LOCAL.test(host))
    return 'a link-local address needs the zone of a network interface of this machine: --bind fe80::1%eth0';
  if (syscode === 'EADDRNOTAVAIL') return `this machine has no address ${host}; choose another with --bind`;
  return `the system refused (${syscode}); choose another address with --bind`;
}
