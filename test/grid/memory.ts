/** The rig over links in memory: nothing waits, the virtual clock moves everything. */
import { type MemoryLink, memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { type Column, stateIn } from './cell.js';
import { versionOf } from './handshake.js';
import { before, type Before, Host, Other, Rig, shake } from './live.js';
import { type LinkAction, framed, type Row } from './row.js';

const HERE = { host: '127.0.0.1', port: 18444 };
const THERE = { host: '10.0.0.1', port: 18444 };
const ELSEWHERE = { host: '10.0.0.2', port: 18444 };
const NOBODY = { host: '10.0.0.4', port: 18444 };
const NEVER = 1e12;

/** A stage for one cell after the other; a dial to `ELSEWHERE`, or to a `held` peer, is never answered. */
interface Stage {
  readonly host: Host;
  readonly net: MemoryNet;
  held: boolean;
  /** The scripted side of the cell at hand, when it is the one that is dialled. */
  answerer: Other | undefined;
}

const stages = new Map<string, Stage>();

/** Time passes in these: the others keep a node whose wall clock says what their version messages say. */
const movesClock = ({ via, given }: Row): boolean =>
  given?.pings === 'pinged' ||
  (via.by === 'action' && (typeof via.action === 'object' || via.action === 'jump'));

/** Whoever asks for the same rules gets the same node. */
async function stageFor(row: Row): Promise<Stage> {
  const rules = row.given?.rules ?? {};
  const key = JSON.stringify([rules, movesClock(row)]);
  const found = stages.get(key);
  if (found) return found;
  let net!: MemoryNet;
  const latency = (_: unknown, to: { host: string }) =>
    to.host === ELSEWHERE.host || (stage.held && to.host === THERE.host) ? NEVER : 0;
  const host = new Host(rules, (timers) => (net = memoryNet({ timers, latency })));
  const stage: Stage = { host, net, held: false, answerer: undefined };
  stages.set(key, stage);
  await host.node.listen(HERE);
  await net.listen(THERE, (link) => stage.answerer?.take(link));
  return stage;
}

function connect({ net, host }: Stage, rig: Rig): void {
  const { other, column, row } = rig;
  const refuses = row.via.by === 'action' && row.via.action === 'refuse';
  if (column.type !== 'inbound') return rig.dial(refuses ? NOBODY : THERE);
  net.at(THERE.host).dial(HERE, { opened: (link) => other.take(link), failed: () => undefined });
  if (column.leaf !== 'connecting') host.clock.advance(0);
}

/** Somebody else, who dials the node and shows it its own nonce. */
function showItself({ host, net }: Stage): void {
  const stranger = new Other();
  net.at('10.0.0.3').dial(HERE, { opened: (link) => stranger.take(link), failed: () => undefined });
  host.clock.advance(0);
  stranger.send(framed(versionOf({ nonce: host.draws[0]! })));
}

function act(stage: Stage, rig: Rig, action: LinkAction): void {
  const { node, clock } = stage.host;
  if (action === 'end') rig.other.link.end();
  else if (action === 'sever') (rig.other.link as MemoryLink).sever();
  else if (action === 'close') node.close(rig.watched.id);
  else if (action === 'jump') clock.jump(20_000);
  else if (action === 'self') showItself(stage);
  else if (typeof action === 'object') clock.advance(action.pass);
}

/** Plays one cell; what was before, and the rig as it is after. */
export async function playInMemory(row: Row, column: Column): Promise<{ rig: Rig; was: Before }> {
  const stage = await stageFor(row);
  const rig = new Rig(stage.host, column, row);
  const settle = () => Promise.resolve(stage.host.clock.advance(0));
  await settle();
  const opens = row.via.by === 'action' && (row.via.action === 'open' || row.via.action === 'refuse');
  Object.assign(stage, { held: column.leaf === 'connecting' && !opens, answerer: rig.other });
  connect(stage, rig);
  if (column.leaf !== 'connecting') await shake(rig, settle);
  const was = column.leaf === 'connecting' && column.type === 'inbound' ? unborn(column) : before(rig);
  if (row.via.by === 'bytes') {
    stage.host.node.dial(ELSEWHERE);
    rig.other.send(row.via.bytes(rig.seen));
  }
  if (row.via.by === 'action') act(stage, rig, row.via.action);
  await settle();
  return { rig, was };
}

/** An accepted peer begins and opens in one call: nothing can be seen in between. */
const unborn = (column: Column): Before => ({
  ...{ context: stateIn(column).snapshot.context, state: 'connecting', heard: 0, events: 0 },
});
