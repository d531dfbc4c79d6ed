/** Rules and context updates of the outbound machine. */
import { REASONS, type ReasonCode } from '../src/reasons.js';
import type { OutboundContext, OutboundEvent, OutboundInput } from './events.js';
import { redialDelay } from './policy.js';

type Change = Partial<OutboundContext>;
type EventOf<T extends OutboundEvent['type']> = Extract<OutboundEvent, { type: T }>;

/** A connection that was established for this long resets the backoff, milliseconds. */
export const BACKOFF_RESET_AFTER = 60_000;
/**
 * Rounds in succession that end in a connection to this node itself, after which the target is abandoned. One is not enough:
 * another peer can cause it by sending back our nonce.
 */
export const MAX_SELF_CONNECTIONS = 3;

const NO_ADDRESSES: readonly string[] = Object.freeze([]);

export const initial = (input: OutboundInput): OutboundContext => ({
  id: input.id,
  connection_type: input.connection_type,
  name: input.name,
  addresses: input.addresses,
  current: 0,
  persistent: input.persistent,
  v2: input.v2,
  v2only: input.v2only,
  v1addresses: NO_ADDRESSES,
  established: false,
  failures: 0,
  selfconnections: 0,
  delay: 0,
  reason: null,
});

/** The address that is dialled now; empty before the name was looked up. */
export const currentAddress = (context: OutboundContext): string => context.addresses[context.current] ?? '';

/** Whether the current address is dialled with BIP324. */
export const usesV2 = (context: OutboundContext): boolean =>
  context.v2 && !context.v1addresses.includes(currentAddress(context));

export const hasAnotherAddress = (context: OutboundContext): boolean =>
  context.current + 1 < context.addresses.length;

/** Whether a failed attempt may be followed by one with v1: at most once per address, because `usesV2` is false afterwards. */
export const mayUseV1 = (context: OutboundContext): boolean => usesV2(context) && !context.v2only;

/** Removes addresses from `v1addresses` that the name no longer has, so that the list stays bounded. */
export const found = (context: OutboundContext, event: EventOf<'lookup.done'>): Change => ({
  addresses: event.addresses,
  v1addresses: context.v1addresses.filter((address) => event.addresses.includes(address)),
  current: 0,
});

export const v1 = (context: OutboundContext): Change => ({
  v1addresses: [...context.v1addresses, currentAddress(context)],
});

/** Whether another round may succeed after one that ended with this code. */
export function mayRetry(context: OutboundContext, code: ReasonCode): boolean {
  if (!context.persistent) return false;
  if (code === 'ERR_PROTO_SELF') return context.selfconnections + 1 < MAX_SELF_CONNECTIONS;
  // A name may have another address at its next lookup.
  if (code === 'ERR_POLICY_DUPLICATE') return context.name !== '';
  const { retry, family } = REASONS[code];
  // A name that led to a suitable node before may do so again, although its address belongs to another host for a while.
  if (context.name !== '' && context.established && family !== 'local') return true;
  return retry === 'later';
}

export function failed(
  context: OutboundContext,
  event: EventOf<'lookup.failed' | 'slot.refused' | 'peer.ended'>,
): Change {
  const haslasted = event.type === 'peer.ended' && event.lasted >= BACKOFF_RESET_AFTER;
  const failures = haslasted ? 1 : context.failures + 1;
  const isSelf = event.reason.code === 'ERR_PROTO_SELF';
  return {
    reason: event.reason,
    failures,
    selfconnections: isSelf ? context.selfconnections + 1 : 0,
    delay: redialDelay(failures, event.draw),
  };
}
