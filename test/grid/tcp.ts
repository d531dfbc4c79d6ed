/** The rig over TCP on loopback: the node's clock is virtual, the bytes go through the system. */
import type { Rules } from '../../machines/index.js';
import type { Endpoint, Listener, Net } from '../../src/net/link.js';
import { tcpNet } from '../../src/net/tcp.js';
import { frame, NONE, type Row } from './row.js';
import type { Column } from './cell.js';
import { before, type Before, Host, MARK, Other, Rig, type Settle, shake } from './live.js';

const ANYWHERE: Endpoint = { host: '127.0.0.1', port: 0 };
const TIMEOUT_MS = 5_000;
const MARKER = frame(MARK, NONE);

/** The columns that are played unless `GRID_TCP=all` asks for every one. */
const CHOSEN = [
  'awaitingVersion inbound',
  'versionSent outbound-full-relay',
  'versionReceived inbound',
  'established inbound',
  'established manual',
];

/** Why a cell is not played over TCP; empty when it is. */
export function unfit({ via }: Row, { leaf, type }: Column): string {
  if (leaf === 'connecting') return 'the system connects when it likes';
  if (process.env.GRID_TCP !== 'all' && !CHOSEN.includes(`${leaf} ${type}`))
    return 'played with GRID_TCP=all';
  if (via.by === 'action' && via.action === 'sever') return 'a reset is not ours to make';
  return via.by === 'action' && via.action === 'self' ? 'played in memory' : '';
}

/** A host with the endpoints that cells on it use. */
interface Setup {
  readonly host: Host;
  readonly net: Net;
  readonly here: Endpoint;
  readonly there: Endpoint;
  readonly elsewhere: Endpoint;
  readonly listeners: readonly Listener[];
  answerer: Other | undefined;
}

const actionOf = ({ via }: Row): unknown => (via.by === 'action' ? via.action : undefined);

/** Cells on one player run one after the other. */
export class TcpPlayer {
  readonly #setups = new Map<string, Setup>();

  async play(row: Row, column: Column): Promise<{ rig: Rig; was: Before }> {
    const setup = await this.#setupFor(row, column);
    const rig = new Rig(setup.host, column, row);
    await connect(setup, rig);
    const settle: Settle = (quiet) => settled(rig, quiet);
    await shake(rig, settle);
    const was = before(rig);
    await this.#act(setup, rig);
    await settle(typeof actionOf(row) === 'object');
    rig.other.link.destroy();
    return { rig, was };
  }

  async stop(): Promise<void> {
    for (const { host, listeners } of this.#setups.values()) {
      await host.node.stop();
      await Promise.all(listeners.map((listener) => listener.close()));
    }
  }

  async #act({ host, elsewhere }: Setup, rig: Rig): Promise<void> {
    const { via } = rig.row;
    if (via.by === 'bytes') {
      host.node.dial(elsewhere);
      rig.other.send(via.bytes(rig.seen));
    }
    if (via.by !== 'action') return;
    if (via.action === 'end') rig.other.link.end();
    if (via.action === 'close') host.node.close(rig.watched.id);
    if (via.action === 'jump') host.clock.jump(20_000);
    if (typeof via.action === 'object') host.clock.advance(via.action.pass);
    host.clock.advance(0);
    if (via.action === 'end') await until(rig, () => rig.watched.reason !== undefined);
  }

  /** A node per set of rules, and one more for the cells in which time passes. */
  async #setupFor({ given, via }: Row, { type }: Column): Promise<Setup> {
    const passes =
      given?.age !== undefined || (via.by === 'action' && via.action !== 'end' && via.action !== 'close');
    const key = JSON.stringify([given?.rules, passes, type === 'inbound']);
    const setup = this.#setups.get(key) ?? (await setupOf(given?.rules ?? {}));
    this.#setups.set(key, setup);
    return setup;
  }
}

async function setupOf(rules: Partial<Rules>): Promise<Setup> {
  const net = tcpNet();
  const host = new Host(rules, () => net);
  const here = await host.node.listen(ANYWHERE);
  const there = await net.listen(ANYWHERE, (link) => setup.answerer?.take(link));
  const elsewhere = await net.listen(ANYWHERE, (link) => new Other().take(link));
  const ends = { here: here.local, there: there.local, elsewhere: elsewhere.local };
  const setup: Setup = { host, net, ...ends, listeners: [there, elsewhere], answerer: undefined };
  return setup;
}

async function connect(setup: Setup, rig: Rig): Promise<void> {
  const { other, column } = rig;
  setup.answerer = other;
  if (column.type !== 'inbound') rig.dial(setup.there);
  else setup.net.dial(setup.here, { opened: (link) => other.take(link), failed: () => undefined });
  await until(rig, () => other.link !== undefined && rig.host.peers.length > 0);
  await until(rig, () => rig.watched.state !== 'connecting');
}

/** Resolves when `claim` holds; looked at whenever either side has heard something. */
function until({ host, other, row }: Rig, claim: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`timed out: ${row.name}`)), TIMEOUT_MS);
    const look = () => {
      if (!claim()) return;
      clearTimeout(timer);
      resolve();
    };
    host.wake = other.wake = look;
    look();
  });
}

/** A mark behind everything that was sent, then everything that the node sent, or its end. */
async function settled(rig: Rig, quiet = false): Promise<void> {
  const { other, watched } = rig;
  const over = () => watched.reason !== undefined;
  if (!quiet && !over() && other.ended === '') {
    const marks = watched.marks;
    other.send(MARKER);
    await until(rig, () => over() || watched.marks > marks);
  }
  const ours = rig.row.via.by === 'action' && rig.row.via.action === 'end';
  await until(rig, () => other.heard.length >= watched.sent && (!over() || ours || other.ended !== ''));
}
