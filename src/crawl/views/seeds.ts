/**
 * The dump format of bitcoin-seeder, which Bitcoin Core's `contrib/seeds/makeseeds.py` reads: address, good, last success,
 * uptime over 2 hours, 8 hours, 1, 7 and 30 days, height, services, version, user agent.
 *
 * A crawl has few contacts: each uptime is the share of answered contacts within that time, and 0.00% without contacts.
 */
import type { NodeRecord, Snapshot } from '../snapshot.js';

const HOUR = 3_600_000;
const WINDOWS = [2 * HOUR, 8 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR];
const HEADER =
  '# address                                        good  lastSuccess    %(2h)   %(8h)   %(1d)   %(7d)  %(30d)  blocks      svcs  version';

function uptime({ contacts }: NodeRecord, now: number, window: number): string {
  const own = contacts.filter(({ t }) => now - t <= window);
  const answered = own.filter((contact) => contact.answered).length;
  return `${(own.length === 0 ? 0 : (100 * answered) / own.length).toFixed(2)}%`.padStart(7);
}

function line(node: NodeRecord, now: number): string {
  const attempt = node.lastAnswered ?? node.last;
  const peer = attempt.peer;
  return [
    node.addr.padEnd(47),
    (node.lastAnswered ? '1' : '0').padStart(4),
    String(node.lastAnswered ? Math.floor(node.lastAnswered.t / 1_000) : 0).padStart(11),
    ...WINDOWS.map((window) => uptime(node, now, window)),
    String(peer?.startingheight ?? 0).padStart(6),
    (peer?.services ?? '').slice(8).padStart(8, '0'),
    String(peer?.version ?? 0),
    // makeseeds.py reads the text between the quotes, so it must not contain quotes.
    `"${(peer?.subver ?? '').replaceAll('"', "'").replace(/\s+/g, '_')}"`,
  ].join(' ');
}

/** The dump as text. `now`: UNIX time in milliseconds at which the uptimes end; default the time of the last contact. */
export function seedsView(snapshot: Snapshot, now?: number): string {
  const nodes = [...snapshot.nodes.values()].sort((a, b) => (a.addr < b.addr ? -1 : 1));
  const last = now ?? nodes.reduce((latest, { last }) => Math.max(latest, last.t), 0);
  return [HEADER, ...nodes.map((node) => line(node, last)), ''].join('\n');
}
