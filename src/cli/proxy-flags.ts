/** The types of the values that the options of proxy-options.ts have. */
import type { Endpoint, Network } from '../net/index.js';

/** One value of -proxy. Without `at` there is no proxy: `-proxy=0`. */
export interface ProxyValue {
  readonly at?: Endpoint;
  /** The network that it applies to; undefined for all networks. */
  readonly network?: 'ipv4' | 'ipv6' | 'onion' | 'cjdns';
}

/** The options as commander parses them; false where `--no-…` is given. */
export interface ProxyFlags {
  readonly proxy?: readonly ProxyValue[] | false;
  readonly onion?: ProxyValue | false;
  readonly proxyrandomize?: boolean;
  readonly proxyuser?: string;
  readonly onlynet?: readonly Network[];
  readonly i2psam?: Endpoint | false;
  readonly i2pacceptincoming?: boolean;
  readonly cjdnsreachable?: boolean;
  readonly dns?: boolean;
  readonly connect?: readonly string[] | false;
  readonly seednode?: readonly string[];
}
