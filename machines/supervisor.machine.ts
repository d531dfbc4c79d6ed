/**
 * The parent of all peers and outbound targets: assigns slots, fills the outbound ones, and stops the node.
 *
 *   running (manual | finding → filling ⇄ waiting | filled) → draining → stopped
 *
 * Outbound slots follow Bitcoin Core's `ThreadOpenConnections`: outbound-full-relay and block-relay-only connections (the
 * anchors of the last run first), and feelers at random times while all slots have a target.
 *
 * The context has only counts, so that the cost of a new peer does not depend on the number of peers. The peer actors and the
 * outbound actors are in two pools that the running program provides. A peer actor that crashed is a `peer.ended` too.
 */
import { type AnyActorLogic, assertEvent, assign, fromCallback, setup } from 'xstate';
import type { RefusalCode, SupervisorContext, SupervisorEvent, SupervisorInput } from './events.js';
import { lacksSlotForDiscouraged, lacksInboundSlot, poissonDelay, redialDelay } from './policy.js';

/** Added to the number of rounds for the backoff: the first delay is that after a fifth failure, 8 to 16 s. */
const FIRST_ROUND = 4;

const freeSlots = ({ wanted, targets, candidates }: SupervisorContext): number =>
  Math.max(0, Math.min(wanted - targets, candidates));

/** How many of the `opening` next targets are block-relay-only: full-relay slots are filled first, as in Core. */
function blockShare(
  { wanted, blockwanted, targets, blocktargets }: SupervisorContext,
  opening: number,
): number {
  const free = wanted - blockwanted - (targets - blocktargets);
  return Math.max(0, opening - Math.max(0, free));
}

const supervisorSetup = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
  },
  actors: {
    peers: fromCallback(() => undefined) as AnyActorLogic,
    targets: fromCallback(() => undefined) as AnyActorLogic,
  },
  guards: {
    isKnown: ({ event }) => {
      assertEvent(event, 'slot.requested');
      return event.known;
    },
    isGrouped: ({ event }) => {
      assertEvent(event, 'slot.requested');
      return event.grouped;
    },
    isBanned: ({ event }) => {
      assertEvent(event, 'link.accepted');
      return event.banned;
    },
    lacksSlotForDiscouraged: ({ context, event }) => {
      assertEvent(event, 'link.accepted');
      return lacksSlotForDiscouraged(context, event);
    },
    exceedsRate: ({ event }) => {
      assertEvent(event, 'link.accepted');
      return event.exceeds === 'rate';
    },
    exceedsHandshakes: ({ event }) => {
      assertEvent(event, 'link.accepted');
      return event.exceeds === 'handshakes';
    },
    exceedsPeers: ({ event }) => {
      assertEvent(event, 'link.accepted');
      return event.exceeds === 'peers';
    },
    selectsNone: ({ event }) => {
      assertEvent(event, 'eviction.selected');
      return event.id === 0;
    },
    lacksOutboundSlot: ({ context }) => context.outbound >= context.maxoutbound,
    lacksInboundSlot: ({ context, event }) => {
      assertEvent(event, 'link.accepted');
      return lacksInboundSlot(context, event);
    },
    isEmpty: ({ context }) => context.inbound + context.outbound === 0,
    isLast: ({ context }) => context.inbound + context.outbound === 1,
    findsNone: ({ event }) => {
      assertEvent(event, 'candidates.found');
      return event.count === 0;
    },
    findsTooFew: ({ context, event }) => {
      assertEvent(event, 'candidates.found');
      return !context.once && event.count < context.wanted - context.targets;
    },
    findsNoneOnce: ({ context, event }) => {
      assertEvent(event, 'candidates.found');
      return context.once && event.count === 0;
    },
    findsNoneAtAll: ({ context, event }) => {
      assertEvent(event, 'candidates.found');
      return event.count === 0 && !context.hasOutcome && context.targets === 0;
    },
    isOnce: ({ context }) => context.once,
    fillsLast: ({ context: { once, wanted, targets, candidates } }) =>
      once && (wanted === 1 || (targets === 1 && candidates === 0)),
    opensNext: ({ context, event }) => {
      assertEvent(event, 'target.ended');
      return context.candidates > 0 && !(context.once && event.established);
    },
    losesLast: ({ context, event }) => {
      assertEvent(event, 'target.ended');
      return context.targets === 1 && !context.hasOutcome && !event.established;
    },
    hasAnchors: ({ context, event }) => {
      assertEvent(event, 'user.fill');
      return Math.min(event.anchors, context.blockwanted) > 0;
    },
    mayOpenFeeler: ({ context }) => !context.feeleropen && context.targets >= context.wanted,
    findsFeeler: ({ event }) => {
      assertEvent(event, 'feeler.found');
      return event.exists;
    },
    losesLastOnce: ({ context, event }) => {
      assertEvent(event, 'target.ended');
      return context.once && context.targets === 1 && !context.hasOutcome && !event.established;
    },
    endsLastOnce: ({ context, event }) => {
      assertEvent(event, 'target.ended');
      return context.once && context.targets === 1 && !event.established;
    },
  },
  actions: {
    /** The target of the ticket may connect. */
    'effect.grantSlot': () => undefined,
    'effect.refuseSlot': (_, _params: { code: RefusalCode }) => undefined,
    /** Create a connection from the accepted link. */
    'effect.accept': () => undefined,
    /** Close the accepted link before any byte is sent. */
    'effect.refuse': (_, _params: { code: RefusalCode }) => undefined,
    /** Select the inbound peer to evict; the answer is `eviction.selected`. */
    'effect.selectPeerToEvict': () => undefined,
    /** Close the selected peer with `ERR_POLICY_EVICTED`. */
    'effect.evict': () => undefined,
    /** Ask the source for candidates; the answer is `candidates.found`. */
    'effect.findCandidates': () => undefined,
    /** Create a target for each of the next `opening` candidates, the last `blockopening` of them block-relay-only. */
    'effect.openTargets': () => undefined,
    /** Create a block-relay-only target for each of the first `opening` anchors. */
    'effect.openAnchors': () => undefined,
    /** Send `feeler.due` after `feelerdelay`; never when that is 0. */
    'effect.armFeeler': () => undefined,
    /** Ask the source for an address to test; the answer is `feeler.found`. */
    'effect.findFeeler': () => undefined,
    /** Create a feeler to that address. */
    'effect.openFeeler': () => undefined,
    /** Report that every candidate was dialled and none was reached; at most once. */
    'effect.reportUnreachable': () => undefined,
    /** Report, with `once`, that no further candidate will be dialled. */
    'effect.reportFilled': () => undefined,
    /** Close every target, and every connection after its last message is sent. */
    'effect.drain': () => undefined,
    /** Destroy every remaining connection. */
    'effect.kill': () => undefined,
    countOutbound: assign(({ context }) => ({ outbound: context.outbound + 1 })),
    countInbound: assign(({ context }) => ({ inbound: context.inbound + 1 })),
    freeSlot: assign(({ context, event }) => {
      assertEvent(event, 'peer.ended');
      return event.inbound ? { inbound: context.inbound - 1 } : { outbound: context.outbound - 1 };
    }),
    recordCandidates: assign(({ context, event }) => {
      assertEvent(event, 'candidates.found');
      return {
        candidates: event.count,
        rounds: context.rounds + 1,
        delay: redialDelay(context.rounds + 1 + FIRST_ROUND, event.draw),
      };
    }),
    countOpening: assign(({ context }) => {
      const opening = freeSlots(context);
      const blockopening = blockShare(context, opening);
      return {
        opening,
        blockopening,
        targets: context.targets + opening,
        blocktargets: context.blocktargets + blockopening,
        candidates: context.candidates - opening,
      };
    }),
    countAnchors: assign(({ context, event }) => {
      assertEvent(event, 'user.fill');
      const opening = Math.min(event.anchors, context.blockwanted);
      return { opening, blockopening: opening, targets: opening, blocktargets: opening };
    }),
    drawFeeler: assign(({ context, event }) => {
      assertEvent(event, ['user.fill', 'feeler.due']);
      return { feelerdelay: poissonDelay(context.feelerInterval, event.draw) };
    }),
    beginFeeler: assign({ feeleropen: true }),
    endFeeler: assign({ feeleropen: false }),
    recordOutcome: assign({ hasOutcome: true }),
    /** Resets the backoff. */
    recordEstablished: assign({ hasOutcome: true, rounds: 1 }),
    recordFilled: assign(({ context }) => ({
      hasOutcome: true,
      wanted: context.wanted - 1,
      targets: context.targets - 1,
    })),
    removeTarget: assign(({ context, event }) => {
      assertEvent(event, 'target.ended');
      // With `once` a target is counted until it is established.
      const removed = context.once && event.established ? 0 : 1;
      const isBlock = event.connection_type === 'block-relay-only';
      return {
        targets: context.targets - removed,
        blocktargets: context.blocktargets - (isBlock ? removed : 0),
        delay: redialDelay(context.rounds + FIRST_ROUND, event.draw),
      };
    }),
  },
  delays: {
    drainTimeout: ({ context }) => context.drainTimeout,
    refillDelay: ({ context }) => context.delay,
  },
});

/** The chart. The running program provides the two pools (actors) and the effects. */
export const supervisorMachine = supervisorSetup.createMachine({
  id: 'supervisor',
  description: 'Slots for peers, automatic outbound connections, and stopping',
  context: ({ input }) => ({
    inbound: 0,
    outbound: 0,
    maxinbound: input.maxinbound,
    maxoutbound: input.maxoutbound,
    drainTimeout: input.drainTimeout,
    wanted: input.wanted,
    blockwanted: input.blockwanted,
    once: input.once,
    targets: 0,
    blocktargets: 0,
    candidates: 0,
    opening: 0,
    blockopening: 0,
    rounds: 0,
    hasOutcome: false,
    delay: 0,
    feelerInterval: input.feelerInterval,
    feelerdelay: 0,
    feeleropen: false,
  }),
  invoke: [
    { src: 'peers', id: 'peers' },
    { src: 'targets', id: 'targets' },
  ],
  initial: 'running',
  on: { 'peer.ended': { actions: 'freeSlot', description: 'its slot is free again' } },
  states: {
    running: {
      description: 'assigns slots',
      initial: 'manual',
      on: {
        'slot.requested': [
          {
            guard: 'isKnown',
            actions: { type: 'effect.refuseSlot', params: { code: 'ERR_POLICY_DUPLICATE' } },
            description: 'one connection per address',
          },
          {
            guard: 'isGrouped',
            actions: { type: 'effect.refuseSlot', params: { code: 'ERR_POLICY_NETGROUP' } },
            description: 'one automatic connection per netgroup',
          },
          {
            guard: 'lacksOutboundSlot',
            actions: { type: 'effect.refuseSlot', params: { code: 'ERR_POLICY_FULL' } },
            description: 'all slots are taken',
          },
          { actions: ['countOutbound', 'effect.grantSlot'], description: 'a slot is free' },
        ],
        'link.accepted': [
          {
            guard: 'isBanned',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_BANNED' } },
            description: 'the user has banned its address',
          },
          {
            guard: 'lacksSlotForDiscouraged',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_DISCOURAGED' } },
            description: 'a peer at its address has misbehaved, and at most one slot is left',
          },
          {
            guard: 'exceedsRate',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_RATE' } },
            description: 'its source connects too often',
          },
          {
            guard: 'exceedsHandshakes',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_PENDING' } },
            description: 'its source has too many unfinished handshakes',
          },
          {
            guard: 'exceedsPeers',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_SOURCE' } },
            description: 'its source has too many peers',
          },
          {
            guard: 'lacksInboundSlot',
            actions: 'effect.selectPeerToEvict',
            description: 'all slots are taken: one of the peers may be evicted',
          },
          { actions: ['countInbound', 'effect.accept'], description: 'a slot is free: the peer is created' },
        ],
        'eviction.selected': [
          {
            guard: 'selectsNone',
            actions: { type: 'effect.refuse', params: { code: 'ERR_POLICY_FULL' } },
            description: 'every peer is protected: the link is closed',
          },
          {
            actions: ['countInbound', 'effect.evict', 'effect.accept'],
            description: 'the selected peer is closed, and the new one is created',
          },
        ],
        'target.established': { actions: 'recordEstablished', description: 'a candidate was reached' },
        'target.ended': [
          {
            guard: 'losesLast',
            actions: ['removeTarget', 'recordOutcome', 'effect.reportUnreachable'],
            description: 'no candidate was reached',
          },
          { actions: 'removeTarget', description: 'its slot is to be filled again' },
        ],
        'feeler.due': {
          actions: ['drawFeeler', 'effect.armFeeler'],
          description: 'a slot is free, or a feeler is open: no feeler now',
        },
        'feeler.found': [
          { guard: 'findsFeeler', actions: 'effect.openFeeler', description: 'an address is tested' },
          { actions: 'endFeeler', description: 'the source has no address to test' },
        ],
        'feeler.ended': { actions: 'endFeeler', description: 'the address was tested' },
        'user.stop': [
          { guard: 'isEmpty', target: 'stopped', actions: 'effect.drain', description: 'no peers' },
          { target: 'draining', actions: 'effect.drain', description: 'all peers are closing' },
        ],
      },
      states: {
        manual: {
          description: 'only targets from dial() are dialled',
          on: {
            'user.fill': [
              {
                guard: 'hasAnchors',
                target: 'finding',
                actions: ['drawFeeler', 'countAnchors', 'effect.armFeeler', 'effect.openAnchors'],
                description: 'the block-relay-only peers of the last run are dialled first',
              },
              {
                target: 'finding',
                actions: ['drawFeeler', 'effect.armFeeler'],
                description: 'the outbound slots are to be filled',
              },
            ],
          },
        },
        finding: {
          description: 'asking the source for candidates',
          entry: 'effect.findCandidates',
          on: {
            'candidates.found': [
              {
                guard: 'findsNoneOnce',
                target: 'filled',
                actions: ['recordCandidates', 'effect.reportUnreachable'],
                description: 'no candidate, and the source is asked once',
              },
              {
                guard: 'findsNoneAtAll',
                target: 'waiting',
                actions: ['recordCandidates', 'recordOutcome', 'effect.reportUnreachable'],
                description: 'no candidate now',
              },
              {
                guard: 'findsNone',
                target: 'waiting',
                actions: 'recordCandidates',
                description: 'no new candidate',
              },
              {
                guard: 'findsTooFew',
                target: 'waiting',
                actions: ['recordCandidates', 'countOpening', 'effect.openTargets'],
                description: 'all are dialled, and slots remain',
              },
              {
                target: 'filling',
                actions: ['recordCandidates', 'countOpening', 'effect.openTargets'],
                description: 'one candidate is dialled for each free slot',
              },
            ],
          },
        },
        filling: {
          description: 'candidates are dialled until the wanted number is connected',
          on: {
            'feeler.due': {
              guard: 'mayOpenFeeler',
              actions: ['drawFeeler', 'beginFeeler', 'effect.findFeeler', 'effect.armFeeler'],
              description: 'every slot has a target: an address is to be tested',
            },
            'target.established': [
              {
                guard: 'fillsLast',
                target: 'filled',
                actions: 'recordFilled',
                description: 'every slot was filled once, or no candidate is left',
              },
              { guard: 'isOnce', actions: 'recordFilled', description: 'this slot is not filled again' },
              { actions: 'recordEstablished', description: 'a candidate was reached' },
            ],
            'target.ended': [
              {
                guard: 'opensNext',
                actions: ['removeTarget', 'countOpening', 'effect.openTargets'],
                description: 'the next candidate is dialled',
              },
              {
                guard: 'losesLastOnce',
                target: 'filled',
                actions: ['removeTarget', 'effect.reportUnreachable'],
                description: 'every candidate was dialled, and none was reached',
              },
              {
                guard: 'endsLastOnce',
                target: 'filled',
                actions: 'removeTarget',
                description: 'every candidate was dialled',
              },
              { guard: 'isOnce', actions: 'removeTarget', description: 'no candidate is left for its slot' },
              {
                guard: 'losesLast',
                target: 'waiting',
                actions: ['removeTarget', 'recordOutcome', 'effect.reportUnreachable'],
                description: 'no candidate was reached',
              },
              { target: 'waiting', actions: 'removeTarget', description: 'every candidate was dialled' },
            ],
          },
        },
        waiting: {
          description: 'every candidate was dialled; the source is asked again after a delay',
          after: { refillDelay: { target: 'finding', description: 'there may be new candidates' } },
        },
        filled: { description: 'no further candidate is dialled', entry: 'effect.reportFilled' },
      },
    },
    draining: {
      description: 'waiting for peers to close; new ones are refused',
      after: {
        drainTimeout: {
          target: 'stopped',
          actions: 'effect.kill',
          description: 'the remaining peers are destroyed',
        },
      },
      on: {
        'slot.requested': {
          actions: { type: 'effect.refuseSlot', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'the node is stopping',
        },
        'link.accepted': {
          actions: { type: 'effect.refuse', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'the node is stopping',
        },
        'eviction.selected': {
          actions: { type: 'effect.refuse', params: { code: 'ERR_LOCAL_CANCELLED' } },
          description: 'the node is stopping',
        },
        'peer.ended': {
          guard: 'isLast',
          target: 'stopped',
          actions: 'freeSlot',
          description: 'the last peer has ended',
        },
      },
    },
    stopped: { type: 'final', description: 'no peers remain' },
  },
});
