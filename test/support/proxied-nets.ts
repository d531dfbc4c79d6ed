/** Nets whose links pass a scripted proxy on loopback, for the link contract. */
import { afterAll } from '@jest/globals';

import type { Net } from '../../src/net/link.js';
import { SamNet } from '../../src/net/sam.js';
import { socks5Net } from '../../src/net/socks5.js';
import { tcpNet } from '../../src/net/tcp.js';
import { newKey, samServer } from './sam-server.js';
import { socks5Server } from './socks5-server.js';

/** Dials through a SOCKS5 server, listens beside it. */
export function socks5Proxied(): Net {
  const tcp = tcpNet();
  const starting = socks5Server();
  let proxied: Pick<Net, 'dial'> = tcp;
  afterAll(async () => (await starting).close());
  return {
    dial: (to, handler) => proxied.dial(to, handler),
    listen: async (...args) => {
      proxied = socks5Net({ net: tcp, proxy: (await starting).at });
      return tcp.listen(...args);
    },
  };
}

/** Each listener is a machine of its own beside one router; who dials has transient addresses. */
export function i2p(): Net {
  const net = tcpNet();
  const starting = samServer();
  let dialling: Net = net;
  afterAll(async () => (await starting).close());
  return {
    dial: (to, handler) => dialling.dial(to, handler),
    listen: async (...args) => {
      const { at: proxy } = await starting;
      dialling = new SamNet({ net, proxy });
      const keys = { read: () => Promise.resolve(newKey()), write: () => Promise.resolve() };
      return new SamNet({ net, proxy, keys }).listen(...args);
    },
  };
}
