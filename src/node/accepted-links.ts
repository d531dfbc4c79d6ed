/**
 * Stores accepted links until the supervisor has decided about them. A ticket identifies each link in the events and effects of
 * the supervisor machine.
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
  /** True: the first bytes decide between v1 and v2; false: v1 only. */
  readonly v2transport: boolean;
  /** Sends an event to the supervisor. */
  readonly supervise: (event: SupervisorEvent) => void;
  /** A link was closed before any byte was sent. */
  readonly refused: (addr: string, reason: Reason) => void;
}

/** Codes of refusals whose facts contain the source network and its limit. */
const SOURCE_CODES: readonly RefusalCode[] = ['ERR_POLICY_RATE', 'ERR_POLICY_PENDING', 'ERR_POLICY_SOURCE'];

export class AcceptedLinks {
  readonly #waiting = new Map<number, Arrival>();
  #lastticket = 0;

  constructor(private readonly options: AcceptedLinksOptions) {}

  /** Stores a link and asks the supervisor whether to accept it. */
  add(link: Link): void {
    const { pool, clock, supervise } = this.options;
    const ticket = ++this.#lastticket;
    const arrival = pool.inbound.arrivalOf(link, clock.now(), clock.wall() / 1_000);
    this.#waiting.set(ticket, arrival);
    const { banned, discouraged, exceeds, reserved } = arrival.facts;
    supervise({ type: 'link.accepted', ticket, banned, discouraged, exceeds, reserved });
  }

  /** The supervisor accepts the link: creates its connection. */
  accept(ticket: number): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { pool, v2transport: v2 } = this.options;
    const { link, noban, preferevict } = arrival;
    const { remote } = link;
    pool.spawn({ remote, link, noban, preferevict, connection_type: 'inbound', v2 });
  }

  /** The supervisor refuses the link: closes it before any byte is sent. */
  refuse(ticket: number, code: RefusalCode): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { link, refusal } = arrival;
    link.destroy();
    const isOfSource = refusal !== undefined && SOURCE_CODES.includes(code);
    const facts = isOfSource ? { source: refusal.source, limit: refusal.limit } : {};
    this.options.refused(formatEndpoint(link.remote), { code, facts });
  }

  /** Selects the inbound peer that the link may replace, and reports it to the supervisor. */
  selectPeerToEvict(ticket: number): void {
    const { pool, supervise } = this.options;
    const host = this.#waiting.get(ticket)?.link.remote.host ?? '';
    supervise({ type: 'eviction.selected', ticket, id: pool.selectPeerToEvict(host) });
  }

  #take(ticket: number): Arrival | undefined {
    const arrival = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return arrival;
  }
}
