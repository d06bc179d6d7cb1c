import { type CompiledBundle, type LoadedBundle, mayEverCall } from '@provability-fabric/policy';

export interface Access {
  readonly tool: string;
  /** By the names in `columns`. */
  readonly allowed: readonly boolean[];
}

/** Which tools each role may ever call, whatever the arguments and the history. */
export function whoMayCall(bundle: LoadedBundle): {
  readonly columns: readonly string[];
  readonly rows: readonly Access[];
} {
  const { ir } = bundle;
  const roles = rolesIn(ir);
  const agents = agentsIn(ir);
  const tenant = ir.tenants[0] ?? 'tenant';
  const asking = (id: string, held: readonly string[]) => ({ id, roles: held, org: tenant, tenant });
  const principals = [
    asking('somebody', []),
    ...roles.map((role) => asking('somebody', [role])),
    ...agents.map((agent) => asking(agent, [])),
  ];
  return {
    columns: [
      'without a role',
      ...roles.map((role) => `role ${role}`),
      ...agents.map((agent) => `agent ${agent}`),
    ],
    rows: Object.keys(ir.tools).map((tool) => ({
      tool,
      allowed: principals.map((principal) => mayEverCall(bundle, principal, tool)),
    })),
  };
}

function rolesIn(ir: CompiledBundle): readonly string[] {
  return namesOf(ir, 'Role');
}

function agentsIn(ir: CompiledBundle): readonly string[] {
  return namesOf(ir, 'Agent');
}

/** The entities of a type that principal scopes name. */
function namesOf({ cedar }: CompiledBundle, type: string): readonly string[] {
  const names = cedar.policies.flatMap(({ principal }) =>
    'entity' in principal && principal.entity.type === type ? [principal.entity.id] : [],
  );
  return [...new Set(names)].sort();
}
