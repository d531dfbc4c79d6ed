/** The short form of `test/bench/v2.mjs`, which says more and compares results too when it is run by itself. */
import { execFile } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exactly, type Figure, type Row } from './figure.js';
import { pinned } from './machine.js';

const FILE = fileURLToPath(new URL('../../../test/bench/v2.mjs', import.meta.url));
const LIMIT_MS = 60_000;

/** The number on the line that starts so. */
function numberOf(output: string, label: string): number {
  const line = output.split('\n').find((text) => text.startsWith(label)) ?? '';
  const found = Number(/\s([\d.]+)\s*\S*\s*$/.exec(line.slice(label.length))?.[1] ?? NaN);
  if (Number.isNaN(found)) throw new Error(`test/bench/v2.mjs printed no ${label}`);
  return found;
}

export const v2: Figure = {
  name: 'v2',
  about: 'BIP324 key exchanges (key, shared secret, all keys) beside @scure/btc-signer',
  reading: 'times @scure/btc-signer',
  unit: 'exchanges/s and core',
  async run({ cores, rounds }) {
    const command = [execPath, FILE, '--rounds', String(rounds), '--cases', '20'];
    const { stdout } = await promisify(execFile)(...pinned(cores?.measured, command), { timeout: LIMIT_MS });
    const [ours, scure] = ['verack', 'scure'].map((who) => numberOf(stdout, `${who}: handshakes a second`));
    const rows: Row[] = [
      { who: 'verack', measured: exactly(ours ?? NaN) },
      { who: 'scure', measured: exactly(scure ?? NaN) },
    ];
    const bulk = ['received, of raw, one chunk each', 'received, of raw, chunks of 65,536', 'sent, of raw'];
    const notes = bulk.map((label) => `bulk of 64 kB ${label} ChaCha20-Poly1305: ${numberOf(stdout, label)}`);
    return { value: exactly(numberOf(stdout, 'ratio')), rows, notes };
  },
};
