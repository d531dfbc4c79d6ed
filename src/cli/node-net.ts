/** The net of a verb's nodes: the proxies of the options, the faults of `--fault`, and name lookups that respect the proxies. */
import { keyFile, type KeyStore, lookupWith, netWithFault, type ProxiedNet, tcpNet } from '../net/index.js';
import type { Chain, NodeOptions } from '../index.js';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from './command.js';
import { chainDirectory } from './data-directory.js';
import { Usage } from './exit-codes.js';
import { dnsOptionsOf, netFaultsOf } from './node-options.js';
import type { Flags } from './options.js';
import { proxiedNetOf } from './proxied-net-of.js';

/** The file with the I2P private key; the name is Core's. */
const I2P_KEY_FILE = 'i2p_private_key';

/** The net of a verb, and the options of a node that use it. */
export interface NodeNet {
  /** Routes each host: directly, through a proxy, or over I2P. The caller closes it once the node has stopped. */
  readonly proxied: ProxiedNet;
  /** Options for the node, to be merged into the others. */
  readonly options: Required<Pick<NodeOptions, 'net' | 'dns' | 'lookup'>>;
}

/**
 * Builds the net that the flags describe.
 *
 * @param chain - given when the verb listens: inbound I2P then has one address for each chain, as in Core
 * @throws Usage, VerackError as `proxiedNetOf`
 */
export async function nodeNetOf(
  { flags, env }: Pick<Invocation, 'flags' | 'env'>,
  chain?: Chain,
): Promise<NodeNet> {
  const dns = dnsOptionsOf(flags);
  const { onlynet: _, ...proxyDns } = dns;
  const i2pKeys = chain && flags.i2psam ? i2pKeyStore(flags, chain, env) : undefined;
  const proxied = await proxiedNetOf(flags, {
    env,
    net: tcpNet(),
    dns: proxyDns,
    ...(i2pKeys && { i2pKeys }),
  });
  if (flags.record !== undefined && proxied.isProxying) {
    proxied.close();
    throw new Usage('--record cannot be combined with proxies: it records direct connections only');
  }
  return {
    proxied,
    options: {
      dns,
      net: netWithFault(proxied, netFaultsOf(flags)),
      lookup: lookupWith(dns, (host, options) => proxied.resolve(host, options)),
    },
  };
}

/** Runs a verb with the net of its options, and closes the net afterwards. */
export async function withNodeNet<T>(
  job: Pick<Invocation, 'flags' | 'env'>,
  verb: (net: NodeNet) => Promise<T>,
): Promise<T> {
  const net = await nodeNetOf(job);
  try {
    return await verb(net);
  } finally {
    net.proxied.close();
  }
}

/** Stores the I2P key in the data directory, so that the address is the same in the next run; in memory with `--datadir none`. */
function i2pKeyStore({ datadir }: Flags, chain: Chain, env: NodeJS.ProcessEnv): KeyStore {
  const directory = chainDirectory(datadir, chain, env);
  if (directory === undefined) return keyInMemory();
  mkdirSync(directory, { recursive: true });
  return keyFile(join(directory, I2P_KEY_FILE));
}

function keyInMemory(): KeyStore {
  let kept: Uint8Array | undefined;
  return {
    read: () => Promise.resolve(kept),
    write: (key) => {
      kept = key;
      return Promise.resolve();
    },
  };
}
