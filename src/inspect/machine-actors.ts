/**
 * The actors of machines that are not part of a connection (outbound targets, supervisors): the state, the time of its last
 * change, and the scalar values of the context. Works for every machine in `MACHINES`.
 */
import type { Reason } from '../index.js';
import { MACHINES } from '../../machines/index.js';
import type { Entry } from './actor-registry.js';
import type { ActorRow } from './page/feed-messages.js';

/** Most actors. The oldest ended ones are removed first; if none has ended, new ones are not added. */
export const MAX_ACTORS = 200;

/** The members of a context that are read. */
interface Context {
  readonly reason?: Reason | null;
  readonly name?: string;
  readonly addresses?: readonly string[];
  readonly current?: number;
}

/** The rows by key. */
export class MachineActors {
  readonly #rows = new Map<string, ActorRow>();
  /** Increases with every change. */
  version = 0;

  /** Stores the state of an actor; `node` is the name of its node. */
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
