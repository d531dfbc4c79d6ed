/**
 * Figures of the v2 transport, beside @scure/btc-signer/p2p.js and the platform's own ciphers in the same run:
 *
 * npm run build && node test/bench/v2.mjs                    keys, shared secrets, bulk npm run build && node
 * test/bench/v2.mjs --cases 100000     also that many random cases compared with scure npm run build && node
 * test/bench/v2.mjs --profile          where the time of a handshake goes
 *
 * Times are CPU time of this process, so that a busy machine disturbs less; candidates take turns, and the median
 * of the rounds is shown. Ends with 1 when any result differs.
 */
import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createECDH, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import * as wire from '../../dist/src/wire/index.js';
import { sharedX, xswiftecInv } from '../../dist/src/wire/bip324/ellswift.js';
import * as field from '../../dist/src/wire/bip324/secp256k1/field.js';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '9' },
    profile: { type: 'boolean', default: false },
  },
});

const random = (size) => new Uint8Array(randomBytes(size));
const hex = (bytes) => (bytes === undefined ? '' : Buffer.from(bytes).toString('hex'));
const fromHex = (text) => new Uint8Array(Buffer.from(text, 'hex'));
const magic = fromHex('f9beb4d9');
const NOTHING = new Uint8Array(0);

/** CPU microseconds of one call, averaged over `times`. */
function cost(run, times) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** Median cost of each candidate, `[run, times per round]`, taking turns. The first round only warms up. */
function compare(candidates) {
  const costs = new Map(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const [name, [run, times]] of Object.entries(candidates)) {
      const one = cost(run, times);
      if (round > 0) costs.get(name).push(one);
    }
  }
  return Object.fromEntries([...costs].map(([name, all]) => [name, median(all)]));
}

const line = (name, value, unit) => console.log(`${name.padEnd(58)}${value.padStart(10)} ${unit}`);
const micro = (name, value) => line(name, value.toFixed(1), 'µs');

function keyExchange() {
  const theirs = random(64);
  const mine = wire.createV2Key(random);
  const scure = elligatorSwift.keygen();
  const platform = createECDH('secp256k1');
  platform.generateKeys();
  const point = createECDH('secp256k1').generateKeys();
  const found = compare({
    'verack: key': [() => wire.createV2Key(random), 300],
    'verack: shared secret and all keys': [() => mine.agree(theirs, true, magic), 300],
    'scure: key': [() => elligatorSwift.keygen(), 40],
    'scure: shared secret': [
      () => elligatorSwift.getSharedSecretBip324(scure.privateKey, theirs, scure.publicKey, true),
      40,
    ],
    'node:crypto: key, without ElligatorSwift': [() => platform.generateKeys(), 40],
    'node:crypto: x of a full point, without ElligatorSwift': [() => platform.computeSecret(point), 40],
  });
  for (const [name, value] of Object.entries(found)) micro(name, value);
  const ours = found['verack: key'] + found['verack: shared secret and all keys'];
  const other = found['scure: key'] + found['scure: shared secret'];
  line('verack: handshakes a second and core', (1e6 / ours).toFixed(0), '');
  line('scure: handshakes a second and core', (1e6 / other).toFixed(0), '');
  line('ratio', (other / ours).toFixed(1), '');
}

const CHUNK = 65_536;
const MESSAGES = 64;

/** 64 messages of 64 kB as one stream behind a version packet, cut like reads from a socket or one packet per chunk. */
function stream(keys) {
  const sender = wire.createPacketEncoder(keys, NOTHING);
  const start = Buffer.concat([sender.terminator, sender.version()]);
  const payload = random(CHUNK);
  const packets = Array.from({ length: MESSAGES }, () => sender.message('block', payload));
  const whole = Buffer.concat(packets);
  const reads = Array.from({ length: Math.ceil(whole.length / CHUNK) }, (_, i) =>
    whole.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
  return { start, packets, reads };
}

function receive(keys, start, chunks) {
  const receiver = wire.createPacketDecoder(keys);
  receiver.feed(start);
  let frames = 0;
  for (const chunk of chunks)
    for (const event of receiver.feed(chunk)) frames += event.kind === 'frame' ? 1 : 0;
  if (frames !== MESSAGES) throw new Error(`${frames} frames`);
}

const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: 16 };

function rawOpen(key, nonce, sealed, tag) {
  const cipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  cipher.setAuthTag(tag);
  cipher.update(sealed);
  cipher.final();
}

function rawSeal(key, nonce, payload) {
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  const sealed = cipher.update(payload);
  cipher.final();
  return { sealed, tag: cipher.getAuthTag() };
}

function bulk() {
  const keys = wire.deriveV2Keys(random(32), true, magic).send;
  const { start, packets, reads } = stream(keys);
  const payload = random(CHUNK);
  const nonce = random(12);
  const { sealed, tag } = rawSeal(keys.packets, nonce, payload);
  const sender = wire.createPacketEncoder(keys, NOTHING);
  const found = compare({
    'raw: decrypt 64 kB': [() => rawOpen(keys.packets, nonce, sealed, tag), 20 * MESSAGES],
    'verack: 64 messages of 64 kB, one chunk each': [() => receive(keys, start, packets), 20],
    'verack: the same in chunks of 65,536': [() => receive(keys, start, reads), 20],
    'raw: encrypt 64 kB': [() => rawSeal(keys.packets, nonce, payload), 20 * MESSAGES],
    'verack: send one message of 64 kB': [() => sender.message('block', payload), 20 * MESSAGES],
  });
  const [open, whole, cut, seal, send] = Object.values(found);
  for (const [name, value] of Object.entries(found)) micro(name, value);
  line('received, of raw, one chunk each', ((open * MESSAGES) / whole).toFixed(2), '');
  line('received, of raw, chunks of 65,536', ((open * MESSAGES) / cut).toFixed(2), '');
  line('sent, of raw', (seal / send).toFixed(2), '');
}

let differences = 0;
let compared = 0;

function same(what, ours, theirs) {
  compared++;
  if (hex(ours) === hex(theirs)) return;
  differences++;
  console.log(`DIFFERENT ${what}: ${hex(ours)} and ${hex(theirs)}`);
}

const rows = (name) =>
  readFileSync(new URL(`../data/${name}_test_vectors.csv`, import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((text) => text.split(','));

/** scure's inverse, as bytes. */
function scureInverse(x, u, kind) {
  const t = elligatorSwift._inv(BigInt(`0x${hex(x)}`), BigInt(`0x${hex(u)}`), kind);
  return t === undefined ? undefined : fromHex(t.toString(16).padStart(64, '0'));
}

function vectors() {
  for (const [encoded, x] of rows('ellswift_decode')) {
    same('decode', wire.decodeEllswift(fromHex(encoded)), fromHex(x));
    same('decode', elligatorSwift.decode(fromHex(encoded)), fromHex(x));
  }
  for (const [u, x, ...cases] of rows('xswiftec_inv')) {
    for (let kind = 0; kind < 8; kind++) {
      same('inverse', xswiftecInv(fromHex(x), fromHex(u), kind), fromHex(cases[kind]));
      same('inverse', scureInverse(fromHex(x), fromHex(u), kind), fromHex(cases[kind]));
    }
  }
  for (const [, secret, ours, theirs, initiating, , , , , , , x, shared] of rows('packet_encoding')) {
    const [key, a, b] = [secret, ours, theirs].map(fromHex);
    same('shared x', sharedX(key, b), fromHex(x));
    same('shared secret', wire.sharedSecret(key, a, b, initiating === '1'), fromHex(shared));
    const other = elligatorSwift.getSharedSecretBip324(key, b, a, initiating === '1');
    same('shared secret', other, fromHex(shared));
  }
}

/** One random case: decode, inverse, shared secret against scure; the encoding of a fresh key against the platform. */
function randomCase(i) {
  const [secret, theirs, u] = [random(32), random(64), random(32)];
  const ours = wire.encodeEllswift(secret, random);
  const platform = createECDH('secp256k1');
  platform.setPrivateKey(secret);
  same('key', wire.decodeEllswift(ours), platform.getPublicKey(null, 'compressed').subarray(1));
  const x = wire.decodeEllswift(theirs);
  same('decode', x, elligatorSwift.decode(theirs));
  same('inverse', xswiftecInv(x, u, i & 7), scureInverse(x, u, i & 7));
  const initiating = (i & 8) === 0;
  const other = elligatorSwift.getSharedSecretBip324(secret, theirs, ours, initiating);
  same('shared secret', wire.sharedSecret(secret, ours, theirs, initiating), other);
}

function profile() {
  // Not where every use of the curve clears its work.
  const [a, b] = field.eight(field.publicSlots(8));
  field.loadBytes(a, random(32));
  field.loadBytes(b, random(32));
  const [secret, theirs] = [random(32), random(64)];
  const found = compare({
    'field: product': [() => field.multiply(a, a, b), 100_000],
    'field: square, one of a hundred in a row': [() => field.square(a, a, 100), 2_000],
    'field: square root or inverse': [() => field.squareRoot(a, a), 2_000],
    'field: is it a square': [() => field.isSquare(a), 2_000],
    'ElligatorSwift: encode (key × G, inverse, four tries)': [() => wire.encodeEllswift(secret, random), 500],
    'ElligatorSwift: decode': [() => wire.decodeEllswift(theirs), 500],
    'x of key × theirs': [() => sharedX(secret, theirs), 500],
    'HKDF: seven HMACs': [() => wire.deriveV2Keys(secret, true, magic), 500],
  });
  for (const [name, value] of Object.entries(found)) line(name, value.toFixed(3), 'µs');
}

wire.createV2Key(random).wipe();
keyExchange();
bulk();
if (options.profile) profile();
vectors();
for (let i = 0; i < Number(options.cases); i++) randomCase(i);
line(`results compared, all vectors and ${options.cases} random cases`, String(compared), '');
line('different', String(differences), '');
process.exitCode = differences === 0 ? 0 : 1;
