import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { parseEndpoint } from '../src/net/endpoint.js';
import { knownMagic, NETWORKS, networkOf, signetNetwork } from '../src/networks.js';
import { VerackError } from '../src/reasons.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const sha256d = (bytes: Uint8Array) => sha256(sha256(bytes));

/** `src/kernel/chainparams.cpp`, SigNetParams, the default challenge. */
const DEFAULT_CHALLENGE =
  '512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430' +
  '210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae';

describe('the chains', () => {
  test.each([
    ['main', 'main', 'main', [0xf9, 0xbe, 0xb4, 0xd9], 8333, 7],
    ['test', 'testnet3', 'test', [0x0b, 0x11, 0x09, 0x07], 18333, 4],
    ['testnet3', 'testnet3', 'test', [0x0b, 0x11, 0x09, 0x07], 18333, 4],
    ['testnet4', 'testnet4', 'testnet4', [0x1c, 0x16, 0x3f, 0x28], 48333, 2],
    ['signet', 'signet', 'signet', [0x0a, 0x03, 0xcf, 0x40], 38333, 2],
    ['regtest', 'regtest', 'regtest', [0xfa, 0xbf, 0xb5, 0xda], 18444, 0],
  ])('%s', (spelling, name, chain, magic, port, seeds) => {
    const network = networkOf(spelling);
    expect(network).toMatchObject({ name, chain, port });
    expect([...(network?.magic ?? [])]).toEqual(magic);
    expect(network?.magicHex).toBe(Buffer.from(magic).toString('hex'));
    expect(network?.seeds).toHaveLength(seeds);
  });

  test.each(['mainnet', 'Main', '', 'toString'])('%p is not a chain', (name) => {
    expect(networkOf(name)).toBeUndefined();
  });

  test('every magic is known, and only those', () => {
    for (const network of Object.values(NETWORKS)) expect(knownMagic(network.magic)).toBe(network.name);
    expect(knownMagic(Uint8Array.of(0xf9, 0xbe, 0xb4, 0xd9, 0x76))).toBe('main');
    expect(knownMagic(Uint8Array.of(0xf9, 0xbe, 0xb4))).toBeUndefined();
    expect(knownMagic(Uint8Array.of(1, 2, 3, 4))).toBeUndefined();
  });
});

describe('the fixed seeds', () => {
  const seeds = NETWORKS.main.fixedSeeds.map((text) => parseEndpoint(text, 1));
  const group = (host: string) => (host.includes(':') ? host.split(':') : host.split('.')).slice(0, 2).join();

  test('are 8 IPv4 and 4 IPv6 endpoints on the default port', () => {
    expect(seeds.filter((seed) => seed.kind === 'ipv4')).toHaveLength(8);
    expect(seeds.filter((seed) => seed.kind === 'ipv6')).toHaveLength(4);
    expect(seeds.every((seed) => seed.port === NETWORKS.main.port)).toBe(true);
  });

  test('no two share a netgroup', () => {
    expect(new Set(seeds.map((seed) => group(seed.host))).size).toBe(seeds.length);
  });
});

describe('a custom signet', () => {
  test('the default challenge is the default signet', () => {
    expect(signetNetwork(DEFAULT_CHALLENGE, sha256d)).toBe(NETWORKS.signet);
    expect(signetNetwork(DEFAULT_CHALLENGE.toUpperCase(), sha256d).magicHex).toBe('0a03cf40');
  });

  test('OP_TRUE has its own magic, the port of signet and no seeds', () => {
    const network = signetNetwork('51', sha256d);
    expect(Buffer.from(network.magic)).toEqual(sha256d(Uint8Array.of(1, 0x51)).subarray(0, 4));
    expect(network).toMatchObject({
      name: 'signet',
      chain: 'signet',
      port: 38333,
      seeds: [],
      fixedSeeds: [],
    });
  });

  test('a challenge of 253 bytes and more gets the long CompactSize', () => {
    const script = Buffer.alloc(300, 0x51);
    const hashed = sha256d(Buffer.concat([Buffer.of(0xfd, 0x2c, 0x01), script]));
    expect(Buffer.from(signetNetwork(script.toString('hex'), sha256d).magic)).toEqual(hashed.subarray(0, 4));
  });

  test.each(['', '5', '5g', '0x51', '51'.repeat(10_001)])('refuses %p', (challenge) => {
    expect(() => signetNetwork(challenge, sha256d)).toThrow(VerackError);
  });
});
