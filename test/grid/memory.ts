/** Grid cells on links in memory, on a virtual clock. */
import { type MemoryLink, memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { type Column, stateIn } from './cell.js';
import { versionOf } from './handshake.js';
import { before, type Before, ObservedNode, ScriptedPeer, CellRun, handshake } from './live.js';
import { type LinkAction, framed, type Row } from './row.js';

const HERE = { host: '127.0.0.1', port: 18444 };
const THERE = { host: '10.0.0.1', port: 18444 };
const ELSEWHERE = { host: '10.0.0.2', port: 18444 };
const REFUSING = { host: '10.0.0.4', port: 18444 };
const NEVER = 1e12;

/** A node for one cell after the other; a dial to `ELSEWHERE`, or to a `held` peer, is never answered. */
interface Setup {
  readonly observed: ObservedNode;
  readonly net: MemoryNet;
  held: boolean;
  /** The scripted side of the cell at hand, when it is the one that is dialled. */
  answerer: ScriptedPeer | undefined;
}

const setups = new Map<string, Setup>();

/** Rows in which time passes use a node of their own, because version messages hold the wall clock. */
const movesClock = ({ via, given }: Row): boolean =>
  given?.pings === 'pinged' ||
  (via.by === 'action' && (typeof via.action === 'object' || via.action === 'jump'));

/** One node for each set of rules. */
async function setupFor(row: Row): Promise<Setup> {
  const rules = row.given?.rules ?? {};
  const key = JSON.stringify([rules, movesClock(row)]);
  const found = setups.get(key);
  if (found) return found;
  let net!: MemoryNet;
  const latency = (_: unknown, to: { host: string }) =>
    to.host === ELSEWHERE.host || (setup.held && to.host === THERE.host) ? NEVER : 0;
  const observed = new ObservedNode(rules, (timers) => (net = memoryNet({ timers, latency })));
  const setup: Setup = { observed, net, held: false, answerer: undefined };
  setups.set(key, setup);
  await observed.node.listen(HERE);
  await net.listen(THERE, (link) => setup.answerer?.take(link));
  return setup;
}

function connect({ net, observed }: Setup, run: CellRun): void {
  const { remote, column, row } = run;
  const refuses = row.via.by === 'action' && row.via.action === 'refuse';
  if (column.type !== 'inbound') return run.dial(refuses ? REFUSING : THERE);
  net.at(THERE.host).dial(HERE, { opened: (link) => remote.take(link), failed: () => undefined });
  if (column.leaf !== 'connecting') observed.clock.advance(0);
}

/** A third peer dials the node and sends it the node's own nonce. */
function sendOwnNonce({ observed, net }: Setup): void {
  const third = new ScriptedPeer();
  net.at('10.0.0.3').dial(HERE, { opened: (link) => third.take(link), failed: () => undefined });
  observed.clock.advance(0);
  third.send(framed(versionOf({ nonce: observed.draws[0]! })));
}

function act(setup: Setup, run: CellRun, action: LinkAction): void {
  const { node, clock } = setup.observed;
  if (action === 'end') run.remote.link.end();
  else if (action === 'sever') (run.remote.link as MemoryLink).sever();
  else if (action === 'close') node.close(run.peer.id);
  else if (action === 'jump') clock.jump(20_000);
  else if (action === 'self') sendOwnNonce(setup);
  else if (typeof action === 'object') clock.advance(action.pass);
}

/** Plays one cell; returns the state before the event, and the run after it. */
export async function playInMemory(row: Row, column: Column): Promise<{ run: CellRun; was: Before }> {
  const setup = await setupFor(row);
  const run = new CellRun(setup.observed, column, row);
  const settle = () => Promise.resolve(setup.observed.clock.advance(0));
  await settle();
  const opens = row.via.by === 'action' && (row.via.action === 'open' || row.via.action === 'refuse');
  Object.assign(setup, { held: column.leaf === 'connecting' && !opens, answerer: run.remote });
  connect(setup, run);
  if (column.leaf !== 'connecting') await handshake(run, settle);
  const was = column.leaf === 'connecting' && column.type === 'inbound' ? notStarted(column) : before(run);
  if (row.via.by === 'bytes') {
    setup.observed.node.dial(ELSEWHERE);
    run.remote.send(row.via.bytes(run.nonces));
  }
  if (row.via.by === 'action') act(setup, run, row.via.action);
  await settle();
  return { run, was };
}

/** An accepted peer begins and opens in one call: nothing can be seen in between. */
const notStarted = (column: Column): Before => ({
  ...{ context: stateIn(column).snapshot.context, state: 'connecting', received: 0, events: 0 },
});
