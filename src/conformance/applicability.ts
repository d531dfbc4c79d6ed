/** Decides which cases apply to a node, and gives the reason for those that do not. */
import { type Case, type Need, NEEDS, type Step, type When } from './case.js';
import { frameOf } from './message-bytes.js';
import type { NodeInfo, NodeUnderTest } from './node-under-test.js';
import { dialTypeOf } from './case-run.js';
import type { Chain } from '../index.js';

/** Most bytes that a case may send in polite mode. */
const POLITE_BYTES = 2_000;
/** A case that sends more bytes keeps a node busy for tens of milliseconds. */
const LARGE_BYTES = 500_000;
/** Cases with these tags load a node, or count as misbehaviour. */
const DISRUPTIVE_TAGS: readonly string[] = ['limits', 'misbehaving', 'discourage', 'slots'];

/** Everything on which the decision depends. */
export interface RunConditions {
  readonly subject: NodeUnderTest;
  readonly chain: Chain;
  readonly nodeinfo: NodeInfo;
  readonly polite: boolean;
}

/** Why the case is not run; undefined when it is. */
export function skipReasonOf(it: Case, conditions: RunConditions): string | undefined {
  return (
    missingNeeds(it, conditions.subject) ??
    otherKindOfNode(it, conditions) ??
    otherAnnouncement(it.when ?? {}, conditions) ??
    cannotDial(it, conditions) ??
    (conditions.polite && isDisruptive(it, conditions.chain)
      ? 'not against a node that is not yours (--polite)'
      : undefined)
  );
}

/** What a case needs besides a socket, as sentences for a list of cases. */
export const needsOf = ({ needs = [], config }: Case): string[] =>
  needs.map((need) => (need === 'config' ? `${NEEDS.config}: ${options(config)}` : NEEDS[need]));

const options = (config: Case['config'] = {}): string =>
  Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

function missingNeeds(it: Case, { clock, peers, meets = [] }: NodeUnderTest): string | undefined {
  const met = (need: Need): boolean =>
    meets.includes(need) ||
    (need === 'clock' && clock !== undefined) ||
    (need === 'peers' && peers !== undefined);
  const missing = (it.needs ?? []).filter((need) => !met(need));
  return missing.length === 0 ? undefined : needsOf({ ...it, needs: missing }).join('; ');
}

function otherKindOfNode(
  { dialects, listener = 'any', transport }: Case,
  { nodeinfo }: RunConditions,
): string | undefined {
  if (!dialects.includes(nodeinfo.dialect))
    return `applies to ${dialects.map(dialectText).join(' and ')}; the node announces ${nodeinfo.version}`;
  const wants = transport === 'v2' ? 'v2-capable' : listener;
  if (wants === 'any' || wants === nodeinfo.listener) return undefined;
  return `applies to a ${wants} node; this one is ${nodeinfo.listener}`;
}

const dialectText = (dialect: string): string =>
  dialect === 'd70017' ? '70017 and later' : 'versions below 70017';

function otherAnnouncement(
  { relay, offers, lacks, sends, chain: only }: When,
  { nodeinfo, chain }: RunConditions,
): string | undefined {
  const { services } = nodeinfo;
  if (relay !== undefined && relay !== nodeinfo.relay)
    return `applies to relay=${relay}; the node announces relay=${nodeinfo.relay}`;
  if (offers && !offers.some((name) => services.includes(name)))
    return `applies to nodes that offer ${offers.join(' or ')}`;
  const excess = lacks?.find((name) => services.includes(name));
  if (excess !== undefined) return `applies to nodes that do not offer ${excess}`;
  if (sends !== undefined && !nodeinfo.sends.includes(sends)) return `applies to nodes that send ${sends}`;
  return only !== undefined && only !== chain.chain ? `applies to the chain ${only}` : undefined;
}

function cannotDial(it: Case, { subject: { dialler }, nodeinfo }: RunConditions): string | undefined {
  if (it.role === 'inbound') return undefined;
  if (!dialler) return 'needs the node to dial the tester (--dial-command or --dial-by-hand)';
  if (dialTypeOf(it, dialler.types) === undefined)
    return `the node cannot be asked for a connection of type ${it.connection_type ?? ''} ({type} in --dial-command)`;
  return it.transport === 'v1' && nodeinfo.listener === 'v2-capable' && !dialler.choosesV2
    ? 'the node would dial with v2 ({v2} in --dial-command)'
    : undefined;
}

/** Whether a case sends much, or counts as misbehaviour. */
export const isDisruptive = (it: Case, chain: Chain): boolean =>
  it.tags.some((tag) => DISRUPTIVE_TAGS.includes(tag)) || bytesOfCase(it, chain) > POLITE_BYTES;

/** Whether a case sends so much that the node may not answer other connections meanwhile. Such cases run one at a time. */
export const isLarge = (it: Case, chain: Chain): boolean => bytesOfCase(it, chain) > LARGE_BYTES;

const bytesOfCase = ({ steps }: Case, chain: Chain): number =>
  steps.reduce((sum, step) => sum + bytesOf(step, chain), 0);

/** The approximate number of bytes that a step sends. */
function bytesOf(step: Step, chain: Chain): number {
  const { op, messages = [], append_messages = [], zeros = 0, garbage_len = 0, decoys = [] } = step;
  const reference = { chain, captured: new Map<string, Uint8Array>() };
  const sent = op === 'send' ? [...messages, ...append_messages] : append_messages;
  const framed = sent.map((message) => frameOf(message, reference).length);
  return [...framed, ...decoys, zeros, garbage_len].reduce((sum, size) => sum + size, 0);
}
