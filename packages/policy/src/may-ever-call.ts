import { callScope } from './checks/permit/request.ts';
import { clauseOf, grants } from './checks/permit/step.ts';
import type { Clause } from './compiled-bundle.ts';
import { covers } from './event-class.ts';
import type { Environment, Principal } from './input.ts';
import { type LoadedBundle, toolRule } from './load-bundle.ts';
import { defaultDenyMode, environmentMode, weaker } from './modes.ts';

/** When and in which environment it is asked. */
export interface Asked {
  readonly environment: Environment;
  /** ms since 1970. */
  readonly at: number;
}

/**
 * Whether the principal may call the tool, if arguments and history allow; the others are not shown to it. Of the policies
 * it goes by their scopes and modes: what they leave open is never hidden. Without `asked`: at any time, everything
 * enforced.
 */
export function mayEverCall(
  bundle: LoadedBundle,
  principal: Pick<Principal, 'id' | 'roles' | 'org' | 'tenant'>,
  tool: string,
  asked?: Asked,
): boolean {
  const { ir } = bundle;
  const rule = toolRule(ir, tool);
  const enforced = ({ mode }: Clause) =>
    (asked === undefined ? mode : weaker(mode, environmentMode(asked.environment, ir.assurance))) ===
    'enforce';
  const { permits, forbids } = bundle.cedar.inScope(callScope(bundle.entities, principal, tool, rule));
  if (forbids.some((policy) => enforced(clauseOf(bundle, policy)))) return false;
  const never = ir.clauses.some(
    (clause) =>
      clause.kind === 'trace' &&
      clause.pattern.kind === 'never' &&
      rule !== undefined &&
      covers(clause.pattern.never, tool, rule.effect) &&
      enforced(clause),
  );
  if (never) return false;
  const at = asked?.at ?? Number.NEGATIVE_INFINITY;
  const permitted = permits.some((policy) => grants(clauseOf(bundle, policy), at));
  if (rule !== undefined && permitted) return true;
  return asked !== undefined && defaultDenyMode(ir, asked.environment) !== 'enforce';
}
