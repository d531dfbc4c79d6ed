/**
 * The chains of Bitcoin and the parameters that a connection needs: magic, port, DNS seeds, fixed addresses.
 *
 * The values come from `src/kernel/chainparams.cpp`, the fixed seeds are a selection from `contrib/seeds/nodes_main.txt`, both
 * of bitcoin/bitcoin master at 58a7869f860f022e6163dc3fae3106a0599830c5. This file has data only, no I/O and no hashing.
 */
import { VerackError } from './reasons.js';

/** The names of the chains. */
export const NETWORK_NAMES = ['main', 'testnet3', 'testnet4', 'signet', 'regtest'] as const;
/** One of {@link NETWORK_NAMES}. */
export type NetworkName = (typeof NETWORK_NAMES)[number];

/** The network parameters of a chain. */
export interface Chain {
  readonly name: NetworkName;
  /** The name in Bitcoin Core's `-chain` option (`testnet3` is `test` there). */
  readonly chain: string;
  /** The first 4 bytes of every v1 frame, in the order in which they are sent. Must not be changed. */
  readonly magic: Uint8Array;
  /** `magic` as 8 lower-case hex digits. */
  readonly magicHex: string;
  /** The default TCP port. */
  readonly port: number;
  /** DNS names whose A and AAAA records are nodes of this chain, without service prefix and final dot. */
  readonly seeds: readonly string[];
  /** Addresses of nodes (`ip:port` or `[ip6]:port`), used when DNS returns none. */
  readonly fixedSeeds: readonly string[];
}

/** Eight IPv4 and four IPv6 nodes, no two in one /16 (IPv4) or /32 (IPv6), nor in one autonomous system per family. */
const MAIN_FIXED_SEEDS = [
  '18.167.227.198:8333',
  '45.55.212.100:8333',
  '51.159.34.73:8333',
  '65.109.53.250:8333',
  '144.137.29.181:8333',
  '162.19.102.6:8333',
  '193.37.255.146:8333',
  '213.112.57.7:8333',
  '[2001:41d0:602:f38::1]:8333',
  '[2001:bc8:1201:722:da5e:d3ff:fe49:9528]:8333',
  '[2400:6180:100:d0::2913:a002]:8333',
  '[2a01:4f8:13b:1e59::2]:8333',
];

const MAIN_SEEDS = [
  'dnsseed.bluematt.me',
  'seed.bitcoin.jonasschnelli.ch',
  'seed.btc.petertodd.net',
  'seed.bitcoin.sprovoost.nl',
  'dnsseed.emzy.de',
  'seed.bitcoin.wiz.biz',
  'seed.mainnet.achownodes.xyz',
];

const TESTNET3_SEEDS = [
  'testnet-seed.bitcoin.jonasschnelli.ch',
  'seed.tbtc.petertodd.net',
  'testnet-seed.bluematt.me',
  'seed.testnet.achownodes.xyz',
];

const TESTNET4_SEEDS = ['seed.testnet4.bitcoin.sprovoost.nl', 'seed.testnet4.wiz.biz'];
const SIGNET_SEEDS = ['seed.signet.bitcoin.sprovoost.nl', 'seed.signet.achownodes.xyz'];

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

type Row = Omit<Chain, 'magic' | 'chain'> & { readonly chain?: string };

function network(row: Row): Chain {
  return { chain: row.name, ...row, magic: fromHex(row.magicHex) };
}

/**
 * All chains; the key is the name. Regtest has no seeds here: Core lists `dummySeed.invalid` only for its own tests, and a query
 * for it would reveal a private test to a DNS server.
 */
export const NETWORKS: Readonly<Record<NetworkName, Chain>> = {
  main: network({
    name: 'main',
    magicHex: 'f9beb4d9',
    port: 8333,
    seeds: MAIN_SEEDS,
    fixedSeeds: MAIN_FIXED_SEEDS,
  }),
  testnet3: network({
    name: 'testnet3',
    chain: 'test',
    magicHex: '0b110907',
    port: 18333,
    seeds: TESTNET3_SEEDS,
    fixedSeeds: [],
  }),
  testnet4: network({
    name: 'testnet4',
    magicHex: '1c163f28',
    port: 48333,
    seeds: TESTNET4_SEEDS,
    fixedSeeds: [],
  }),
  signet: network({
    name: 'signet',
    magicHex: '0a03cf40',
    port: 38333,
    seeds: SIGNET_SEEDS,
    fixedSeeds: [],
  }),
  regtest: network({ name: 'regtest', magicHex: 'fabfb5da', port: 18444, seeds: [], fixedSeeds: [] }),
};

/**
 * The chain with that name, either ours or that of Core's `-chain` option: `main`, `test`, `testnet3`, `testnet4`, `signet`,
 * `regtest`, case-sensitive. Undefined for any other name.
 */
export function networkOf(name: string): Chain | undefined {
  return Object.values(NETWORKS).find((row) => row.name === name || row.chain === name);
}

/** The chain whose magic is the first four of `bytes`; undefined for fewer bytes or an unknown magic. */
export function knownMagic(bytes: Uint8Array): NetworkName | undefined {
  const hex = toHex(bytes.subarray(0, 4));
  return NETWORK_NAMES.find((name) => NETWORKS[name].magicHex === hex);
}

/** A function that computes double SHA-256; the result has 32 bytes. */
export type Sha256d = (bytes: Uint8Array) => Uint8Array;

/** The longest script, bytes (Core: `MAX_SCRIPT_SIZE`). */
const MAX_CHALLENGE_BYTES = 10_000;

function challengeBytes(challenge: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(challenge) || challenge.length > 2 * MAX_CHALLENGE_BYTES) {
    const why = `a signet challenge is a script of 1 to ${MAX_CHALLENGE_BYTES} bytes in hex`;
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: challenge.slice(0, 80), why });
  }
  return fromHex(challenge);
}

/** A length up to 65,535 as CompactSize. */
function lengthPrefix(length: number): number[] {
  return length < 253 ? [length] : [253, length & 0xff, length >> 8];
}

/**
 * A custom signet (BIP325). Its magic is the first 4 bytes of SHA256d(CompactSize length, challenge script), its port that of
 * signet. It has no seeds, because signet's seeds are for the default signet only; for the default challenge the result is signet.
 *
 * @param challenge - the block challenge script in hex, as for Core's `-signetchallenge`
 * @param sha256d - a parameter, because this file does no hashing
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `challenge` is not hex or too long
 */
export function signetNetwork(challenge: string, sha256d: Sha256d): Chain {
  const script = challengeBytes(challenge);
  const magicHex = toHex(
    sha256d(Uint8Array.from([...lengthPrefix(script.length), ...script])).subarray(0, 4),
  );
  if (magicHex === NETWORKS.signet.magicHex) return NETWORKS.signet;
  return network({ name: 'signet', magicHex, port: NETWORKS.signet.port, seeds: [], fixedSeeds: [] });
}
