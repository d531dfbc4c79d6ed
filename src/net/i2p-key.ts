/**
 * I2P keys and destinations: I2P's Base64, the address of a destination, and the file that keeps our private key.
 *
 * A private key is as SAM gives it (`PRIV`): the destination and the secret keys behind it. The file is Core's
 * `i2p_private_key`: the decoded bytes and nothing else.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';

import { VerackError } from '../reasons.js';
import { formatAddress } from '../wire/addresses.js';
import { BIP155 } from '../wire/bip155.js';

/** Where the private key of a persistent session is kept. Both may reject with a `VerackError`. */
export interface KeyStore {
  /** Undefined when there is none yet. */
  read(): Promise<Uint8Array | undefined>;
  /** Keeps the key. */
  write(key: Uint8Array): Promise<void>;
}

/** Bytes of a destination without its certificate, whose length the last two of them hold. */
const DESTINATION_BASE = 387;
const CERTIFICATE_LENGTH_AT = 385;
/** No key is near this size; a file that is larger is another file. */
const MAX_KEY = 16_384;

/** Base64 with `-` and `~` in place of `+` and `/`. Undefined for anything else. */
export function decodeI2pBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9~-]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Buffer.from(text.replaceAll('-', '+').replaceAll('~', '/'), 'base64');
}

export const encodeI2pBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '~');

/** The destination at the start of a private key (or of a destination); undefined when the key is too short. */
export function destinationOf(key: Uint8Array): Uint8Array | undefined {
  if (key.length < DESTINATION_BASE) return undefined;
  const length = DESTINATION_BASE + Buffer.from(key).readUInt16BE(CERTIFICATE_LENGTH_AT);
  return key.length < length ? undefined : key.subarray(0, length);
}

/** The `.b32.i2p` address of a private key or of a destination; undefined when it is neither. */
export function i2pAddressOf(key: Uint8Array): string | undefined {
  const destination = destinationOf(key);
  if (!destination) return undefined;
  const addr = createHash('sha256').update(destination).digest();
  return formatAddress({ networkID: BIP155.i2p.id, addr });
}

const refusal = (error: unknown, path: string): VerackError =>
  new VerackError('ERR_LOCAL_LIMIT', { syscode: (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN', path });

async function readKey(path: string): Promise<Uint8Array | undefined> {
  const key = await readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refusal(error, path);
  });
  if (key && (key.length > MAX_KEY || !destinationOf(key))) {
    throw new VerackError('ERR_DIAL_I2P_KEY', { path, why: 'the file holds no I2P private key' });
  }
  return key;
}

/** Writes beside the place and links, so that an existing key is never overwritten and no half of one is ever read. */
async function writeKey(path: string, key: Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, key, { mode: 0o600, flag: 'wx' });
    await link(draft, path);
  } catch (error) {
    throw refusal(error, path);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/**
 * Keeps the key in a file that only its owner can read. Rejects with `ERR_LOCAL_LIMIT` (facts `syscode`, `path`) when the
 * system refuses, with `ERR_DIAL_I2P_KEY` (facts `path`, `why`) when the file holds something else; it is left as it is.
 */
export const keyFile = (path: string): KeyStore => ({
  read: () => readKey(path),
  write: (key) => writeKey(path, key),
});
