/**
 * Two nodes with public addresses, a real bitcoind and one of ours, in a network namespace of their own: the node finds bitcoind in its
 * address book; bitcoind learns the address of the node from its announcement, and dials it. Needs `unshare` and user namespaces.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

import { missing, program } from './nodes/installed.js';

const UNSHARE = ['-r', '-n'];
const isPossible =
  missing('bitcoind') === undefined &&
  spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const needsNamespaces = isPossible || process.env.CI ? test : test.skip;

const folder = mkdtempSync(join(tmpdir(), 'verack-announcement-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LIMIT_MS = 120_000;
const US = '20.1.1.1';
const BITCOIND = '21.1.1.1';
const PORT = 18_444;

/** Prints what both sides saw as JSON. */
const PROGRAM = `
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createNode, systemClock, systemRandom, tcpNet } from '${process.cwd()}/dist/src/index.js';
import { createAddressBook } from '${process.cwd()}/dist/src/addresses/index.js';

const args = [
  '-regtest', '-datadir=${folder}', '-bind=${BITCOIND}:${PORT}', '-server=1', '-rpcbind=127.0.0.1', '-rpcallowip=127.0.0.1',
  '-rpcport=18443', '-rpcuser=verack', '-rpcpassword=verack', '-disablewallet=1', '-dnsseed=0', '-fixedseeds=0', '-discover=0',
  '-listenonion=0', '-natpmp=0', '-printtoconsole=0',
];
const bitcoind = spawn('${program('bitcoind') ?? ''}', args, { stdio: 'ignore' });
process.on('exit', () => bitcoind.kill('SIGKILL'));
const headers = { authorization: 'Basic ' + btoa('verack:verack') };
const rpc = async (method, params = []) => {
  const answer = await fetch('http://127.0.0.1:18443', { method: 'POST', headers, body: JSON.stringify({ method, params }) });
  return (await answer.json()).result;
};
const until = async (isTrue) => {
  for (;;) {
    const found = await isTrue().catch(() => undefined);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
await until(async () => (await rpc('getnetworkinfo')).networkactive);

const book = createAddressBook({ key: systemRandom(32), clock: systemClock, random: systemRandom });
const bytes = (text) => Uint8Array.from(text.split('.'), Number);
const theirs = { networkID: 1, addr: bytes('${BITCOIND}'), port: ${PORT} };
const services = '0000000000000009';
book.add([{ ...theirs, services, time: Math.floor(Date.now() / 1000) }], theirs);
const node = createNode({
  chain: 'regtest',
  net: tcpNet({ localAddress: '${US}' }),
  addressBook: book,
  services,
  outbound: { slots: 1, blockrelay: 0, feelerInterval: 0 },
});
const established = once(node, 'established');
await node.listen({ host: '${US}', port: ${PORT} });
const [outbound] = await established;
const announced = await until(async () => Object.values((await rpc('getrawaddrman')).new)[0]);
const [peer] = await rpc('getpeerinfo');
const next = new Promise((resolve) => {
  node.on('established', (info) => info.inbound && resolve(info));
});
await rpc('disconnectnode', ['', peer.id]);
const inbound = await next;
const dialled = await until(async () => (await rpc('getpeerinfo')).find(({ inbound }) => !inbound));
const tried = [...book.positions('tried')].length;
console.log(JSON.stringify({ outbound, announced, peer, inbound, dialled, tried }));
process.exit(0);
`;

interface Seen {
  readonly outbound: object;
  readonly announced: object;
  readonly peer: object;
  readonly inbound: object;
  readonly dialled: object;
  readonly tried: number;
}

function seen(): Seen {
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  const addresses = [US, BITCOIND].map((address) => `ip address add ${address}/32 dev lo`);
  const steps = ['ip link set lo up', ...addresses, `exec "${process.execPath}" program.mjs`];
  const { stdout, stderr } = spawnSync('unshare', [...UNSHARE, 'sh', '-c', steps.join(' && ')], {
    ...{ cwd: folder, encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Seen;
}

needsNamespaces(
  'a bitcoind that we connected to learns our address, and dials it once the connection is over',
  () => {
    const { outbound, announced, peer, inbound, dialled, tried } = seen();
    expect(outbound).toMatchObject({ connection_type: 'outbound-full-relay', addr: `${BITCOIND}:${PORT}` });
    expect(peer).toMatchObject({ connection_type: 'inbound', addr_processed: 1, addr_rate_limited: 0 });
    expect(announced).toMatchObject({ address: US, port: PORT, services: 9, source: US });
    expect(inbound).toMatchObject({ inbound: true, subver: expect.stringMatching(/^\/Satoshi:/) });
    expect(dialled).toMatchObject({ addr: `${US}:${PORT}`, connection_type: 'outbound-full-relay' });
    expect(tried).toBe(1);
  },
  LIMIT_MS + 5_000,
);
