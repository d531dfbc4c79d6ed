/**
 * Links that a listener accepted, until the supervisor has decided: a ticket identifies each of them in the events and
 * effects of the supervisor machine.
 */
import type { RefusalCode, SupervisorEvent } from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Clock } from '../net/environment.js';
import type { Link } from '../net/link.js';
import type { Reason } from '../reasons.js';
import type { Arrival } from './inbound-policy.js';
import type { PeerPool } from './peer-pool.js';

export interface AcceptedLinksOptions {
  readonly pool: Pick<PeerPool, 'inbound' | 'spawn' | 'selectPeerToEvict'>;
  readonly clock: Clock;
  /** Let the first bytes decide between v1 and v2. */
  readonly v2transport: boolean;
  /** Sends an event to the supervisor. */
  readonly supervise: (event: SupervisorEvent) => void;
  /** A link was closed without a byte. */
  readonly refused: (addr: string, reason: Reason) => void;
}

/** Refusals whose facts name the source and the limit. */
const SOURCE_CODES: readonly RefusalCode[] = ['ERR_POLICY_RATE', 'ERR_POLICY_PENDING', 'ERR_POLICY_SOURCE'];

export class AcceptedLinks {
  readonly #waiting = new Map<number, Arrival>();
  #lastticket = 0;

  constructor(private readonly options: AcceptedLinksOptions) {}

  /** Asks the supervisor what to do with a link. */
  add(link: Link): void {
    const { pool, clock, supervise } = this.options;
    const ticket = ++this.#lastticket;
    const arrival = pool.inbound.arrivalOf(link, clock.now(), clock.wall() / 1_000);
    this.#waiting.set(ticket, arrival);
    const { banned, discouraged, exceeds, reserved } = arrival.facts;
    supervise({ type: 'link.accepted', ticket, banned, discouraged, exceeds, reserved });
  }

  /** Creates the peer of a link. */
  accept(ticket: number): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { pool, v2transport: v2 } = this.options;
    const { link, noban, preferevict } = arrival;
    const { remote } = link;
    pool.spawn({ remote, link, noban, preferevict, connection_type: 'inbound', v2 });
  }

  /** Closes a link without a byte. */
  refuse(ticket: number, code: RefusalCode): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { link, refusal } = arrival;
    link.destroy();
    const isOfSource = refusal !== undefined && SOURCE_CODES.includes(code);
    const facts = isOfSource ? { source: refusal.source, limit: refusal.limit } : {};
    this.options.refused(formatEndpoint(link.remote), { code, facts });
  }

  /** Tells the supervisor which inbound peer a link may replace. */
  selectPeerToEvict(ticket: number): void {
    const { pool, supervise } = this.options;
    const newcomer = this.#waiting.get(ticket)?.link.remote.host ?? '';
    supervise({ type: 'eviction.selected', ticket, id: pool.selectPeerToEvict(newcomer) });
  }

  #take(ticket: number): Arrival | undefined {
    const arrival = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return arrival;
  }
}
