/**
 * The actors of machines that are not part of a connection (outbound targets, supervisors): state, since when, and the
 * plain facts of the context. Works for each machine of `MACHINES`.
 */
import type { Reason } from '../index.js';
import { MACHINES } from '../../machines/index.js';
import type { Entry } from './actor-registry.js';
import type { ActorRow } from './page/feed-messages.js';

/** Actors that are kept; the oldest ended ones go first, and beyond that new ones are not shown. */
export const MAX_ACTORS = 200;

/** What is read of a context. */
interface Context {
  readonly reason?: Reason | null;
  readonly name?: string;
  readonly addresses?: readonly string[];
  readonly current?: number;
}

export class MachineActors {
  readonly #rows = new Map<string, ActorRow>();
  /** Grows with every change. */
  version = 0;

  /** Takes the state of an actor; `node` is the name of its node. */
  update(node: string, entry: Entry): void {
    const machine = machineOf(entry.name);
    if (machine === undefined) return;
    const key = node === '' ? entry.name : `${node}.${entry.name}`;
    const before = this.#rows.get(key);
    if (!before && !this.#hasRoom()) return;
    this.#rows.set(key, rowOf({ key, machine }, entry, before));
    this.version += 1;
  }

  list(): ActorRow[] {
    return [...this.#rows.values()];
  }

  #hasRoom(): boolean {
    if (this.#rows.size < MAX_ACTORS) return true;
    const ended = this.list().find(({ ended }) => ended);
    return ended !== undefined && this.#rows.delete(ended.key);
  }
}

/** `outbound.3` and `supervisor`; undefined for the machines of a connection. */
function machineOf(name: string): string | undefined {
  const [id] = name.split('.');
  if (id === 'peer' || id === 'transport') return undefined;
  return MACHINES.find((machine) => machine.name === id)?.name;
}

function rowOf(
  names: Pick<ActorRow, 'key' | 'machine'>,
  entry: Entry,
  before: ActorRow | undefined,
): ActorRow {
  const context = (entry.snapshot.context ?? {}) as Context;
  const state = leafOf(entry);
  const target = [context.name, context.addresses?.[context.current ?? 0]].find(Boolean) ?? '';
  return {
    ...names,
    target,
    state,
    stateat: before?.state === state ? before.stateat : Date.now(),
    ended: entry.snapshot.status !== 'active',
    facts: scalarsOf(context),
    ...(context.reason && { reason: context.reason }),
  };
}

const scalarsOf = (context: object): ActorRow['facts'] =>
  Object.fromEntries(
    Object.entries(context).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  );

/** The innermost state; the status of an actor that was stopped or has failed. */
export function leafOf({ snapshot }: Entry): string {
  const { status } = snapshot;
  let { value } = snapshot;
  if (status === 'error' || status === 'stopped') return status;
  while (typeof value === 'object' && value !== null) value = Object.values(value)[0];
  return String(value);
}
