import type { Rule, Shape } from './shapes.ts';

// One casbin rule per Cedar policy, with the same scope and condition, deny overriding allow. Effects are
// columns, so the matcher runs for every rule, as in any casbin deployment with rules that deny.
export function casbinModel(shape: Shape): string {
  const [rule] = shape.rules;
  const scope = rule?.principal
    ? 'r.sub == p.sub && r.obj == p.obj && r.act == p.act && '
    : rule?.team
      ? 'g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act && '
      : '';
  return `
[request_definition]
r = sub, obj, act, ctx

[policy_definition]
p = sub, obj, act, tenant, limit, eft

[role_definition]
g = _, _
g2 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = ${scope}r.ctx.tenant == p.tenant && r.ctx.amount < p.limit
`;
}

export function casbinPolicies(rules: readonly Rule[]): string[][] {
  return rules.map(({ effect, principal, team, tool, folder, tenant, limit }) => [
    principal ?? team ?? '*',
    tool ?? folder ?? '*',
    'call',
    tenant,
    String(limit),
    effect === 'permit' ? 'allow' : 'deny',
  ]);
}
