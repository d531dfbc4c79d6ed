/** The net of a verb's nodes: what the proxy options describe, faults in front of it, and lookups that obey the proxies. */
import { keyFile, type KeyStore, lookupWith, netWithFault, type ProxiedNet, tcpNet } from '../net/index.js';
import type { Chain, NodeOptions } from '../index.js';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from './command.js';
import { chainFolder } from './data-directory.js';
import { Usage } from './exit-codes.js';
import { dnsOptionsOf, netFaultsOf } from './node-options.js';
import type { Flags } from './options.js';
import { proxiedNetOf } from './proxied-net-of.js';

/** Where the I2P private key is kept; Core's name of the file. */
const I2P_KEY_FILE = 'i2p_private_key';

export interface NodeNet {
  /** Which way each host goes. Its `close` is called once the node has stopped. */
  readonly proxied: ProxiedNet;
  /** To be merged into the options of the node. */
  readonly options: Required<Pick<NodeOptions, 'net' | 'dns' | 'lookup'>>;
}

/**
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
    throw new Usage('--record does not go with proxies: it records direct connections');
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

/** Our address outlives the program, unless `--datadir none` keeps nothing. */
function i2pKeyStore({ datadir }: Flags, chain: Chain, env: NodeJS.ProcessEnv): KeyStore {
  const folder = chainFolder(datadir, chain, env);
  if (folder === undefined) return keyInMemory();
  mkdirSync(folder, { recursive: true });
  return keyFile(join(folder, I2P_KEY_FILE));
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
