/** A proxy in front of a node that ends the BIP324 connection of each side and replaces the user agent of the node's `version`. */
import { type Chain, systemClock, tcpNet } from '../../src/index.js';
import { TesterConnection, TranscriptRecorder, V2Endpoint } from '../../src/conformance/index.js';
import { dialledConnections } from '../../src/learn/index.js';
import type { Endpoint, Link } from '../../src/net/link.js';
import { type Proxy, withAgent } from './user-agent-proxy.js';

const KEY_MS = 10_000;
/** How often an idle pump looks whether the other side has closed. */
const POLL_MS = 500;

/** `agent`: at most 252 bytes. The node must accept v2. */
export async function v2UserAgentProxy(node: Endpoint, chain: Chain, agent: string): Promise<Proxy> {
  const reference = { chain, captured: new Map<string, Uint8Array>() };

  async function connected(link: Link, initiating: boolean): Promise<TesterConnection> {
    const transcript = new TranscriptRecorder(() => systemClock.now());
    const connection = new TesterConnection('A', link, chain.magic, systemClock, transcript);
    const endpoint = new V2Endpoint({ initiating, magic: chain.magic, garbage: new Uint8Array(0) });
    const until = systemClock.now() + KEY_MS;
    connection.speakV2(endpoint);
    connection.write([endpoint.opening(0)], 'key');
    while (!endpoint.isAgreed && !connection.ended && systemClock.now() < until)
      await connection.change(until);
    connection.write([endpoint.closing({ op: 'v2_finish' }, reference)], 'terminator');
    return connection;
  }

  const unchanged = (payload: Buffer): Buffer => payload;
  const renamed = (payload: Buffer): Buffer => withAgent(payload, agent);

  /** Forwards messages until one side ends. */
  async function pump(from: TesterConnection, to: TesterConnection, version: typeof renamed): Promise<void> {
    while (!to.ended) {
      const item = from.take();
      if (item?.kind === 'message') {
        const change = item.command === 'version' ? version : unchanged;
        const payload = change(Buffer.from(item.payload)).toString('hex');
        to.write([to.encode({ msg: item.command, payload }, reference)], item.command);
      } else if (item || from.ended) return to.link.destroy();
      else await from.change(systemClock.now() + POLL_MS);
    }
    from.link.destroy();
  }

  async function serve(link: Link): Promise<void> {
    const client = await connected(link, false);
    const upstream = await connected(await dialledConnections(node, systemClock).open(), true);
    await Promise.all([pump(client, upstream, unchanged), pump(upstream, client, renamed)]);
  }

  const links = new Set<Link>();
  const listener = await tcpNet().listen({ host: '127.0.0.1', port: 0 }, (link) => {
    links.add(link);
    void serve(link).catch(() => link.destroy());
  });
  return {
    port: listener.local.port,
    [Symbol.asyncDispose]: async () => {
      for (const link of links) link.destroy();
      await listener.close();
    },
  };
}
