/**
 * The opt-out list: addresses whose operators do not want to be contacted. One entry per line: an address, an address with a
 * port, or a prefix (`192.0.2.0/24`); `#` begins a comment.
 */
import { BlockList, isIP } from 'node:net';
import { type Endpoint, formatEndpoint, parseEndpoint, VerackError } from '../index.js';

export class OptOutList {
  readonly #hosts = new Set<string>();
  readonly #endpoints = new Set<string>();
  readonly #prefixes = new BlockList();
  #hasPrefixes = false;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` for a line that has none of the three forms */
  constructor(text = '') {
    for (const entry of OptOutList.entriesOf(text)) this.add(entry);
  }

  /** The entries of a text, without comments and empty lines. */
  static entriesOf(text: string): string[] {
    const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().toLowerCase());
    return lines.filter((entry) => entry !== '');
  }

  /** Adds one entry. @throws VerackError `ERR_LOCAL_ARGUMENT` for text that has none of the three forms */
  add(entry: string): void {
    if (entry.includes('/')) return this.#addPrefix(entry);
    const { host, port } = parseEndpoint(entry, 0);
    if (port === 0) this.#hosts.add(host);
    else this.#endpoints.add(formatEndpoint({ host, port }));
  }

  has(endpoint: Endpoint): boolean {
    const { host } = endpoint;
    if (this.#hosts.has(host) || this.#endpoints.has(formatEndpoint(endpoint))) return true;
    const version = this.#hasPrefixes ? isIP(host) : 0;
    return version !== 0 && this.#prefixes.check(host, version === 4 ? 'ipv4' : 'ipv6');
  }

  #addPrefix(entry: string): void {
    const [host = '', bits = ''] = entry.split('/');
    const version = isIP(host);
    const most = version === 4 ? 32 : 128;
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
      throw new VerackError('ERR_LOCAL_ARGUMENT', {
        value: entry.slice(0, 80),
        why: 'expected address/bits',
      });
    this.#prefixes.addSubnet(host, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
    this.#hasPrefixes = true;
  }
}
