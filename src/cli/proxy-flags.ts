/** The values of the options of proxy-options.ts. */
import type { Endpoint, Network } from '../net/index.js';

/** One value of -proxy; no `at`: none, as by `-proxy=0`. */
export interface ProxyValue {
  readonly at?: Endpoint;
  /** For this network only; default for all. */
  readonly network?: 'ipv4' | 'ipv6' | 'onion' | 'cjdns';
}

/** The options of this file as commander gives them; false where `--no-…` was given. */
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
