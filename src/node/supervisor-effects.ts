/** Connects the effects of the supervisor machine to a handler object. */
import { assertEvent } from 'xstate';
import { type RefusalCode, supervisorMachine } from '../../machines/index.js';
import { handlersOf } from '../xstate/effect-handlers.js';

/** The effects of the supervisor machine; `ticket` identifies the request that is answered. */
export interface SupervisorEffects {
  /** Answers a request for an outbound slot. `code`: why it is refused; absent when it is granted. */
  answerSlot(ticket: number, code?: RefusalCode): void;
  accept(ticket: number): void;
  refuse(ticket: number, code: RefusalCode): void;
  selectPeerToEvict(ticket: number): void;
  evict(id: number): void;
  findCandidates(): void;
  openTargets(count: number, block: number): void;
  openAnchors(count: number): void;
  /** Starts the feeler timer. `delay`: milliseconds; 0 for no feeler. */
  armFeeler(delay: number): void;
  findFeeler(): void;
  openFeeler(): void;
  reportUnreachable(): void;
  reportFilled(): void;
  drain(): void;
  kill(): void;
}

const ticketOf = (event: object): number => ('ticket' in event ? Number(event.ticket) : 0);

/** The machine with its effects; `withHandlers` passes the {@link SupervisorEffects} to the actor. */
export const supervisorLogic = supervisorMachine.provide({
  actions: {
    'effect.grantSlot': ({ self, event }) => handlersOf<SupervisorEffects>(self).answerSlot(ticketOf(event)),
    'effect.refuseSlot': ({ self, event }, { code }) =>
      handlersOf<SupervisorEffects>(self).answerSlot(ticketOf(event), code),
    'effect.accept': ({ self, event }) => handlersOf<SupervisorEffects>(self).accept(ticketOf(event)),
    'effect.refuse': ({ self, event }, { code }) =>
      handlersOf<SupervisorEffects>(self).refuse(ticketOf(event), code),
    'effect.selectPeerToEvict': ({ self, event }) =>
      handlersOf<SupervisorEffects>(self).selectPeerToEvict(ticketOf(event)),
    'effect.evict': ({ self, event }) => {
      assertEvent(event, 'eviction.selected');
      handlersOf<SupervisorEffects>(self).evict(event.id);
    },
    'effect.findCandidates': ({ self }) => handlersOf<SupervisorEffects>(self).findCandidates(),
    'effect.openTargets': ({ self, context }) =>
      handlersOf<SupervisorEffects>(self).openTargets(context.opening, context.blockopening),
    'effect.openAnchors': ({ self, context }) =>
      handlersOf<SupervisorEffects>(self).openAnchors(context.opening),
    'effect.armFeeler': ({ self, context }) =>
      handlersOf<SupervisorEffects>(self).armFeeler(context.feelerdelay),
    'effect.findFeeler': ({ self }) => handlersOf<SupervisorEffects>(self).findFeeler(),
    'effect.openFeeler': ({ self }) => handlersOf<SupervisorEffects>(self).openFeeler(),
    'effect.reportUnreachable': ({ self }) => handlersOf<SupervisorEffects>(self).reportUnreachable(),
    'effect.reportFilled': ({ self }) => handlersOf<SupervisorEffects>(self).reportFilled(),
    'effect.drain': ({ self }) => handlersOf<SupervisorEffects>(self).drain(),
    'effect.kill': ({ self }) => handlersOf<SupervisorEffects>(self).kill(),
  },
});
