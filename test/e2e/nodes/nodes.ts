/**
 * Real nodes for tests: started on loopback with an empty data directory, controlled over RPC, and removed afterwards.
 *
 *     describeNode('bitcoind', 'a real node', () => {
 *       test('accepts our handshake', async () => {
 *         await using node = await bitcoind();
 *         // … dial node.host, node.port, or have it dial us: await node.dial('127.0.0.1', port)
 *         const [us] = await node.handshaken();
 *       });
 *     });
 */
import { afterAll, describe, test } from '@jest/globals';
import { missing, type ProgramName } from './installed.js';
import { stopAll } from './real-node.js';

export { missing, type NodeName } from './installed.js';
export type { PeerInfo } from './peerinfo.js';
export { bcoin, bitcoind, litecoind, type NodeOptions, RealNode, stopAll } from './real-node.js';
export { RpcError } from './rpc.js';

/**
 * `describe` for tests that need the named programs. Without them it fails under CI and is a counted skip elsewhere,
 * with the way to provision them in its title. Stops what the tests leave.
 */
export function describeNode(
  names: ProgramName | readonly ProgramName[],
  title: string,
  tests: () => void,
): void {
  const reasons = [names].flat().map(missing);
  const lacking = [...new Set(reasons)].filter((reason) => reason !== undefined).join('; ');
  if (lacking === '') describe(title, () => (afterAll(stopAll), tests()));
  else if (process.env.CI) test(title, () => Promise.reject(new Error(lacking)));
  else describe.skip(`${title} (${lacking})`, tests);
}
