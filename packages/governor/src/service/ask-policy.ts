import type { PlanInput, PlanResult } from '../policy/plan.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import type { GovernorParts } from './ports.ts';

/** What the policy in force says of a change of the tree as it is. */
export async function askPolicy(
  { tree, observer }: Pick<GovernorParts, 'tree' | 'observer'>,
  { policy, identity }: PolicyInForce,
  change: Omit<PlanInput, 'paths'>,
): Promise<PlanResult> {
  const plan = await policy.evaluate({ ...change, paths: await tree.paths() }, identity.version);
  const blocking = plan.rules.filter(({ verdict }) => verdict === 'blocked');
  observer.planned(
    plan.verdict,
    blocking.map(({ rule }) => rule),
  );
  return plan;
}
