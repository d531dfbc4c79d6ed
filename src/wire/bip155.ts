/** The network ids of BIP155, as a table. */

/** A network by the name this library gives it. */
export type Bip155Network = 'ipv4' | 'ipv6' | 'torv2' | 'torv3' | 'i2p' | 'cjdns' | 'yggdrasil';

/** `length`: address bytes. `core`: Bitcoin Core supports the id, and drops a whole message for a wrong length. */
export interface Bip155Row {
  readonly id: number;
  readonly length: number;
  readonly core: boolean;
}

/** BIP155, section "Specification"; the last column is Core's `SetNetFromBIP155Network`. */
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

/** The address length that Core insists on under this id; undefined when it takes any (it then skips the entry). */
export function bip155Length(id: number): number | undefined {
  const row = byId.get(id)?.row;
  return row?.core === true ? row.length : undefined;
}
