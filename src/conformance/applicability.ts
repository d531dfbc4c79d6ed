/** Which cases can be run against a node, and why the others cannot. */
import { type Case, type Need, NEEDS, type Step, type When } from './case.js';
import { frameOf } from './message-bytes.js';
import type { NodeInfo, NodeUnderTest } from './node-under-test.js';
import { dialTypeOf } from './case-run.js';
import type { Chain } from '../networks.js';

/** A polite tester sends no case with more bytes than this. */
const POLITE_BYTES = 2_000;
/** Cases with these tags make a node work, or make it think ill of us. */
const RUDE: readonly string[] = ['limits', 'misbehaving', 'discourage', 'slots'];

/** Everything that decides on a case. */
export interface Occasion {
  readonly subject: NodeUnderTest;
  readonly chain: Chain;
  readonly portrait: NodeInfo;
  readonly polite: boolean;
}

/** Why the case is not run; undefined when it is. */
export function obstacleOf(it: Case, occasion: Occasion): string | undefined {
  return (
    unmet(it, occasion.subject) ??
    unfit(it, occasion) ??
    unsaid(it.when ?? {}, occasion) ??
    undialled(it, occasion) ??
    (occasion.polite && isRude(it, occasion.chain)
      ? 'not against a node that is not yours (--polite)'
      : undefined)
  );
}

/** What a socket alone cannot give; for a list without a node. */
export const needsOf = ({ needs = [], config }: Case): string[] =>
  needs.map((need) => (need === 'config' ? `${NEEDS.config}: ${options(config)}` : NEEDS[need]));

const options = (config: Case['config'] = {}): string =>
  Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

function unmet(it: Case, { clock, peers, meets = [] }: NodeUnderTest): string | undefined {
  const met = (need: Need): boolean =>
    meets.includes(need) ||
    (need === 'clock' && clock !== undefined) ||
    (need === 'peers' && peers !== undefined);
  const missing = (it.needs ?? []).filter((need) => !met(need));
  return missing.length === 0 ? undefined : needsOf({ ...it, needs: missing }).join('; ');
}

function unfit({ dialects, listener = 'any', transport }: Case, { portrait }: Occasion): string | undefined {
  if (!dialects.includes(portrait.dialect))
    return `holds for ${dialects.map(spelt).join(' and ')}, the node announces ${portrait.version}`;
  const wants = transport === 'v2' ? 'v2-capable' : listener;
  if (wants === 'any' || wants === portrait.listener) return undefined;
  return `holds for a ${wants} node, this one is ${portrait.listener}`;
}

const spelt = (dialect: string): string =>
  dialect === 'd70017' ? '70017 and later' : 'versions below 70017';

function unsaid(
  { relay, offers, lacks, sends, chain: only }: When,
  { portrait, chain }: Occasion,
): string | undefined {
  const { services } = portrait;
  if (relay !== undefined && relay !== portrait.relay)
    return `holds for relay=${relay}, the node announces relay=${portrait.relay}`;
  if (offers && !offers.some((name) => services.includes(name)))
    return `holds for nodes that offer ${offers.join(' or ')}`;
  const excess = lacks?.find((name) => services.includes(name));
  if (excess !== undefined) return `holds for nodes that do not offer ${excess}`;
  if (sends !== undefined && !portrait.sends.includes(sends)) return `holds for nodes that send ${sends}`;
  return only !== undefined && only !== chain.chain ? `holds on ${only}` : undefined;
}

function undialled(it: Case, { subject: { dialler }, portrait }: Occasion): string | undefined {
  if (it.role === 'inbound') return undefined;
  if (!dialler) return 'the node has to dial us (--dial-command or --dial-by-hand)';
  if (dialTypeOf(it, dialler.types) === undefined)
    return `the node cannot be told to make a connection of type ${it.connection_type ?? ''} ({type} in --dial-command)`;
  return it.transport === 'v1' && portrait.listener === 'v2-capable' && !dialler.choosesV2
    ? 'the node would dial with v2 ({v2} in --dial-command)'
    : undefined;
}

/** Whether a case floods, or counts as misbehaviour. */
export function isRude(it: Case, chain: Chain): boolean {
  const sizes = it.steps.map((step) => bytesOf(step, chain));
  return (
    it.tags.some((tag) => RUDE.includes(tag)) || sizes.reduce((sum, size) => sum + size, 0) > POLITE_BYTES
  );
}

/** What a step sends, about. */
function bytesOf(step: Step, chain: Chain): number {
  const { op, messages = [], append_messages = [], zeros = 0, garbage_len = 0, decoys = [] } = step;
  const reference = { chain, captured: new Map<string, Uint8Array>() };
  const said = op === 'send' ? [...messages, ...append_messages] : append_messages;
  const framed = said.map((message) => frameOf(message, reference).length);
  return [...framed, ...decoys, zeros, garbage_len].reduce((sum, size) => sum + size, 0);
}
