/** The sentence about addresses of DNS seeds that are not dialled because they are not public. */
import type { SeedAddress } from '../net/index.js';

/** Most hosts that the sentence lists. */
const SHOWN = 3;

/** Which addresses from DNS seeds the node does not dial, and why. */
export function unroutableSentence(addresses: readonly SeedAddress[]): string {
  const seeds = new Set(addresses.map(({ source }) => source)).size;
  const hosts = [...new Set(addresses.map(({ host }) => host))];
  const shown = [...hosts.slice(0, SHOWN), ...(hosts.length > SHOWN ? ['…'] : [])].join(', ');
  return (
    `${seeds} DNS ${seeds === 1 ? 'seed' : 'seeds'} returned addresses that are not public (${shown}); they are not dialled. ` +
    'DNS servers that block names return such addresses.'
  );
}
