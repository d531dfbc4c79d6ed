/**
 * I2P keys and destinations: I2P's Base64, the address of a destination, and the file of our private key.
 *
 * A private key is in the format of SAM (`PRIV`): the destination, followed by the secret keys. The file has the format of
 * Core's `i2p_private_key`: the decoded bytes only.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, rm, writeFile } from 'node:fs/promises';

import { VerackError } from '../reasons.js';
import { formatAddress } from '../wire/addresses.js';
import { BIP155 } from '../wire/bip155.js';
import { readInputFile } from './input-file.js';

/** Stores the private key of a persistent session. Both functions may reject with a `VerackError`. */
export interface KeyStore {
  /** The stored key; undefined when there is none yet. */
  read(): Promise<Uint8Array | undefined>;
  /** Stores a new key. */
  write(key: Uint8Array): Promise<void>;
}

/** Bytes of a destination without its certificate. The last two of them are the certificate's length, big-endian. */
const DESTINATION_BASE = 387;
const CERTIFICATE_LENGTH_AT = 385;
/** Most bytes of a key file. Keys are much smaller, so a larger file is not a key. */
const MAX_KEY = 16_384;

/** Decodes I2P's Base64, which has `-` and `~` in place of `+` and `/`. Undefined for any other text. */
export function decodeI2pBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9~-]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Buffer.from(text.replaceAll('-', '+').replaceAll('~', '/'), 'base64');
}

/** Encodes bytes in I2P's Base64. */
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

function readKey(path: string): Uint8Array | undefined {
  const key = contentsOf(path);
  if (key && !destinationOf(key))
    throw new VerackError('ERR_DIAL_I2P_KEY', { path, why: 'the file does not contain an I2P private key' });
  return key;
}

/** The bytes of a file; none for one that is too large. Undefined when there is no file. */
function contentsOf(path: string): Uint8Array | undefined {
  try {
    return readInputFile(path, MAX_KEY);
  } catch (error) {
    if (error instanceof VerackError) return new Uint8Array();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refusal(error, path);
  }
}

/** Writes a temporary file and links it to `path`, so that an existing key is never overwritten and a partial key is never read. */
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
 * Stores the key in a file with mode 0600. Rejects with `ERR_LOCAL_LIMIT` (facts `syscode`, `path`) when the system refuses,
 * and with `ERR_DIAL_I2P_KEY` (facts `path`, `why`) when the file contains something else; such a file is not changed.
 */
export const keyFile = (path: string): KeyStore => ({
  read: () => Promise.resolve(path).then(readKey),
  write: (key) => writeKey(path, key),
});
