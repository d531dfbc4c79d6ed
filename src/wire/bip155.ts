/** The network ids of BIP155. */

/** This library's name of a network. */
export type Bip155Network = 'ipv4' | 'ipv6' | 'torv2' | 'torv3' | 'i2p' | 'cjdns' | 'yggdrasil';

/** `length`: bytes of an address. `core`: Bitcoin Core supports the id, and drops the whole message if the length is wrong. */
export interface Bip155Row {
  readonly id: number;
  readonly length: number;
  readonly core: boolean;
}

/** From BIP155, section "Specification"; `core` from Core's `SetNetFromBIP155Network`. */
export const BIP155: Readonly<Record<Bip155Network, Bip155Row>> = {
  ipv4: { id: 1, length: 4, core: true },
  ipv6: { id: 2, length: 16, core: true },
  torv2: { id: 3, length: 10, core: false },
  torv3: { id: 4, length: 32, core: true },
  i2p: { id: 5, length: 32, core: true },
  cjdns: { id: 6, length: 16, core: true },
  yggdrasil: { id: 7, length: 16, core: false },
};

const byId = new Map(
  Object.entries(BIP155).map(([name, row]) => [row.id, { name: name as Bip155Network, row }]),
);

/** The name of a network id; undefined for one that BIP155 does not list. */
export function bip155NetworkName(id: number): Bip155Network | undefined {
  return byId.get(id)?.name;
}

/** The length in bytes that Core requires for this id; undefined if Core accepts any length and skips the entry. */
export function bip155Length(id: number): number | undefined {
  const row = byId.get(id)?.row;
  return row?.core === true ? row.length : undefined;
}
