/** The supervisor's grid: situations, events, and what comes of each. */
import {
  ignoredReason,
  type SupervisorEvent,
  type SupervisorInput,
  supervisorMachine,
} from '../../machines/index.js';
import { armedAfter, Stepper } from '../support/step.js';

export const LIMITS: SupervisorInput = { maxinbound: 1, maxoutbound: 1, drainTimeout: 2_000 };

const dial = (known: boolean): SupervisorEvent => ({ type: 'dial.requested', ticket: 1, known });
const accept = (crowded: boolean): SupervisorEvent => ({ type: 'link.accepted', ticket: 1, crowded });
const ACCEPT = accept(false);
const STOP: SupervisorEvent = { type: 'user.stop' };
const ended = (inbound: boolean): SupervisorEvent => ({ type: 'peer.ended', id: 1, inbound });

/** How to get into each situation, with one slot for each direction. */
export const SITUATIONS: Readonly<Record<string, readonly SupervisorEvent[]>> = {
  'running, nobody': [],
  'running, one dialled': [dial(false)],
  'running, one accepted': [ACCEPT],
  'running, full': [dial(false), ACCEPT],
  'draining, two left': [dial(false), ACCEPT, STOP],
  'draining, one accepted left': [ACCEPT, STOP],
  'draining, one dialled left': [dial(false), STOP],
};

interface DrainTimeout {
  readonly type: 'xstate.after.drainTimeout.supervisor.draining';
}
export type Happening = SupervisorEvent | DrainTimeout;

export const isTimer = (happening: Happening): happening is DrainTimeout =>
  happening.type.startsWith('xstate.');

export const HAPPENINGS: Readonly<Record<string, Happening>> = {
  'dial.requested, a new address': dial(false),
  'dial.requested, a known address': dial(true),
  'link.accepted': ACCEPT,
  'link.accepted, its source is crowded': accept(true),
  'peer.ended, accepted': ended(true),
  'peer.ended, dialled': ended(false),
  'user.stop': STOP,
  'timer: drainTimeout': { type: 'xstate.after.drainTimeout.supervisor.draining' },
};

/** Only who is there can leave. */
export const isAbsurd = (
  happening: Happening,
  { inbound, outbound }: { inbound: number; outbound: number },
): boolean => happening.type === 'peer.ended' && (happening.inbound ? inbound : outbound) === 0;

/** The pure machine in a situation, and what becomes of it. */
export const stepper = new Stepper(supervisorMachine, LIMITS);

export function stateAfter(situation: readonly SupervisorEvent[]) {
  let { snapshot, actions } = stepper.begin();
  let armed = armedAfter(new Map(), actions);
  for (const event of situation) {
    ({ snapshot, actions } = stepper.next(snapshot, event));
    armed = armedAfter(armed, actions);
  }
  return { snapshot, armed };
}

/** The cell as text, and the branch that decided. */
export function supervisorCell(situation: readonly SupervisorEvent[], happening: Happening) {
  const { snapshot, armed } = stateAfter(situation);
  if (isAbsurd(happening, snapshot.context)) return { text: 'there is none', branch: undefined };
  if (happening.type.startsWith('xstate.') && !armed.has(happening.type))
    return { text: 'not armed', branch: undefined };
  const [branch] = stepper.taken(snapshot, happening) as { description?: string }[];
  const next = stepper.next(snapshot, happening);
  const effects = next.actions
    .filter(({ type }) => type.startsWith('effect.'))
    .map(({ type, params }) =>
      [type.slice(7), (params as { code?: string } | undefined)?.code].join(' ').trim(),
    );
  const moved = next.snapshot.value === snapshot.value ? '' : `→ ${String(next.snapshot.value)}`;
  const { inbound, outbound } = next.snapshot.context;
  const counted = snapshot.context.inbound !== inbound || snapshot.context.outbound !== outbound;
  const counts = counted ? `now ${outbound} dialled, ${inbound} accepted` : '';
  const text = [...effects, moved, counts].filter((part) => part !== '').join(', ');
  const why = branch?.description ?? ignoredReason('supervisor', snapshot.value, happening.type) ?? '';
  return { text: text || `ignored: ${why}`, branch };
}
