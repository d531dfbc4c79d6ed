/** Scripted peers in memory whose `version` says at which address they see the dialling node. */
import type { Net } from '../../src/net/index.js';
import { encodeMessage } from '../../src/wire/index.js';
import { play } from './scripted-node.js';

/** An address as in the `version` message: 16 bytes of IPv6, IPv4 mapped, and a port. */
export interface SeenAs {
  readonly ip: Uint8Array;
  readonly port: number;
}

const ZEROS = '0000000000000000';
const NOWHERE = { services: ZEROS, ip: new Uint8Array(16), port: 0 };

/** The IPv4 address 8.8.4.4, mapped. */
export const PUBLIC = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 8, 8, 4, 4);

const versionOf = (seen: SeenAs): Uint8Array =>
  encodeMessage({
    command: 'version',
    ...{ version: 70_016, services: ZEROS, timestamp: ZEROS, nonce: ZEROS },
    ...{ addr_recv: { services: ZEROS, ...seen }, addr_from: NOWHERE, user_agent: new Uint8Array() },
    ...{ start_height: 0, relay: false },
  });

/** Listens there, and completes each handshake. */
export async function listenSeeing(
  net: Net,
  at: { host: string; port: number },
  seen: SeenAs,
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
