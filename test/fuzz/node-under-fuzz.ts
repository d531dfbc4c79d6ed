/**
 * One node that receives any bytes over a link in memory, on a virtual clock, beside a healthy peer. The node is kept
 * from input to input, so what one leaves behind shows in the next.
 */
import { MAX_FEATURES } from '../../machines/index.js';
import { type BitcoinNode, type Clock, createNode, VirtualClock } from '../../src/index.js';
import type { Endpoint, Link } from '../../src/net/link.js';
import { memoryNet } from '../../src/net/memory.js';
import type { PeerInfo } from '../../src/node/peerinfo.js';
import { COMMANDS } from '../../src/wire/index.js';
import { Chance } from '../simulation/seeded-random.js';
import { Broken } from './stream.js';
import type { Input } from './mutate.js';

const OURS: Endpoint = { host: '10.0.0.1', port: 18444 };
const HEALTHY = '10.0.0.2';
const HOSTILE = '10.0.0.3';
/** Timers that one input may cost; a loop without time passing would run for ever. */
const MOST_TIMERS = 5_000;
const DROP_CODES = 5;
const LONGEST_CONTEXT = 3_000 + MAX_FEATURES * 90;
/** Past the handshake's deadline and one tick. */
const HANDSHAKE = 62_000;

/** Bytes of a pong; how often the healthy peer asks for one, a tick and the way there and back included. */
const PONG = 32;
const PING_EVERY = 122_000;

const settle = () => new Promise((resolve) => setImmediate(resolve));

export class FuzzedNode {
  readonly clock = new VirtualClock();
  readonly #timers: Clock = this.#counting();
  readonly #net = memoryNet({ timers: this.#timers });
  readonly #node = this.#make(OURS.host, 1);
  readonly #healthyPeer = this.#make(HEALTHY, 2);
  readonly ends = new Map<string, number>();
  #fired = 0;
  #port = 1_000;
  #idle = 0;

  /** The healthy peer is there first. */
  async begin(): Promise<this> {
    await this.#node.listen(OURS);
    this.#healthyPeer.dial(OURS);
    this.clock.advance(1_000);
    this.#idle = this.clock.armed;
    this.#node.on('ended', ({ lastreason }) => this.#note(lastreason?.code ?? 'none'));
    return this;
  }

  /** Throws {@link Broken} when the node breaks a rule. `waits`: until the handshake deadline has passed. */
  async attack({ role, pieces }: Input, waits: boolean): Promise<void> {
    this.#fired = 0;
    const from = { host: HOSTILE, port: (this.#port = (this.#port % 60_000) + 1) };
    const link = await this.#connect(role, from);
    for (const piece of pieces) link.write([piece]);
    this.clock.advance(waits ? HANDSHAKE : 100);
    this.#judge();
    this.#part(link);
  }

  /** Stops both; nothing may be left. */
  async end(): Promise<void> {
    const pongs = (this.#healthyPeer.peers.list()[0]?.bytesrecv_per_msg.pong ?? 0) / PONG;
    must(pongs >= Math.floor(this.clock.now() / PING_EVERY), `only ${pongs} pongs for the healthy peer`);
    const stopped = Promise.all([this.#node.stop(), this.#healthyPeer.stop()]);
    await settle();
    this.clock.advance(10_000);
    await stopped;
    must(this.clock.armed + this.#net.links.size === 0, 'a timer or a link is left');
  }

  async #connect(role: Input['role'], from: Endpoint): Promise<Link> {
    let link: Link | undefined;
    const open = (opened: Link) => {
      link = opened;
      opened.attach({ data: () => undefined, closed: () => undefined });
    };
    if (role === 'accepted') {
      this.#net.at(HOSTILE).dial(OURS, { opened: open, failed: () => undefined });
      this.clock.advance(1);
    } else {
      const listener = await this.#net.listen(from, open);
      this.#node.dial(from);
      this.clock.advance(1);
      await listener.close();
    }
    return link!;
  }

  #judge(): void {
    must(this.#fired < MOST_TIMERS, `${this.#fired} timers fired`);
    const [healthyPeer, ...others] = this.#node.peers.list();
    must(healthyPeer?.state === 'established', 'the healthy peer is gone');
    must(others.length <= 1, `${others.length} hostile peers`);
    for (const peer of others) judgePeer(peer);
  }

  /** The hostile side closes the connection; the node must then be in its previous state. */
  #part(link: Link): void {
    link.destroy();
    this.clock.advance(100);
    must(this.#node.peers.size === 1, 'the hostile peer outlives its link');
    must(this.clock.armed <= this.#idle + 1, `${this.clock.armed} timers, ${this.#idle} before`);
    must(this.#net.links.size === 2, `${this.#net.links.size} links`);
  }

  #note(code: string): void {
    this.ends.set(code, (this.ends.get(code) ?? 0) + 1);
    must(code !== 'none' && code !== 'ERR_LOCAL_BUG', `an end by ${code}`);
  }

  #make(host: string, seed: number): BitcoinNode {
    const chance = new Chance(seed);
    const random = (count: number) => chance.bytes(count);
    return createNode({ chain: 'regtest', clock: this.#timers, net: this.#net.at(host), random });
  }

  #counting(): Clock {
    const { clock } = this;
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      setTimeout: (fn, ms) => clock.setTimeout(() => this.#fire(fn), ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
  }

  #fire(fn: () => void): void {
    this.#fired += 1;
    must(this.#fired < 2 * MOST_TIMERS, 'it does not come to rest');
    fn();
  }
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/** The state that a peer can cause in the node is bounded, whatever it sends. */
function judgePeer(peer: PeerInfo): void {
  must(Object.keys(peer.bytesrecv_per_msg).length <= COMMANDS.length + 1, 'counts of unknown commands');
  must(Object.keys(peer.dropped).length <= DROP_CODES, 'counts of unknown codes');
  must(peer.negotiated.length <= MAX_FEATURES + 4, `${peer.negotiated.length} features`);
  const size = JSON.stringify(peer).length;
  must(size < LONGEST_CONTEXT, `${size} characters are known of a peer`);
  must((peer.nextdeadline?.in ?? -1) >= 0, `no deadline in ${peer.state}`);
}
