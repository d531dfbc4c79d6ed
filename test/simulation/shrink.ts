/** From a plan that breaks a rule to a small one that breaks the same rule. */
import type { Act, Plan } from './plan.js';

/** What is broken, without where and when: the first word of a violation. */
export const ruleOf = (violation: string | undefined): string | undefined => violation?.split(':', 1)[0];

type Judge = (plan: Plan) => Promise<boolean>;

/**
 * Takes away acts, first in large pieces, then one by one until none can be missed; a node that is in no act any more is
 * never started. `breaks` says whether a plan still shows it.
 */
export async function shrink(plan: Plan, breaks: Judge): Promise<Plan> {
  let best = plan;
  for (let size = Math.ceil(plan.acts.length / 2); size > 1; size = Math.ceil(size / 2)) {
    best = await sweep(best, size, breaks);
  }
  for (let before = Infinity; best.acts.length < before;) {
    before = best.acts.length;
    best = await sweep(best, 1, breaks);
  }
  return best;
}

/** Tries to do without each piece of `size` acts, once. */
async function sweep(plan: Plan, size: number, breaks: Judge): Promise<Plan> {
  let best = plan;
  for (let at = 0; at < best.acts.length;) {
    const shorter = without(best, at, size);
    if (await breaks(shorter)) best = shorter;
    else at += size;
  }
  return best;
}

const without = (plan: Plan, at: number, size: number): Plan => ({
  ...plan,
  acts: plan.acts.filter((_, i) => i < at || i >= at + size),
});

/** The plan for a person: who takes part, and what they do. */
export function describePlan(plan: Plan): string {
  const nodes = new Set(plan.acts.flatMap((act) => ('node' in act ? [act.node] : [])));
  const who = [...nodes].map((node) => `  ${node}: ${JSON.stringify(plan.residents[node])}`);
  return [`seed ${plan.seed}, ${nodes.size} nodes`, ...who, ...plan.acts.map(describeAct)].join('\n');
}

const describeAct = (act: Act): string => `  ${JSON.stringify(act)}`;
