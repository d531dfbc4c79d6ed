/**
 * Contacts with a simulated population, without bytes: what the estimates are measured with, on the virtual clock. Each
 * node that is up answers one contact with a chance of its own; nodes come and go while the crawl runs.
 */
import type { ContactJob, ContactReport, Contacts } from '../../src/crawl/index.js';
import type { Clock } from '../../src/index.js';
import { Chance } from '../simulation/seeded-random.js';
import type { PlannedNode } from './simulated-network.js';

export interface PopulationOptions {
  readonly seed: number;
  readonly plan: readonly PlannedNode[];
  readonly clock: Clock;
  /** Departures and arrivals per hour, of all nodes that are up. */
  readonly churn: number;
}

/** Chances to answer one contact: most nodes nearly always, some are often full. */
const ANSWERS = [0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.95, 0.9, 0.6] as const;

interface Member {
  readonly node: PlannedNode;
  readonly answers: number;
  /** Moments between which it is up. */
  readonly from: number;
  readonly until: number;
}

const HOUR = 3_600_000;

export class SimulatedContacts implements Contacts {
  readonly contacted: string[] = [];
  readonly #members: ReadonlyMap<string, Member>;
  readonly #chance: Chance;
  readonly #clock: Clock;
  readonly #honest: number;
  #isCancelled = false;
  #from = Infinity;
  #until = 0;

  constructor(private readonly options: PopulationOptions) {
    this.#chance = new Chance(options.seed);
    this.#clock = options.clock;
    this.#honest = options.plan.filter(({ kind }) => kind === 'honest').length;
    this.#members = new Map(options.plan.map((node) => [node.addr, this.#memberOf(node)]));
  }

  /** Nodes that were up at some time between the first contact and the last. */
  get truth(): number {
    const isThere = ({ from, until }: Member): boolean => from <= this.#until && until > this.#from;
    return [...this.#members.values()].filter(isThere).length;
  }

  begin(job: ContactJob, done: (report: ContactReport | undefined) => void): void {
    const [startedat, t] = [this.#clock.now(), this.#clock.wall()];
    const member = this.#members.get(job.addr);
    this.contacted.push(job.addr);
    const isUp = member !== undefined && member.from <= startedat && startedat < member.until;
    this.#from = Math.min(this.#from, startedat);
    this.#until = startedat;
    const answered = isUp && this.#chance.often(member.answers);
    const duration = answered ? this.#chance.whole(100, 2_000) : 5_000;
    this.#clock.setTimeout(() => {
      if (this.#isCancelled) return done(undefined);
      done(this.#report(job, member?.node, { t, duration, answered, isUp }));
    }, duration);
  }

  cancel(): void {
    this.#isCancelled = true;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** One in `churn` an hour leaves; as many that are absent in the plan arrive. */
  #memberOf(node: PlannedNode): Member {
    const { churn, plan } = this.options;
    const answers = this.#chance.pick(ANSWERS);
    const fraction = (): number => (this.#chance.next() + 1) / 2 ** 32;
    const wait = (rate: number): number => (rate > 0 ? (-Math.log(fraction()) / rate) * HOUR : Infinity);
    if (node.kind !== 'absent') return { node, answers, from: 0, until: wait(churn) };
    const arrivals = (churn * this.#honest) / (plan.length - this.#honest);
    return { node, answers, from: wait(arrivals), until: Infinity };
  }

  #report(
    job: ContactJob,
    node: PlannedNode | undefined,
    { t, duration, answered, isUp }: { t: number; duration: number; answered: boolean; isUp: boolean },
  ): ContactReport {
    const base = {
      addr: job.addr,
      round: job.round,
      t,
      duration_ms: duration,
      dropped: 0,
      bytes: 0,
      vantage: 'test',
    };
    if (!answered || !node) {
      const code = isUp ? 'ERR_LINK_EOF' : 'ERR_TIME_CONNECT';
      const phases = isUp ? { connect: 1 } : {};
      const outcome = isUp ? 'rejected' : 'unreachable';
      return {
        ...base,
        outcome,
        reason: { code, facts: {} },
        v2: { tried: job.v2, succeeded: false },
        phases,
        replies: [],
      };
    }
    const addresses = node.advertises.map((index) => {
      const advertised = this.options.plan[index]!;
      return [advertised.addr, Math.floor(t / 1_000), advertised.services] as const;
    });
    return {
      ...base,
      outcome: 'reachable',
      reason: { code: 'END_DONE', facts: {} },
      peer: {
        ...{ version: 70016, subver: '/Satoshi:29.0.0/', services: node.services, startingheight: 900_000 },
        ...{ relaytxes: true, timeoffset: 0, negotiated: [], bytesrecv: 0 },
      },
      transport: job.v2 && node.v2 ? 'v2' : 'v1',
      v2: { tried: job.v2, succeeded: job.v2 && node.v2 },
      phases: { connect: 1, version: 1, verack: 1 },
      replies: [{ t, command: 'addrv2', status: 'complete', addresses, bytes: 0 }],
    };
  }
}
