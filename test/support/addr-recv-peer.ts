/** A scripted peer whose `version` has a chosen `addr_recv`: the address at which it sees the dialling node. */
import type { Net } from '../../src/net/index.js';
import { encodeMessage } from '../../src/wire/index.js';
import { play } from './scripted-node.js';

/** 16 bytes of an IPv6 address, or of a mapped IPv4 address, and the port. */
export interface AddrRecv {
  readonly ip: Uint8Array;
  readonly port: number;
}

const ZEROS = '0000000000000000';
const NOWHERE = { services: ZEROS, ip: new Uint8Array(16), port: 0 };

/** The IPv4 address 8.8.4.4, mapped. */
export const PUBLIC = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 8, 8, 4, 4);

const versionOf = (seen: AddrRecv): Uint8Array =>
  encodeMessage({
    command: 'version',
    ...{ version: 70_016, services: ZEROS, timestamp: ZEROS, nonce: ZEROS },
    ...{ addr_recv: { services: ZEROS, ...seen }, addr_from: NOWHERE, user_agent: new Uint8Array() },
    ...{ start_height: 0, relay: false },
  });

/** Listens there; each handshake becomes complete. */
export async function listenWithAddrRecv(
  net: Net,
  at: { host: string; port: number },
  seen: AddrRecv,
): Promise<void> {
  await net.listen(at, (link) =>
    play(link, {
      message: (connection, command) => {
        if (command !== 'version') return;
        connection.send('version', versionOf(seen));
        connection.send('verack');
      },
    }),
  );
}
