/** Shortens a plan that breaks a rule to one that breaks the same rule. */
import type { PlannedAction, Plan } from './plan.js';

/** What is broken, without where and when: the first word of a violation. */
export const ruleOf = (violation: string | undefined): string | undefined => violation?.split(':', 1)[0];

type Predicate = (plan: Plan) => Promise<boolean>;

/**
 * Removes actions, first in large pieces, then one by one until all are needed; a node without an action is
 * never started. `breaks` decides whether a plan still breaks the rule.
 */
export async function shrink(plan: Plan, breaks: Predicate): Promise<Plan> {
  let best = plan;
  for (let size = Math.ceil(plan.actions.length / 2); size > 1; size = Math.ceil(size / 2)) {
    best = await sweep(best, size, breaks);
  }
  for (let before = Infinity; best.actions.length < before;) {
    before = best.actions.length;
    best = await sweep(best, 1, breaks);
  }
  return best;
}

/** Tries to remove each piece of `size` actions, once. */
async function sweep(plan: Plan, size: number, breaks: Predicate): Promise<Plan> {
  let best = plan;
  for (let at = 0; at < best.actions.length;) {
    const shorter = without(best, at, size);
    if (await breaks(shorter)) best = shorter;
    else at += size;
  }
  return best;
}

const without = (plan: Plan, at: number, size: number): Plan => ({
  ...plan,
  actions: plan.actions.filter((_, i) => i < at || i >= at + size),
});

/** The plan as text: its nodes and their actions. */
export function describePlan(plan: Plan): string {
  const nodes = new Set(plan.actions.flatMap((action) => ('node' in action ? [action.node] : [])));
  const who = [...nodes].map((node) => `  ${node}: ${JSON.stringify(plan.nodePlans[node])}`);
  return [`seed ${plan.seed}, ${nodes.size} nodes`, ...who, ...plan.actions.map(describeAction)].join('\n');
}

const describeAction = (action: PlannedAction): string => `  ${JSON.stringify(action)}`;
