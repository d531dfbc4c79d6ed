/** A network of nodes that find each other by gossip alone, in memory and on a virtual clock; the same for the same seed. */
import { type AddressBook, createAddressBook } from '../../src/addresses/index.js';
import { type BitcoinNode, createNode, type NodeOptions, VirtualClock } from '../../src/index.js';
import { memoryNet } from '../../src/net/memory.js';
import { servicesOf } from '../../src/wire/index.js';
import { Chance } from '../simulation/seeded-random.js';
import { addressOf, recordAt } from './addresses.js';

const PORT = 18_444;
const SERVICES = servicesOf('NETWORK', 'WITNESS');

/** A public address in a netgroup of its own. */
export const hostOf = (number: number): string => `${20 + Math.floor(number / 200)}.${number % 200}.1.1`;

/** One node with its address book. */
export interface Member {
  readonly host: string;
  readonly node: BitcoinNode;
  readonly book: AddressBook;
}

export class GossipingNetwork {
  readonly clock = new VirtualClock();
  readonly members: Member[] = [];
  readonly #net = memoryNet({ timers: this.clock, latency: 20 });

  readonly #chance: Chance;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
  }

  /** A listening node with these hosts in its address book. `dials`: it fills outbound slots. */
  async join(host: string, known: readonly string[], dials = true): Promise<Member> {
    const chance = this.#chance.fork(this.members.length);
    const random = (count: number): Uint8Array => chance.bytes(count);
    const book = createAddressBook({ key: random(32), clock: this.clock, random });
    const now = Math.floor(this.clock.wall() / 1_000);
    for (const each of known) {
      const service = { ...addressOf(each), port: PORT };
      book.add([recordAt(service, now)], service);
    }
    const own: NodeOptions = {
      ...{ chain: 'regtest', clock: this.clock, net: this.#net.at(host), random },
      ...{ services: SERVICES, addressBook: book },
      ...(dials && { outbound: { slots: 8 } }),
    };
    const node = createNode(own);
    const member = { host, node, book };
    this.members.push(member);
    await node.listen({ host, port: PORT });
    return member;
  }

  /** Lets `ms` pass, the answers of address books included. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async stop(): Promise<void> {
    const stopped = Promise.all(this.members.map(({ node }) => node.stop()));
    this.clock.advance(5_000);
    await stopped;
  }
}

/** The hosts that a member is connected to by itself, by type. */
export function outboundOf({ node }: Member, type: string): string[] {
  const isOpen = (peer: { connection_type: string; state: string }): boolean =>
    peer.connection_type === type && peer.state === 'established';
  return node.peers
    .list()
    .filter(isOpen)
    .map(({ addr }) => addr.replace(`:${PORT}`, ''));
}
