/**
 * Real proxies for tests, started on loopback without a network, and removed afterwards: microsocks, Tor, and the I2P router i2pd.
 *
 *     await using tor = await startTor();
 *     socks5Net({ net: tcpNet(), proxy: tor.at });
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Endpoint } from '../../../src/net/link.js';
import { Child, freshFolder } from './child-process.js';
import { missing, program, type ProxyName } from './installed.js';
import { claimPorts, type Ports } from './ports.js';

const START_MS = 60_000;
const POLL_MS = 100;

/** A proxy that runs. */
export interface RealProxy extends AsyncDisposable {
  readonly at: Endpoint;
  /** The end of its log. */
  logTail(): string;
}

/** No directory authority and no relay can be reached: everything that needs the Tor network fails. */
const torrc = (folder: string, { p2p }: Ports): string => `
DataDirectory ${join(folder, 'data')}
SocksPort 127.0.0.1:${p2p} ExtendedErrors
SocksTimeout 3
DirAuthority offline orport=9 v3ident=D586D18309DED4CD6D57C18FDB97EFA96D330566 127.0.0.1:9 9695DFC35FFEB861329B9F1AB04C46397020CE31
Log notice stdout
`;

/** One transport, on loopback, because i2pd ends without any; no reseed, so that it knows no other router. */
const i2pdConf = ({ p2p, spare }: Ports): string => `
daemon = false
log = stdout
loglevel = warn
host = 127.0.0.1
address4 = 127.0.0.1
port = ${spare}
reservedrange = true
netid = 99
notransit = true
nat = false
[ntcp2]
enabled = true
published = false
[ssu2]
enabled = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[addressbook]
enabled = false
[sam]
enabled = true
address = 127.0.0.1
port = ${p2p}
[reseed]
urls =
yggurls =
threshold = 0
`;

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

/** Starts the program in a new directory and waits until its port is open; rejects with its output. */
async function start(
  name: ProxyName,
  argsOf: (ports: Ports, folder: string) => readonly string[],
): Promise<RealProxy> {
  const executable = program(name);
  if (executable === undefined) throw new Error(missing(name));
  const [ports, folder] = [await claimPorts(), freshFolder(name)];
  const child = new Child(executable, argsOf(ports, folder), folder);
  const stop = async (): Promise<void> => {
    await child.stop();
    ports.release();
  };
  for (const until = Date.now() + START_MS; !(await isListening(ports.p2p)); await wait(POLL_MS)) {
    if (child.end === undefined && Date.now() < until) continue;
    await stop();
    throw new Error(
      `${name} does not listen (${child.end ?? 'it runs'}); the end of its log:\n${child.tail()}`,
    );
  }
  return {
    at: { host: '127.0.0.1', port: ports.p2p },
    logTail: () => child.tail(),
    [Symbol.asyncDispose]: stop,
  };
}

/** A SOCKS5 proxy, with user name and password if given. */
export const startMicrosocks = (username?: string, password = ''): Promise<RealProxy> =>
  start('microsocks', ({ p2p }) => [
    ...['-i', '127.0.0.1', '-p', String(p2p)],
    ...(username === undefined ? [] : ['-u', username, '-P', password]),
  ]);

function configured(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

export const startTor = (): Promise<RealProxy> =>
  start('tor', (ports, folder) => [
    ...['-f', configured(folder, 'torrc', torrc(folder, ports))],
    ...['--defaults-torrc', configured(folder, 'defaults', '')],
  ]);

export const startI2pd = (): Promise<RealProxy> =>
  start('i2pd', (ports, folder) => [
    `--conf=${configured(folder, 'i2pd.conf', i2pdConf(ports))}`,
    `--tunconf=${configured(folder, 'tunnels.conf', '')}`,
    `--datadir=${folder}`,
  ]);
