/** Grid cells on TCP on loopback: the node's clock is virtual, the bytes go through the system. */
import type { Rules } from '../../machines/index.js';
import type { Endpoint, Listener, Net } from '../../src/net/link.js';
import { tcpNet } from '../../src/net/tcp.js';
import { frame, NONE, type Row } from './row.js';
import type { Column } from './cell.js';
import {
  before,
  type Before,
  ObservedNode,
  MARK,
  ScriptedPeer,
  CellRun,
  type Settle,
  handshake,
} from './live.js';

const ANYWHERE: Endpoint = { host: '127.0.0.1', port: 0 };
/** Only ends what hangs. */
const TIMEOUT_MS = 60_000;
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

/** A node with the endpoints that its cells use. */
interface Setup {
  readonly observed: ObservedNode;
  readonly net: Net;
  readonly here: Endpoint;
  readonly there: Endpoint;
  readonly elsewhere: Endpoint;
  readonly listeners: readonly Listener[];
  answerer: ScriptedPeer | undefined;
}

const actionOf = ({ via }: Row): unknown => (via.by === 'action' ? via.action : undefined);

/** The cells of one player run one after another. */
export class TcpPlayer {
  readonly #setups = new Map<string, Setup>();

  async play(row: Row, column: Column): Promise<{ run: CellRun; was: Before }> {
    const setup = await this.#setupFor(row, column);
    const run = new CellRun(setup.observed, column, row);
    await connect(setup, run);
    const settle: Settle = (quiet) => settled(run, quiet);
    await handshake(run, settle);
    const was = before(run);
    await this.#act(setup, run);
    await settle(typeof actionOf(row) === 'object');
    run.remote.link.destroy();
    return { run, was };
  }

  async stop(): Promise<void> {
    for (const { observed, listeners } of this.#setups.values()) {
      await observed.node.stop();
      await Promise.all(listeners.map((listener) => listener.close()));
    }
  }

  async #act({ observed, elsewhere }: Setup, run: CellRun): Promise<void> {
    const { via } = run.row;
    if (via.by === 'bytes') {
      observed.node.dial(elsewhere);
      run.remote.send(via.bytes(run.nonces));
    }
    if (via.by !== 'action') return;
    if (via.action === 'end') run.remote.link.end();
    if (via.action === 'close') observed.node.close(run.peer.id);
    if (via.action === 'jump') observed.clock.jump(20_000);
    if (typeof via.action === 'object') observed.clock.advance(via.action.pass);
    observed.clock.advance(0);
    if (via.action === 'end') await until(run, () => run.peer.reason !== undefined);
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
  const observed = new ObservedNode(rules, () => net);
  const here = await observed.node.listen(ANYWHERE);
  const there = await net.listen(ANYWHERE, (link) => setup.answerer?.take(link));
  const elsewhere = await net.listen(ANYWHERE, (link) => new ScriptedPeer().take(link));
  const ends = { here: here.local, there: there.local, elsewhere: elsewhere.local };
  const setup: Setup = { observed, net, ...ends, listeners: [there, elsewhere], answerer: undefined };
  return setup;
}

async function connect(setup: Setup, run: CellRun): Promise<void> {
  const { remote, column } = run;
  setup.answerer = remote;
  if (column.type !== 'inbound') run.dial(setup.there);
  else setup.net.dial(setup.here, { opened: (link) => remote.take(link), failed: () => undefined });
  await until(run, () => remote.link !== undefined && run.observed.peers.length > 0);
  await until(run, () => run.peer.state !== 'connecting');
}

/** Resolves when `claim` holds; checked whenever either side received something. */
function until({ observed, remote, row }: CellRun, claim: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`timed out: ${row.name}`)), TIMEOUT_MS);
    const look = () => {
      if (!claim()) return;
      clearTimeout(timer);
      resolve();
    };
    observed.wake = remote.wake = look;
    look();
  });
}

/** A mark behind everything that was sent, then everything that the node sent, or its end. */
async function settled(run: CellRun, quiet = false): Promise<void> {
  const { remote, peer } = run;
  const over = () => peer.reason !== undefined;
  if (!quiet && !over() && remote.ended === '') {
    const marks = peer.marks;
    remote.send(MARKER);
    await until(run, () => over() || peer.marks > marks);
  }
  const ours = run.row.via.by === 'action' && run.row.via.action === 'end';
  await until(run, () => remote.received.length >= peer.sent && (!over() || ours || remote.ended !== ''));
}
