/** The rig over links in memory, on a virtual clock. */
import { type MemoryLink, memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { type Column, stateIn } from './cell.js';
import { versionOf } from './handshake.js';
import { before, type Before, Host, Other, Rig, shake } from './live.js';
import { type LinkAction, framed, type Row } from './row.js';

const HERE = { host: '127.0.0.1', port: 18444 };
const THERE = { host: '10.0.0.1', port: 18444 };
const ELSEWHERE = { host: '10.0.0.2', port: 18444 };
const REFUSING = { host: '10.0.0.4', port: 18444 };
const NEVER = 1e12;

/** A node for one cell after the other; a dial to `ELSEWHERE`, or to a `held` peer, is never answered. */
interface Setup {
  readonly host: Host;
  readonly net: MemoryNet;
  held: boolean;
  /** The scripted side of the cell at hand, when it is the one that is dialled. */
  answerer: Other | undefined;
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
  const host = new Host(rules, (timers) => (net = memoryNet({ timers, latency })));
  const setup: Setup = { host, net, held: false, answerer: undefined };
  setups.set(key, setup);
  await host.node.listen(HERE);
  await net.listen(THERE, (link) => setup.answerer?.take(link));
  return setup;
}

function connect({ net, host }: Setup, rig: Rig): void {
  const { other, column, row } = rig;
  const refuses = row.via.by === 'action' && row.via.action === 'refuse';
  if (column.type !== 'inbound') return rig.dial(refuses ? REFUSING : THERE);
  net.at(THERE.host).dial(HERE, { opened: (link) => other.take(link), failed: () => undefined });
  if (column.leaf !== 'connecting') host.clock.advance(0);
}

/** A third peer dials the node and sends it the node's own nonce. */
function sendOwnNonce({ host, net }: Setup): void {
  const third = new Other();
  net.at('10.0.0.3').dial(HERE, { opened: (link) => third.take(link), failed: () => undefined });
  host.clock.advance(0);
  third.send(framed(versionOf({ nonce: host.draws[0]! })));
}

function act(setup: Setup, rig: Rig, action: LinkAction): void {
  const { node, clock } = setup.host;
  if (action === 'end') rig.other.link.end();
  else if (action === 'sever') (rig.other.link as MemoryLink).sever();
  else if (action === 'close') node.close(rig.watched.id);
  else if (action === 'jump') clock.jump(20_000);
  else if (action === 'self') sendOwnNonce(setup);
  else if (typeof action === 'object') clock.advance(action.pass);
}

/** Plays one cell; what was before, and the rig as it is after. */
export async function playInMemory(row: Row, column: Column): Promise<{ rig: Rig; was: Before }> {
  const setup = await setupFor(row);
  const rig = new Rig(setup.host, column, row);
  const settle = () => Promise.resolve(setup.host.clock.advance(0));
  await settle();
  const opens = row.via.by === 'action' && (row.via.action === 'open' || row.via.action === 'refuse');
  Object.assign(setup, { held: column.leaf === 'connecting' && !opens, answerer: rig.other });
  connect(setup, rig);
  if (column.leaf !== 'connecting') await shake(rig, settle);
  const was = column.leaf === 'connecting' && column.type === 'inbound' ? notStarted(column) : before(rig);
  if (row.via.by === 'bytes') {
    setup.host.node.dial(ELSEWHERE);
    rig.other.send(row.via.bytes(rig.seen));
  }
  if (row.via.by === 'action') act(setup, rig, row.via.action);
  await settle();
  return { rig, was };
}

/** An accepted peer begins and opens in one call: nothing can be seen in between. */
const notStarted = (column: Column): Before => ({
  ...{ context: stateIn(column).snapshot.context, state: 'connecting', heard: 0, events: 0 },
});
