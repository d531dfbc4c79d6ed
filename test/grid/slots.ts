/** The supervisor's cells on a running node: slots, refusals, automatic outbound connections and the end, in memory. */
import type { AcceptedFacts, SupervisorEvent } from '../../machines/index.js';
import { type BitcoinNode, createNode, VerackError, VirtualClock } from '../../src/index.js';
import type { Endpoint, Link } from '../../src/net/link.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { leafOf } from '../support/step.js';
import { GOOD, play } from '../support/scripted-node.js';
import { type GridEvent, isTimer, type Situation, stateAfter, stepperOf } from './supervisor.js';

const HERE = { host: '127.0.0.1', port: 18444 };
const SILENT = { host: '10.0.0.1', port: 18444 };
const OTHER = { host: '10.0.0.2', port: 18444 };

/** The result of a cell: the state, the counts, the code of a refusal and the reports. */
export interface Outcome {
  readonly state: string;
  readonly inbound: number;
  /** Without automatic connections only: those request their slots by themselves. */
  readonly outbound: number;
  readonly targets: number;
  readonly wanted: number;
  readonly candidates: number;
  readonly hasOutcome: boolean;
  readonly refused: string;
  readonly reports: readonly string[];
}

const SELECTS_NONE: SupervisorEvent = { type: 'eviction.selected', ticket: 1, id: 0 };

const isAutomatic = ({ input }: Situation): boolean => input.wanted > 0;

/** Why a cell cannot be brought about on a node; empty when it can. */
export function slotObstacle(name: string, situation: Situation, event: GridEvent): string {
  if (name.startsWith('draining')) return 'peers close at once, so draining is over before it can be seen';
  if (isAutomatic(situation)) return automaticObstacle(name, event);
  if (event.type === 'user.fill' || event.type === 'candidates.found')
    return 'sent only with automatic outbound connections';
  if (event.type === 'eviction.selected') return 'the node answers by itself when all slots are taken';
  if (event.type === 'link.accepted') return inboundObstacle(name, event);
  return event.type === 'slot.requested' ? requestObstacle(event, /outbound|full/.test(name)) : '';
}

function requestObstacle(
  { known, grouped }: Extract<SupervisorEvent, { type: 'slot.requested' }>,
  hasOutbound: boolean,
): string {
  if (grouped) return 'takes public addresses: see test/outbound-slots.test.ts';
  return known && !hasOutbound ? 'no address is known yet' : '';
}

/** What the one address of this net cannot show. */
function inboundObstacle(name: string, facts: AcceptedFacts): string {
  const { banned, discouraged, exceeds, reserved } = facts;
  if (banned || discouraged || reserved > 0 || exceeds === 'rate' || exceeds === 'peers')
    return 'shown in test/inbound-policy.test.ts';
  const isPending = /inbound|full/.test(name);
  return exceeds === 'handshakes' && !isPending ? 'no handshake is pending yet' : '';
}

function automaticObstacle(name: string, event: GridEvent): string {
  if (name === 'manual' || event.type === 'user.fill') return 'a node sends user.fill when it is created';
  if (event.type === 'candidates.found' && !name.startsWith('finding')) return 'the source was not asked';
  return /^(slot|link|peer|eviction)/.test(event.type) ? 'slots are shown without automatic connections' : '';
}

const REPORTS: Readonly<Record<string, string>> = {
  'effect.reportUnreachable': 'unreachable',
  'effect.reportFilled': 'filled',
};

/** The outcome that the machine gives; peers that are asked to close do so at once. */
export function expectedOutcome(situation: Situation, event: GridEvent): Outcome {
  const stepper = stepperOf(situation.input);
  let { snapshot, actions } = stepper.next(stateAfter(situation).snapshot, event);
  // The only inbound peer is protected.
  if (actions.some(({ type }) => type === 'effect.selectPeerToEvict'))
    ({ snapshot, actions } = stepper.next(snapshot, SELECTS_NONE));
  const types = actions.map(({ type }) => type);
  const refusal = actions.find(({ type }) => type.startsWith('effect.refuse'))?.params as
    { code: string } | undefined;
  while (snapshot.value === 'draining') {
    const ended: SupervisorEvent = { type: 'peer.ended', id: 1, inbound: snapshot.context.inbound > 0 };
    ({ snapshot, actions } = stepper.next(snapshot, ended));
  }
  const { inbound, outbound, targets, wanted, candidates, hasOutcome } = snapshot.context;
  return {
    ...{ state: leafOf(snapshot.value), inbound, outbound: isAutomatic(situation) ? 0 : outbound },
    ...{ targets, wanted, candidates, hasOutcome, refused: refusal?.code ?? '' },
    reports: types.flatMap((type) => REPORTS[type] ?? []),
  };
}

/** A node on a net in memory, and the peers that it dials. */
class RunningNode {
  readonly clock = new VirtualClock();
  readonly net: MemoryNet = memoryNet({ timers: this.clock });
  readonly node: BitcoinNode;
  #inboundCount = 0;
  #answer: (addresses: readonly (Endpoint & { source: string })[]) => void = () => undefined;
  /** The remote ends of automatic connections: silent, and established. */
  readonly #silent: Link[] = [];
  readonly #established: Link[] = [];
  #candidateCount = 0;
  refused = '';
  reports: string[] = [];

  constructor({ input }: Situation) {
    const { wanted: slots, once, maxinbound, maxoutbound, drainTimeout } = input;
    const source = { find: () => new Promise<never>((resolve) => (this.#answer = resolve as never)) };
    this.node = createNode({
      ...{ chain: 'regtest', clock: this.clock, net: this.net, maxpending: 1 },
      ...{ maxinbound, maxoutbound, drainTimeout, rules: { requiredServices: '0000000000000000' } },
      ...(slots > 0 && { outbound: { slots, once, blockrelay: 0, feelerInterval: 0, source } }),
    });
    this.node.on('refused', ({ reason }) => (this.refused = reason.code));
    this.node.on('unreachable', () => void this.reports.push('unreachable'));
    this.node.on('filled', () => void this.reports.push('filled'));
  }

  async bring(event: GridEvent): Promise<void> {
    this.reports = [];
    if (isTimer(event)) this.clock.advance(this.node.supervisor.getSnapshot().context.delay);
    else await this.#bringEvent(event);
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(0);
  }

  async #bringEvent(event: SupervisorEvent): Promise<void> {
    if (event.type === 'slot.requested') this.#dial(event.known);
    if (event.type === 'link.accepted') this.#connectInbound(event.exceeds === 'handshakes');
    if (event.type === 'user.stop') await this.node.stop();
    if (event.type === 'peer.ended') this.node.close(this.#peer(event.inbound));
    if (event.type === 'candidates.found') await this.#findCandidates(event.count);
    if (event.type === 'target.established') this.#establish();
    if (event.type === 'target.ended') (event.established ? this.#established : this.#silent).shift()?.end();
  }

  /** Each has a /24 of its own, unless that of the first is to be crowded. */
  #connectInbound(crowded: boolean): void {
    const host = `10.1.${crowded ? 1 : ++this.#inboundCount}.3`;
    this.net.at(host).dial(HERE, { opened: () => undefined, failed: () => undefined });
  }

  #dial(known: boolean): void {
    const fresh = this.node.peers.list().some(({ inbound }) => !inbound) ? OTHER : SILENT;
    this.node
      .dial(known ? SILENT : fresh)
      .established()
      .catch((error: unknown) => {
        if (error instanceof VerackError && error.code.startsWith('ERR_POLICY_')) this.refused = error.code;
      });
  }

  #peer(inbound: boolean): number {
    return this.node.peers.list().find((peer) => peer.inbound === inbound)?.id ?? 0;
  }

  async #findCandidates(count: number): Promise<void> {
    const addresses = Array.from({ length: count }, () => ({
      ...{ host: `10.2.0.${++this.#candidateCount}`, port: 18444, source: 'test' },
    }));
    for (const at of addresses) await this.net.listen(at, (link) => void this.#silent.push(link));
    this.#answer(addresses);
  }

  #establish(): void {
    const link = this.#silent.shift();
    if (!link) return;
    this.#established.push(link);
    play(link, GOOD);
  }
}

/** What a node does in the cell. */
export async function outcomeOnNode(situation: Situation, event: GridEvent): Promise<Outcome> {
  const running = new RunningNode(situation);
  await running.node.listen(HERE);
  for (const at of [SILENT, OTHER]) await running.net.listen(at, () => undefined);
  for (const each of situation.events) await running.bring(each);
  running.refused = '';
  await running.bring(event);
  const { value, context } = running.node.supervisor.getSnapshot();
  const { inbound, outbound, targets, wanted, candidates, hasOutcome } = context;
  const { refused, reports } = running;
  await running.node.stop();
  return {
    ...{ state: leafOf(value), inbound, outbound: isAutomatic(situation) ? 0 : outbound },
    ...{ targets, wanted, candidates, hasOutcome, refused, reports },
  };
}
