/** Service bits of `version` and of addresses, as 64-bit {@link Hex64} values (Core: `protocol.h`, `ServiceFlags`). */
import type { Hex64 } from './codec.js';

export { hasServices } from '../services.js';

/** The numbers of the bits that have a name in Core, 0 being the lowest; 24..31 are for experiments. */
export const SERVICE_BITS = {
  NETWORK: 0,
  BLOOM: 2,
  WITNESS: 3,
  COMPACT_FILTERS: 6,
  NETWORK_LIMITED: 10,
  P2P_V2: 11,
} as const;

/** A name of `servicesnames` in `getpeerinfo`. */
export type ServiceName = keyof typeof SERVICE_BITS;

const nameOfBit = new Map<number, string>(Object.entries(SERVICE_BITS).map(([name, bit]) => [bit, name]));

/** The value with these bits set: `servicesOf('NETWORK', 'WITNESS')`. */
export function servicesOf(...names: readonly ServiceName[]): Hex64 {
  const value = names.reduce((sum, name) => sum | (1n << BigInt(SERVICE_BITS[name])), 0n);
  return value.toString(16).padStart(16, '0');
}

/** As `servicesnames` of `getpeerinfo`: lowest bit first, `UNKNOWN[2^n]` for a bit without a name (`serviceFlagsToStr`). */
export function servicesnames(services: Hex64): string[] {
  return [...namesIn(services.slice(8), 0), ...namesIn(services.slice(0, 8), 32)];
}

/** Works on halves of 32 bits, because every peer snapshot calls it and `bigint` is slow. Each iteration removes the lowest bit. */
function namesIn(half: string, first: number): string[] {
  const names: string[] = [];
  for (let left = parseInt(half, 16); left !== 0; left &= left - 1) {
    const bit = first + 31 - Math.clz32(left & -left);
    names.push(nameOfBit.get(bit) ?? `UNKNOWN[2^${bit}]`);
  }
  return names;
}

const LETTERS: Readonly<Record<string, string>> = { NETWORK_LIMITED: 'l', P2P_V2: '2' };

/** The `serv` column of `bitcoin-cli -netinfo`: `nwcl2`; `u` for each bit without a name (`FormatServices`). */
export function servicesLetters(services: Hex64): string {
  return servicesnames(services)
    .map((name) => LETTERS[name] ?? name.charAt(0).toLowerCase())
    .join('');
}
